"""Line ends of a message: what is stored has CRLF and nothing else (RFC 5321 §2.3.8)."""

from __future__ import annotations

import re

_ANY_LINE_END = re.compile(rb"\r\n|\r|\n")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def normalise_line_ends(raw: bytes) -> bytes:
    """`raw` with every CR, LF or CRLF as CRLF; the same object when there is nothing to change."""
    return _ANY_LINE_END.sub(b"\r\n", raw) if _BARE.search(raw) else raw
