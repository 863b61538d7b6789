"""Reading `.cf` text: the language's directives, and problems that name their line."""

from __future__ import annotations

import pytest

from postern.rules.definitions import HeaderTest, RuleKind
from postern.rules.parser import read_rules

GOOD = """
# a comment
body      PILLS   /cheap pills/i
score     PILLS   2.5
describe  PILLS   sells pills
header    __FROM  From:addr =~ /@spam\\.example$/i
header    NO_TO   exists:To
header    EMPTY   Subject =~ /^$/  [if-unset: ]
meta      BOTH    PILLS && __FROM
tflags    BOTH    nice
"""


def test_every_directive_is_read() -> None:
    book = read_rules([("a.cf", GOOD)])
    assert book.problems == ()
    assert {name: rule.kind for name, rule in book.rules.items()} == {
        "PILLS": RuleKind.BODY,
        "__FROM": RuleKind.HEADER,
        "NO_TO": RuleKind.HEADER,
        "EMPTY": RuleKind.HEADER,
        "BOTH": RuleKind.META,
    }
    assert book.rules["__FROM"].header == HeaderTest("From", ("addr",))
    assert book.rules["EMPTY"].header == HeaderTest("Subject", if_unset="")
    assert (book.score("PILLS"), book.score("NO_TO"), book.score("BOTH")) == (250, 100, -100)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("bodi X /a/", "'bodi' is not known"),
        ("body X a", "expected a pattern"),
        ("body X /a", "no closing"),
        ("body X /a/q", "unknown flag 'q'"),
        ("body 7X /a/", "'7X' is no rule name"),
        ("score X many", "expected points"),
        ("score X", "expected points"),
        ("meta X A && (B", "not closed|too early"),
        ("meta X A ** B", "unexpected"),
        ("header X From ~ /a/", "expected `header"),
        (f"body X /{'a' * 40_000}/", "at most"),
    ],
)
def test_a_problem_names_its_place_and_the_rest_is_used(line: str, said: str) -> None:
    book = read_rules([("bad.cf", f"body GOOD /a/\n{line}\nbody BETTER /b/")])
    (problem,) = book.problems
    assert str(problem.place) == "bad.cf:2"
    assert any(one in problem.text for one in said.split("|"))
    assert {"GOOD", "BETTER"} <= set(book.rules)


def test_later_lines_replace_earlier_ones() -> None:
    book = read_rules([("a.cf", "body A /one/\nscore A 1"), ("b.cf", "body A /two/\nscore A 2")])
    assert (book.rules["A"].pattern, book.score("A")) == ("/two/", 200)
