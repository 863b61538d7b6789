"""Whether what a client says may be said without TLS (RFC 3207 §4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from postern import replies
from postern.recipients import MailPath, canonical_domain
from postern.replies import Reply
from postern.session.tls_policy import TlsPolicy


def nowhere(domain: str | None) -> TlsPolicy:
    """TLS is required nowhere."""
    del domain
    return TlsPolicy()


@dataclass(frozen=True, slots=True)
class TlsRules:
    """`policy` is that of a recipient domain, or the site's for `None`; it never blocks."""

    policy: Callable[[str | None], TlsPolicy] = nowhere

    def mail(self, path: MailPath | None, client_ip: str | None, *, offered: bool) -> Reply | None:
        """Why MAIL is not taken in the clear; `offered` when the client can have TLS."""
        policy = self.policy(None)
        if policy.is_asked_of(client_ip):
            return replies.TLS_REQUIRED if offered else replies.TLS_UNAVAILABLE
        domain = canonical_domain(path.domain or "") if path is not None and policy.require_domains else None
        return _of_domain(offered) if domain and policy.is_asked_for(domain) else None

    def recipient(self, path: MailPath, default_domain: str, *, offered: bool) -> Reply | None:
        """Why RCPT is not taken in the clear."""
        domain = canonical_domain(path.domain or default_domain)
        return _of_domain(offered) if domain and self.policy(domain).require else None


def _of_domain(offered: bool) -> Reply:
    return replies.TLS_REQUIRED_FOR_DOMAIN if offered else replies.TLS_UNAVAILABLE
