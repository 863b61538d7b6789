from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern_frontend.data_scanner import DataScanner, TextFacts, TextNormalizer


def reference(wire: bytes) -> tuple[bytes, bytes, TextFacts] | None:
    """The rules said once more, slowly: lines are cut at CRLF only, and a line of one dot ends the text."""
    lines: list[bytes] = []
    rest = wire
    while True:
        line, line_end, rest = rest.partition(b"\r\n")
        if not line_end:
            return None
        if line == b".":
            break
        lines.append(line.removeprefix(b".") + b"\r\n")
    text = b"".join(lines)
    bare = len(re.findall(rb"\r(?!\n)|(?<!\r)\n", text))
    stored = re.sub(rb"\r\n|\r|\n", b"\r\n", text)
    long_lines = sum(len(line) > 998 for line in stored.split(b"\r\n"))
    return stored, rest, TextFacts(bare, stored.count(b"\0"), long_lines)


def scan(chunks: list[bytes]) -> tuple[DataScanner, bytes, bytes]:
    scanner = DataScanner()
    text = b""
    for index, chunk in enumerate(chunks):
        piece, rest = scanner.feed(chunk)
        text += piece
        if scanner.finished:
            return scanner, text, rest + b"".join(chunks[index + 1 :])
        assert rest == b""
    return scanner, text, b""


def cut(wire: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(wire) + 1) for place in places}), len(wire)]
    return [wire[start:end] for start, end in itertools.pairwise(edges)]


fragments = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"\r\n..", b"\r\n.\r", b"\0", b"a", b"x" * 997, b"yz"]),
    max_size=40,
).map(b"".join)


@given(
    fragments, st.sampled_from([b"", b"\r\n.\r\n", b"\r\n.\r\nQUIT\r\n"]), st.lists(st.integers(0, 50_000), max_size=30)
)
def test_any_cut_of_the_stream_gives_the_same_text_and_end(body: bytes, end: bytes, places: list[int]) -> None:
    wire = body + end
    expected = reference(wire)
    scanner, text, rest = scan(cut(wire, places))
    assert scanner.finished == (expected is not None)
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", text)
    if expected is not None:
        assert (text, rest, scanner.text.facts) == expected
        assert scanner.text.size == len(text)


@given(fragments, st.sampled_from([b"", b"\r\n.\r\nQUIT\r\n"]))
def test_single_octets_give_the_same_text_and_end(body: bytes, end: bytes) -> None:
    wire = body + end
    whole = scan([wire])
    single = scan([bytes([octet]) for octet in wire])
    assert whole[0].finished == single[0].finished
    if whole[0].finished:
        assert whole[1:] == single[1:]


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b".a\r\n..b\r\n...\r\n.\r\n", b"a\r\n.b\r\n..\r\n"),
    ],
)
def test_takes_the_doubled_dots_away(wire: bytes, text: bytes) -> None:
    scanner, seen, rest = scan([wire + b"NOOP\r\n"])
    assert scanner.finished
    assert (seen, rest) == (text, b"NOOP\r\n")


def test_work_grows_with_the_octets_not_with_their_square() -> None:
    """A scanner that looks back over what it has seen would take minutes here."""
    scanner = DataScanner()
    for _ in range(400_000):
        scanner.feed(b".")
    for _ in range(100_000):
        scanner.feed(b"\r\n..")
    assert not scanner.finished
    assert scanner.text.size == 399_999 + 300_000


def test_counts_a_long_line_once_however_it_arrives() -> None:
    scanner = DataScanner()
    for _ in range(3_000):
        scanner.feed(b"x")
    scanner.feed(b"\r\n" + b"y" * 998 + b"\r\n" + b"z" * 999 + b"\r\n.\r\n")
    assert scanner.finished
    assert scanner.text.facts == TextFacts(bare_line_ends=0, nul_octets=0, long_lines=2)


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"bc\r\n"]), max_size=30))
def test_chunked_text_ends_in_a_line_end_and_holds_no_bare_one(chunks: list[bytes]) -> None:
    normalizer = TextNormalizer()
    text = b"".join(normalizer.feed(chunk) for chunk in chunks) + normalizer.finish()
    expected = re.sub(rb"\r\n|\r|\n", b"\r\n", b"".join(chunks))
    if expected and not expected.endswith(b"\r\n"):
        expected += b"\r\n"
    assert text == expected
    assert normalizer.size == len(text)
