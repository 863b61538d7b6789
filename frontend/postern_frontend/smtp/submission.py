"""Ports 587 and 465: mail from people who have logged in (RFC 6409, RFC 8314)."""

from __future__ import annotations

from postern_frontend.smtp.auth import AUTH, LINE_OCTETS
from postern_frontend.smtp.profile import DSN, STARTTLS, SmtpProfile, base_extensions


def submission_profile(hostname: str, *, max_message_octets: int) -> SmtpProfile:
    """Nothing goes before TLS and a login. The same for both ports: on 465 a conversation begins under TLS."""
    return SmtpProfile(
        hostname=hostname,
        extensions=(*base_extensions(max_message_octets), DSN, AUTH, STARTTLS),
        max_message_octets=max_message_octets,
        max_command_octets=LINE_OCTETS,
        tls_required=True,
        login_required=True,
    )
