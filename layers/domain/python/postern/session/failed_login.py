"""A failed login: the line in the log by which other programs know it, and the digest of the wrong password."""

from __future__ import annotations

import hashlib
import hmac

from postern.session.counters import MailProtocol

MAX_LOGGED_CHARACTERS = 320
"""Of an account's name as the client wrote it (RFC 5321 §4.5.3.1: 64 + 1 + 255 octets), before it is escaped."""

CUT = "..."
_DIGEST_DIGITS = 12
_PURPOSE = b"postern: wrong passwords"


def log_line(protocol: MailProtocol, client_ip: str | None, account: str) -> str:
    """`Failed SMTP authentication attempt from 203.0.113.9 for "ann@example.com"`.

    One line of printable ASCII whatever the client wrote: what could end the quotes or the line, move a cursor or
    turn the text around is written as an escape.
    """
    shown = account[:MAX_LOGGED_CHARACTERS]
    cut = CUT if len(account) > MAX_LOGGED_CHARACTERS else ""
    return (
        f"Failed {protocol.label} authentication attempt from {client_ip or 'unknown'}"
        f' for "{"".join(map(_escaped, shown))}{cut}"'
    )


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if " " <= character <= "~":
        return character
    point = ord(character)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def digest_key(secret: bytes) -> bytes:
    """A key for `password_digest`, from a secret that all front ends have."""
    return hmac.new(secret, _PURPOSE, hashlib.sha256).digest()


def password_digest(key: bytes, account: str, password: str) -> str:
    """Twelve hex digits by which an identical wrong password for an account is known again, and by nobody else."""
    text = f"{account.lower()}\0{password}".encode("utf-8", "surrogatepass")
    return hmac.new(key, text, hashlib.sha256).hexdigest()[:_DIGEST_DIGITS]
