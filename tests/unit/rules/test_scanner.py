"""The multi-pattern scanner: it finds at least what the patterns find, and belongs to one rule book."""

from __future__ import annotations

import pytest
import regex

from postern.message import parse_message
from postern.rules.beginnings import beginnings
from postern.rules.engine import compile_rules
from postern.rules.growing_candidates import MESSAGES_BEFORE
from postern.rules.outline import ENORMOUS, outline, start_outline
from postern.rules.parser import read_rules
from postern.rules.plan import build_database
from postern.rules.scanner import ScannerError, scanner_is_available
from postern.rules.syntax import UnreadError, read_tree

needs_hyperscan = pytest.mark.skipif(not scanner_is_available(), reason="hyperscan is not installed")

RULES = r"""
header H_DATE  Date =~ /-0500\s*\(.*\)\s*$/
header H_NONE  X-None =~ /^$/
header H_NOT   Subject !~ /pills/
body   B_WORD  /\bfree\s+money\b/i
body   __B_SUB /w[o0]rld/
body   B_LOOK  /money(?!less)/
body   B_BACK  /(\w)\1{2}/
body   B_WIDE  /caf(?:\xc3\xa9|\xe9|e)/
rawbody R_TAG  /^<b>/m
uri    U_HOST  m{^https?://[^/]*example}i
full   F_LINE  /^[^\r\n]{60}/m
meta   M_ALL   __B_SUB && B_WORD
"""
MAIL = (
    b"From: a@example.com\nSubject: hi\nDate: Thu, 1 Aug 2002 14:35:50 -0500 (added by b@example.net)\n"
    b"Content-Type: text/html; charset=utf-8\n\nFree   money, w0rld mmm caf\xc3\xa9\n"
    b"<b>x</b> <a href='http://www.example.org/'>y</a>\n"
)
FORM = "body FORM /(?:(?:" + "|".join(f"field{number}" for number in range(300)) + r")[ :.]{1,9}){5,7}/"


def hits(text: str, raw: bytes, *, database: bool) -> set[str]:
    book = read_rules([("t.cf", text)])
    found = compile_rules(book, database=build_database(book) if database else None).evaluate(parse_message(raw))
    return {one.name for one in found.hits} | set(found.sub_rules)


@needs_hyperscan
def test_a_database_changes_no_hit() -> None:
    assert hits(RULES, MAIL, database=True) == hits(RULES, MAIL, database=False)
    assert hits(RULES, MAIL, database=True) >= {"H_DATE", "H_NONE", "H_NOT", "B_WORD", "B_WIDE", "M_ALL", "F_LINE"}


@needs_hyperscan
def test_enormous_patterns_are_tried_where_they_may_begin() -> None:
    assert start_outline(read_tree(FORM.split("/")[1].encode())) is not None
    filled = b"Subject: form\n\nPlease: " + b" ".join(b"field%d: " % number for number in range(7)) + b"\n"
    assert hits(FORM, filled, database=True) == {"FORM"}
    assert hits(FORM, filled.replace(b"field3", b"other"), database=True) == set()


@needs_hyperscan
def test_a_database_belongs_to_its_rule_book() -> None:
    database = build_database(read_rules([("t.cf", RULES)]))
    with pytest.raises(ScannerError):
        compile_rules(read_rules([("t.cf", RULES + "body MORE /more/\n")]), database=database)
    for broken in (b"", database[:-9], database.replace(b"{", b"[", 1), b"x" + database):
        with pytest.raises(ScannerError):
            compile_rules(read_rules([("t.cf", RULES)]), database=broken)


@needs_hyperscan
def test_a_process_that_lives_long_makes_its_own_database() -> None:
    rules = compile_rules(read_rules([("t.cf", "body B /free money/\nbody C /other/")]))
    message = parse_message(b"Subject: x\n\nfree money\n")
    assert all([hit.name for hit in rules.evaluate(message).hits] == ["B"] for _ in range(MESSAGES_BEFORE + 2))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (rb"(?:ab|cd){3,9}x", b"ababcdx"),
        (rb"a{30,200}b", b"a" * 60 + b"b"),
        (rb"[\xc3][\xa0-\xa5]gra", b"\xc3\xa1gra"),
        (rb"^(?:one|two)(?=three)three$", b"twothree"),
        (rb"(?i:FREE)[^a-z]{2}x", b"free--x"),
        (rb"\bx(?>y+)z\015?", b"-xyyz"),
    ],
)
def test_an_outline_is_found_wherever_the_pattern_is(pattern: bytes, text: bytes) -> None:
    drawn = outline(read_tree(pattern))
    assert drawn is not None
    assert regex.search(pattern, text, regex.VERSION0)
    assert all(regex.search(one, text, regex.VERSION0 | regex.DOTALL) for one in drawn.expressions)


def test_large_outlines_are_small_and_ordinary_ones_exact() -> None:
    small = outline(read_tree(rb"\bfree money\b"))
    assert small is not None
    assert small.exact
    words = b"|".join(b"word%d" % number for number in range(1_000))
    large = outline(read_tree(b"(?:" + words + b"){2,40}"))
    assert large is None or not large.exact
    assert start_outline(read_tree(b"word")) is None
    assert len(words) < ENORMOUS


def test_beginnings_are_told_only_when_they_are_few_and_long_enough() -> None:
    assert beginnings(read_tree(rb"abc?d").node, 3) is not None
    assert beginnings(read_tree(rb"ab?").node, 3) is None
    assert beginnings(read_tree(rb"(?:a|b|c|d|e|f|g|h)+x{9}(?:a|b|c)*").node, 9) is None


@pytest.mark.parametrize("pattern", [b"(", b"a)", b"(?(1)a)", rb"\N{x}", b"[a", rb"\xzz"])
def test_what_is_not_understood_is_not_read(pattern: bytes) -> None:
    with pytest.raises(UnreadError):
        read_tree(pattern)
