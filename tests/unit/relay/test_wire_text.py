"""The text of DATA: it ends where it ends, and nowhere else."""

from __future__ import annotations

import ast
import json
import smtplib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern_frontend.data_scanner import DataScanner
from postern_frontend.relay import wire_text
from postern_frontend.relay.wire_text import text_of
from tests.material import vectors

SEQUENCES = json.loads(vectors("smtp", "smuggling-sequences.json").read_text())
SMUGGLED = [ast.literal_eval(f"b{text}") for text in (*SEQUENCES["outbound"], *SEQUENCES["hannob_extra"])]


def sent(message: bytes) -> bytes:
    return b"".join(text_of(message))


@pytest.mark.parametrize("sequence", SMUGGLED)
def test_no_smuggling_sequence_leaves_here(sequence: bytes) -> None:
    text = sent(b"Subject: x\r\n\r\nfirst" + sequence + b"MAIL FROM:<eve@evil.example>\r\nsecond\r\n")
    body = text.removesuffix(b"\r\n.\r\n")
    assert len(body) == len(text) - 5
    assert b"\0" not in text
    assert text.count(b"\r") == text.count(b"\n") == text.count(b"\r\n")
    assert not any(line.startswith(b".") and not line.startswith(b"..") for line in body.split(b"\r\n"))


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\0", b".", b"a", b"\r\n"]), max_size=60).map(b"".join))
def test_a_strict_server_reads_one_message_and_nothing_after_it(message: bytes) -> None:
    scanner = DataScanner()
    text, rest = scanner.feed(sent(message))
    assert scanner.finished
    assert rest == b""
    clean = wire_text._with_clean_line_ends(message)
    assert text == clean + (b"" if not clean or clean.endswith(b"\r\n") else b"\r\n")


@given(
    st.lists(st.sampled_from([b".", b"..", b"a", b"line of text", b""]), max_size=40),
    st.integers(min_value=1, max_value=50),
)
def test_the_pieces_are_cut_at_line_ends_and_say_what_smtplib_would(lines: list[bytes], size: int) -> None:
    message = b"".join(line + b"\r\n" for line in lines)
    before = wire_text.CHUNK_OCTETS
    wire_text.CHUNK_OCTETS = size
    try:
        pieces = list(text_of(message))
    finally:
        wire_text.CHUNK_OCTETS = before
    assert b"".join(pieces) == smtplib._quote_periods(message) + b".\r\n"  # type: ignore[attr-defined]
    assert all(piece.endswith(b"\r\n") for piece in pieces)


def test_an_innocent_message_passes_unchanged() -> None:
    message = b"Subject: x\r\n\r\nB\xc3\xbccher.\r\n"
    assert sent(message) == message + b".\r\n"


def test_a_line_longer_than_a_chunk_stays_one_line() -> None:
    message = b"a" * 200_000 + b".b" * 100_000
    assert sent(message) == message + b"\r\n.\r\n"


def test_an_empty_message_is_only_its_end() -> None:
    assert sent(b"") == b".\r\n"
