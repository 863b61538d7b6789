"""Reverse-paths and forward-paths (RFC 5321 §4.1.2, RFC 6531 §3.3).

Strict where a lenient reading would let one server understand another address than the next one; lenient in two
habits of real clients that change no meaning: a blank after the colon, and an underscore in a host name.
"""

from __future__ import annotations

import ipaddress
import re

from postern.recipients import DOT_STRING, MailPath

MAX_LOCAL_PART_OCTETS = 256
"""RFC 5321 §4.5.3.1.1 asks for 64 at least; reverse-paths that encode their recipient are longer."""

MAX_DOMAIN_OCTETS = 255

_PATH = re.compile(r'<((?:"(?:[^"\\]|\\.)*"|[^"<>\s])*)>(?:\s+(.*))?', re.DOTALL)
_QUOTED_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_WORD = r"[A-Za-z0-9_\u0080-\U0010ffff]"
_LABEL = rf"{_WORD}(?:[A-Za-z0-9_\u0080-\U0010ffff-]{{0,61}}{_WORD})?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_SOURCE_ROUTE = re.compile(rf"@{_DOMAIN.pattern}(?:,@{_DOMAIN.pattern})*:")
_IPV6_TAG = "IPv6:"


class PathError(ValueError):
    """The text is no path."""


def parse_path(text: str) -> tuple[MailPath | None, str]:
    """Return the path at the start of `text` (`None` for `<>`) and the parameters that follow it.

    A source route is checked and dropped (RFC 5321 §4.1.1.3, appendix C). Raises PathError.
    """
    found = _PATH.fullmatch(text.strip(" "))
    if found is None:
        raise PathError("no path in angle brackets")
    inner, parameters = found[1], found[2] or ""
    if not inner:
        return None, parameters
    return _mailbox(_without_route(inner)), parameters


def _without_route(text: str) -> str:
    if not text.startswith("@"):
        return text
    route = _SOURCE_ROUTE.match(text)
    if route is None:
        raise PathError("malformed source route")
    return text[route.end() :]


def _mailbox(text: str) -> MailPath:
    if not text.isprintable():
        raise PathError("unprintable character")
    if text.lower() == "postmaster":
        return MailPath(text, None)
    local_part, domain = _split(text)
    if len(local_part.encode()) > MAX_LOCAL_PART_OCTETS or len(domain.encode()) > MAX_DOMAIN_OCTETS:
        raise PathError("too long")
    if domain.startswith("["):
        return MailPath(local_part, _address_literal(domain))
    if not _DOMAIN.fullmatch(domain):
        raise PathError("malformed domain")
    return MailPath(local_part, domain)


def _split(text: str) -> tuple[str, str]:
    """The unquoted local part and the domain."""
    quoted = _QUOTED_STRING.match(text)
    if quoted is not None:
        if text[quoted.end() : quoted.end() + 1] != "@":
            raise PathError("no domain")
        return _QUOTED_PAIR.sub(r"\1", quoted[1]), text[quoted.end() + 1 :]
    local_part, at, domain = text.partition("@")
    if not at or not DOT_STRING.fullmatch(local_part):
        raise PathError("malformed local part")
    return local_part, domain


def _address_literal(text: str) -> str:
    inner = text[1:-1]
    try:
        if not text.endswith("]"):
            raise PathError("malformed address literal")
        if inner[: len(_IPV6_TAG)].lower() == _IPV6_TAG.lower():
            return f"[{_IPV6_TAG}{ipaddress.IPv6Address(inner[len(_IPV6_TAG) :])}]"
        return f"[{ipaddress.IPv4Address(inner)}]"
    except ValueError as error:
        raise PathError("malformed address literal") from error
