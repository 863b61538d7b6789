"""What is said about rules to those who write them."""

from __future__ import annotations

import pytest

from postern.rules.definitions import RuleBook
from postern.rules.parser import read_rules
from postern.rules.review import Severity, looks_at, review, tree, why_not_run


def book(*lines: str) -> RuleBook:
    return read_rules([("local.cf", "\n".join(lines))])


@pytest.mark.parametrize(
    ("lines", "remarks"),
    [
        (("body A /a/", "score A 1"), []),
        (("body A /(/",), [(1, "A", "error", "missing )")]),
        (("header A eval:nowhere()",), [(1, "A", "error", "there is no function 'nowhere'")]),
        (("body A /a/", "body A /b/"), [(2, "A", "note", "takes the place of the rule at local.cf:1")]),
        (("meta A B && C", "body B /b/"), [(1, "A", "note", "not defined: C")]),
        (("score A 1",), [(1, "A", "note", "not defined")]),
        (("meta A B", "meta B A"), [(1, "A", "error", "depends on itself"), (2, "B", "error", "depends on itself")]),
        (("nonsense A",), [(1, "A", "error", "'nonsense' is not known here")]),
    ],
)
def test_every_remark_has_its_line(lines: tuple[str, ...], remarks: list[tuple[int, str, str, str]]) -> None:
    found = review(book(*lines))
    assert [(one.place.line, one.rule, one.severity.value) for one in found] == [one[:3] for one in remarks]
    for one, (*_, text) in zip(found, remarks, strict=True):
        assert text in one.text


def test_one_rule_can_be_reviewed_within_the_whole() -> None:
    found = review(book("body A /(/", "body B /(/", "meta C B"), {"B", "C"})
    assert [(one.rule, one.severity) for one in found] == [("B", Severity.ERROR)]


def test_the_tree_of_a_meta_shows_each_part_and_its_parts_once() -> None:
    rules = book("meta TOP __X && __Y", "meta __X __A || MISSING", "meta __Y __X && __A", "body __A /a/")
    assert [(one.depth, one.name, one.known, one.repeated) for one in tree(rules, "TOP")] == [
        (0, "TOP", True, False),
        (1, "__X", True, False),
        (2, "MISSING", False, False),
        (2, "__A", True, False),
        (1, "__Y", True, False),
        (2, "__A", True, False),
        (2, "__X", True, True),
    ]


def test_metas_in_a_circle_end() -> None:
    assert [one.name for one in tree(book("meta A B", "meta B A"), "A")] == ["A", "B", "A"]


@pytest.mark.parametrize(
    ("line", "area", "reason"),
    [
        ("header A Subject:raw =~ /x/", "Subject:raw", ""),
        ("mimeheader A Content-Type =~ /x/", "Content-Type of a part", ""),
        ("body A /x/", "text", ""),
        ("uri A /x/", "links", ""),
        ("body A eval:check_uridnsbl('A')", "check_uridnsbl()", "a check of its own"),
        ("askdns A x TXT /y/", "a server", "asks a server"),
        ("body A /x/\nscore A 0", "text", "points are 0"),
        ("header A eval:check_rbl('a', 'b')\ntflags A net", "check_rbl()", "dnsbl and uribl"),
    ],
)
def test_what_a_rule_looks_at_and_why_it_is_not_run(line: str, area: str, reason: str) -> None:
    rules = book(line)
    assert looks_at(rules.rules["A"]) == area
    assert (reason in why_not_run(rules, rules.rules["A"])) if reason else not why_not_run(rules, rules.rules["A"])


def test_the_place_of_points_is_known() -> None:
    rules = book("body A /a/", "score A 1", "score A 2")
    assert rules.score_places["A"].line == 3
