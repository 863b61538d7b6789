"""The policy section `tls`: whose mail is taken under TLS only.

RFC 3207 §4 forbids a host in the MX records to require TLS of everybody. Of partners who have agreed to it, or for
recipients whose owner wants it so, it can be.
"""

from __future__ import annotations

from dataclasses import dataclass

from postern.networks import is_within, known_address
from postern.policy import Scope, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsPolicy:
    """Who must use STARTTLS. Who does not is refused with 530, and can try again under TLS in the same session."""

    require_from: tuple[str, ...] = setting((), "networks whose clients bring mail under TLS only, in CIDR form")
    require_domains: tuple[str, ...] = setting(
        (), "reverse-path domains whose mail is taken under TLS only; a domain includes those below it"
    )
    require: bool = setting(False, "mail for a recipient is taken under TLS only", scopes=(Scope.GLOBAL, Scope.DOMAIN))

    def is_asked_of(self, client_ip: str | None) -> bool:
        """Whether a client must use TLS."""
        address = known_address(client_ip) if self.require_from else None
        return address is not None and is_within(address, self.require_from)

    def is_asked_for(self, domain: str) -> bool:
        """Whether mail with a reverse-path in this domain (lower case, A-labels) must come under TLS."""
        return any(domain == one or domain.endswith(f".{one}") for one in map(str.lower, self.require_domains) if one)
