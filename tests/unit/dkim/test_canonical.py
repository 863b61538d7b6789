"""Canonical forms: the examples of RFC 6376 §3.4.5, the corners, pieces, and time."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.dkim import canonical
from postern.dkim.canonical import Canonicalization, canonical_body, canonical_field, digest_body

SIMPLE, RELAXED = Canonicalization.SIMPLE, Canonicalization.RELAXED


def body(method: Canonicalization, source: bytes, start: int = 0) -> bytes:
    return b"".join(canonical_body(method, source, start))


@pytest.mark.parametrize(
    ("method", "raw", "expected"),
    [
        (RELAXED, b"A: X\r\n", b"a:X\r\n"),
        (RELAXED, b"B : Y\t\r\n\tZ  \r\n", b"b:Y Z\r\n"),
        (RELAXED, b"C:\r\n x\r\n", b"c:x\r\n"),
        (RELAXED, b"D: a: b", b"d:a: b"),
        (RELAXED, b"E:\r\n", b"e:\r\n"),
        (SIMPLE, b"B : Y\t\r\n\tZ  \r\n", b"B : Y\t\r\n\tZ  \r\n"),
    ],
)
def test_fields(method: Canonicalization, raw: bytes, expected: bytes) -> None:
    assert canonical_field(method, raw) == expected


@pytest.mark.parametrize(
    ("source", "simple", "relaxed"),
    [
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C \r\nD \t E\r\n", b" C\r\nD E\r\n"),
        (b"", b"\r\n", b""),
        (b"\r\n\r\n", b"\r\n", b""),
        (b" \t\r\n", b" \t\r\n", b""),
        (b"a", b"a\r\n", b"a\r\n"),
        (b"a\r\n", b"a\r\n", b"a\r\n"),
        (b"a \t", b"a \t\r\n", b"a\r\n"),
        (b"\r\na\r\n \r\n", b"\r\na\r\n \r\n", b"\r\na\r\n"),
        (b"a\r\n\n", b"a\r\n\n\r\n", b"a\r\n"),
    ],
)
def test_bodies(source: bytes, simple: bytes, relaxed: bytes) -> None:
    assert body(SIMPLE, source) == simple
    assert body(RELAXED, source) == relaxed


def test_a_body_begins_where_the_header_ends() -> None:
    source = b"A: b\r\n\r\n"
    assert body(SIMPLE, source, len(source)) == b"\r\n"
    assert body(RELAXED, source, len(source)) == b""
    assert body(RELAXED, source + b"x", len(source)) == b"x\r\n"


@given(st.lists(st.sampled_from([b" ", b"\t", b"a", b"\r\n", b"  b", b"\r\n \r\n"]), max_size=40))
def test_pieces_make_no_difference(parts: list[bytes]) -> None:
    source = b"".join(parts)
    whole = {method: body(method, source) for method in Canonicalization}
    before = canonical.PIECE_OCTETS
    canonical.PIECE_OCTETS = 3
    try:
        assert {method: body(method, source) for method in Canonicalization} == whole
    finally:
        canonical.PIECE_OCTETS = before


@given(st.lists(st.sampled_from([b" ", b"\t", b"a", b"\r\n"]), max_size=40), st.integers(0, 60))
def test_the_digest_is_of_the_first_octets(parts: list[bytes], limit: int) -> None:
    source = b"".join(parts)
    for method in Canonicalization:
        form = body(method, source)
        digest = digest_body(method, "sha256", source, 0, limit)
        assert digest.value == hashlib.sha256(form[:limit]).digest()
        assert digest.octets == len(form)


@pytest.mark.parametrize(
    "source", [b" " * 4_000_000 + b"x", b"\r\n" * 2_000_000 + b"\r", b"a \r\n" * 500_000, b"\t" * 3_000_000]
)
def test_hostile_bodies_take_linear_time(source: bytes) -> None:
    for method in Canonicalization:
        assert digest_body(method, "sha256", source, 0, None).octets <= len(source) + 2
