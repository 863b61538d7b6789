"""What SPF is asked about: the client, the identity and who asks (RFC 7208 §2.3, §2.4, §4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postern.dns import is_askable
from postern.mime.domain_labels import to_ascii_domain
from postern.networks import IPAddress

POSTMASTER = "postmaster"


@dataclass(frozen=True, slots=True)
class SpfRequest:
    """The arguments of `check_host` and what macros need besides: `local_part@domain` is the `<sender>`."""

    client_ip: IPAddress
    helo_identity: str
    local_part: str
    domain: str
    receiver: str
    asked_at: datetime

    @property
    def identity(self) -> str:
        """The mailbox that is checked."""
        return f"{self.local_part}@{self.domain}"

    @property
    def address_type(self) -> str:
        """The record type of addresses of the client's family."""
        return "A" if self.client_ip.version == 4 else "AAAA"

    def macro_values(self) -> dict[str, str]:
        """The values of the macros that are the same in every record (RFC 7208 §7.2), by lower-case letter."""
        is_ipv4 = self.client_ip.version == 4
        return {
            "s": self.identity,
            "l": self.local_part,
            "o": self.domain,
            "i": str(self.client_ip) if is_ipv4 else ".".join(self.client_ip.exploded.replace(":", "").upper()),
            "v": "in-addr" if is_ipv4 else "ip6",
            "h": self.helo_identity,
            "c": str(self.client_ip),
            "r": self.receiver,
            "t": str(int(self.asked_at.timestamp())),
        }


def split_mailbox(mailbox: str) -> tuple[str, str]:
    """Local-part (`postmaster` where there is none, §4.3) and domain, in A-labels, without the final dot."""
    local_part, _, domain = mailbox.rpartition("@")
    return local_part or POSTMASTER, ascii_domain(domain)


def ascii_domain(domain: str) -> str:
    """`domain` with A-labels (RFC 8616 §4) and without the final dot; what is no domain name stays as it is."""
    domain = domain.removesuffix(".")
    return domain if domain.isascii() else to_ascii_domain(domain) or domain


def is_checkable(domain: str) -> bool:
    """Whether the domain can have a policy: several labels of legal length, no address literal (§4.3)."""
    plain = domain.isascii() and domain.isprintable() and " " not in domain and not domain.startswith("[")
    return plain and "." in domain and is_askable(domain)
