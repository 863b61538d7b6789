"""Writing header fields: one line's worth of clean text in, folded lines out (RFC 5322 §2.1.1, §2.2.3).

Whatever the value holds, what comes out is one field: no line end, NUL or other control character survives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from postern.model import HeaderField

LINE_LENGTH = 78
MAX_LINE_LENGTH = 998
MAX_FIELD_LENGTH = 64 * 1024

_BREAKS = re.compile(r"[\t\n\r\x0b\x0c]+")
_UNPRINTABLE = re.compile(r"[^ -~]")
_FIELD_NAME = re.compile(r"[!-9;-~]{1,70}")
_FOLD = re.compile(r"(?<=[^ ]) (?=[^ ])")


def clean_value(text: str) -> str:
    """`text` as one line of printable ASCII: line ends become blanks, anything else unprintable a question mark."""
    return _UNPRINTABLE.sub("?", _BREAKS.sub(" ", text[:MAX_FIELD_LENGTH])).strip(" ")


def encode_field(field: HeaderField) -> bytes:
    """The field's octets, folded where a blank allows it, with the final CRLF.

    Raises `ValueError` for a name that is none; names are ours, never a sender's.
    """
    if not _FIELD_NAME.fullmatch(field.name):
        raise ValueError(f"not a header field name: {field.name!r}")
    return ("\r\n".join(_folded(f"{field.name}: {clean_value(field.value)}")) + "\r\n").encode("ascii")


def _folded(line: str) -> Iterator[str]:
    """Lines that give back `line` when joined; each break stands before a blank."""
    while len(line) > LINE_LENGTH:
        cut = _best_cut(line)
        if cut is None:
            break
        yield line[:cut]
        line = line[cut:]
    while len(line) > MAX_LINE_LENGTH:
        yield line[:MAX_LINE_LENGTH]
        line = " " + line[MAX_LINE_LENGTH:]
    yield line


def _best_cut(line: str) -> int | None:
    """The last place within the line length where a clause ends, else where a word ends; else the first at all."""
    first = None
    last = clause = None
    for found in _FOLD.finditer(line, 1):
        if found.start() > LINE_LENGTH:
            first = found.start() if last is None else first
            break
        last = found.start()
        clause = last if line[last - 1] == ";" else clause
    return clause or last or first
