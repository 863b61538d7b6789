"""The literals a pattern cannot do without: sound for every pattern, or else a rule would silently not be tried."""

from __future__ import annotations

import pytest
import regex

from postern.rules import literals as reading
from postern.rules.literal_index import LiteralIndex
from postern.rules.literals import NOT_WORD
from postern.rules.syntax import UnreadError, read_tree


def required_literals(pattern: bytes) -> frozenset[bytes]:
    return reading.required_literals(read_tree(pattern, "i"))


@pytest.mark.parametrize(
    ("pattern", "literals"),
    [
        (rb"free money", {b"free money"}),
        (rb"(?:cheap|free) pills", {b"cheap pills", b"free pills"}),
        (rb"ad+ress", {b"ress"}),
        (rb"\bpills\b", {b"pills"}),
        (rb"a|bc", set()),
        (rb"[0-9]{8}", set()),
        (rb"(?!viagra)pills", {b"pills"}),
    ],
)
def test_what_a_pattern_needs(pattern: bytes, literals: set[bytes]) -> None:
    found = required_literals(pattern)
    assert found == literals or (literals and found and max(map(len, found)) >= max(map(len, literals)))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (rb"te?rr?itory", b"teritory"),
        (rb"ad+res+e?", b"my adddresss here"),
        (rb"(?:x+y){2}", b"xxyxy"),
        (rb"(?:win+ing|prize)[-\s]?num", b"winnning num"),
        (rb"a{2,3}bcd", b"aaabcd"),
        (rb"(?i:FREE)\s+gift", b"Free   gift"),
        (rb"m[i1!]ll[i1!]on", b"M1LL!ON"),
        (rb"foo(?=bar)bar", b"foobar"),
        (rb"[\x41-\x43]{3}xyz", b"ABCxyz"),
        (rb"(?:ab?c){3}d", b"acabcacd"),
    ],
)
def test_a_text_that_matches_has_one_of_them(pattern: bytes, text: bytes) -> None:
    assert regex.search(pattern, text, regex.IGNORECASE)
    literals = required_literals(pattern)
    assert not literals or any(literal in text.lower() for literal in literals)
    counted = reading.counted_literals(read_tree(pattern, "i"))
    assert counted is None or sum(text.lower().count(one) for one in counted[0]) >= counted[1]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (rb"v[_\W]?[i1!|l][_\W]?[a@]gra", b"buy V.!.@gra now"),
        (rb"p[-\s_]?a[-\s_]?s[-\s_]?s", b"P-A S_S"),
    ],
)
def test_squeezed_text_has_what_disguised_words_need(pattern: bytes, text: bytes) -> None:
    assert regex.search(pattern, text, regex.IGNORECASE)
    literals = reading.squeezed_literals(read_tree(pattern, "i"))
    assert literals is not None
    assert not literals or any(literal in text.lower().translate(None, NOT_WORD) for literal in literals)


def test_a_broken_pattern_is_not_read() -> None:
    with pytest.raises(UnreadError):
        read_tree(b"unclosed(")


def test_a_pattern_of_other_scripts_cannot_match_ascii() -> None:
    assert reading.squeezed_literals(read_tree(rb"[\xd0\xd1][\x80-\xbf]")) is None


def test_the_index_finds_what_a_plain_search_finds() -> None:
    literals = [f"word{number}".encode() for number in range(200)] + [b"abc", b"xyz"]
    text = b"word7 and word123, abc\0word199 abc"
    wanted = {
        (number, at) for number, one in enumerate(literals) for at in range(len(text)) if text.startswith(one, at)
    }
    assert set(LiteralIndex(literals).find(text)) == wanted
