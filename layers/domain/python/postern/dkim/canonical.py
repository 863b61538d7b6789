"""Canonical forms of header fields and bodies, and the body's hash (RFC 6376 §3.4, §3.7).

Lines end in CRLF, as in every message that was received by SMTP. Time is linear in the message; a body is worked
through in pieces, so that no second copy of a large one is made.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

PIECE_OCTETS = 1 << 20

_TRAILING_LINE_ENDS_REVERSED = re.compile(rb"(?:\n\r)*+")


class Canonicalization(StrEnum):
    """How much a message may change on its way without breaking the signature."""

    SIMPLE = "simple"
    RELAXED = "relaxed"


@dataclass(frozen=True, slots=True)
class BodyDigest:
    """The hash of a body's canonical form, and how many octets the whole canonical form has."""

    value: bytes
    octets: int


def canonical_field(method: Canonicalization, raw_field: bytes) -> bytes:
    """One header field in canonical form, with its final CRLF if it has one (RFC 6376 §3.4.1, §3.4.2)."""
    if method is Canonicalization.SIMPLE:
        return raw_field
    raw_name, _, raw_value = raw_field.partition(b":")
    end = b"\r\n" if raw_field.endswith(b"\n") else b""
    value = _single_blanks(raw_value.replace(b"\r\n", b"")).strip(b" ")
    return raw_name.rstrip(b" \t").lower() + b":" + value + end


def canonical_body(method: Canonicalization, source: bytes, start: int) -> Iterator[bytes]:
    """The canonical form of the body `source[start:]`, piece by piece (RFC 6376 §3.4.3, §3.4.4)."""
    relaxed = method is Canonicalization.RELAXED
    end = max(start, _end_without_blank_lines(source) if relaxed else _end_without_empty_lines(source))
    position = start
    while position < end:
        cut = source.find(b"\n", position + PIECE_OCTETS, end) + 1 or end
        piece = source[position:cut]
        yield _single_blanks(piece).replace(b" \r\n", b"\r\n") if relaxed else piece
        position = cut
    if end > start or not relaxed:
        yield b"\r\n"


def digest_body(method: Canonicalization, hash_name: str, source: bytes, start: int, limit: int | None) -> BodyDigest:
    """The hash of at most `limit` octets of the canonical body (the `l=` tag), and its length in all."""
    digest = hashlib.new(hash_name, usedforsecurity=False)
    octets = 0
    for piece in canonical_body(method, source, start):
        if limit is None or octets + len(piece) <= limit:
            digest.update(piece)
        elif octets < limit:
            digest.update(piece[: limit - octets])
        octets += len(piece)
    return BodyDigest(digest.digest(), octets)


def _single_blanks(data: bytes) -> bytes:
    """Runs of blanks as one space; each round halves the runs, so this stays linear."""
    data = data.replace(b"\t", b" ")
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    return data


def _end_without_blank_lines(source: bytes) -> int:
    return len(source.rstrip(b" \t\r\n"))


def _end_without_empty_lines(source: bytes) -> int:
    tail = source[len(source.rstrip(b"\r\n")) :]
    found = _TRAILING_LINE_ENDS_REVERSED.match(tail[::-1])
    return len(source) - (found.end() if found else 0)
