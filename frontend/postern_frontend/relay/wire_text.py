"""A message as the text of DATA (RFC 5321 §4.5.2): CRLF only, dots doubled, nothing that could end it early.

A server that takes `LF.LF`, `LF.CRLF` or `CR NUL . CR LF` for the end of DATA would read what follows as a second
message from us. So no bare CR or LF and no NUL leaves here, whatever lies in the store.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

CHUNK_OCTETS = 64 * 1024
END_OF_DATA = b".\r\n"

_LINE_END = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


def text_of(message: bytes) -> Iterator[bytes]:
    """The octets between the reply 354 and the reply to the final dot, that dot included, in pieces."""
    safe = _with_clean_line_ends(message)
    at = 0
    while at < len(safe):
        end = _end_of_lines(safe, at)
        yield _LEADING_DOT.sub(b"..", safe[at:end])
        at = end
    if safe and not safe.endswith(b"\r\n"):
        yield b"\r\n"
    yield END_OF_DATA


def _with_clean_line_ends(message: bytes) -> bytes:
    if b"\0" in message:
        message = message.replace(b"\0", b"")
    pairs = message.count(b"\r\n")
    if message.count(b"\n") == pairs == message.count(b"\r"):
        return message
    return _LINE_END.sub(b"\r\n", message)


def _end_of_lines(text: bytes, at: int) -> int:
    """The end of the last line that fits into a chunk, or of the one line that is longer."""
    if len(text) - at <= CHUNK_OCTETS:
        return len(text)
    end = text.rfind(b"\n", at, at + CHUNK_OCTETS)
    if end < 0:
        end = text.find(b"\n", at)
    return len(text) if end < 0 else end + 1
