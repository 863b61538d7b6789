"""Message identifiers (RFC 5322 §3.6.4): Message-ID, In-Reply-To, References."""

from __future__ import annotations

import re

from postern.mime.limits import MAX_STRUCTURED_BYTES

MAX_IDENTIFIERS = 1_000
"""Identifiers read from one field."""

_IN_BRACKETS = re.compile(r"<([^<>]++)>")


def parse_identifiers(text: str) -> tuple[str, ...]:
    """What stands in angle brackets, in order; without any brackets the one word there is."""
    text = text[:MAX_STRUCTURED_BYTES]
    found = _IN_BRACKETS.findall(text)[:MAX_IDENTIFIERS]
    bare = text.strip()
    if not found and bare and not any(one in bare for one in "<> \t\r\n"):
        return (bare,)
    return tuple(one for one in (each.strip() for each in found) if one)
