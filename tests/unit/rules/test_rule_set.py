"""Rule sets: what is read in which order, what is refused, and that a bad rule stops nothing else."""

from __future__ import annotations

import pytest

from postern.checks import rules
from postern.checks.rules import RulesPolicy
from postern.contract import Required
from postern.given_effects import GivenRules
from postern.message import parse_message
from postern.rules.rule_set import (
    RuleFile,
    RuleSet,
    RuleSetError,
    StockSet,
    make_rule_set,
    make_stock_set,
    own_problems,
    read_file,
)
from tests.transactions import make_transaction

STOCK = RuleFile("20_stock.cf", "body STOCK /stocks/\nscore STOCK 2\nbody OTHER /others/\n")
OWN = RuleFile("local.cf", "score STOCK 0.5\nbody OWN /our own/\nbody BROKEN /(/\nheader LOST eval:nowhere()\n")
MESSAGE = parse_message(b"From: a@b.example\r\nSubject: x\r\n\r\nstocks of our own\r\n")


def stock(*files: RuleFile, version: str = "1", before: StockSet | None = None) -> StockSet:
    return make_stock_set("channel.example", version, files or (STOCK,), before)


def points(rule_set: RuleSet, *, stored: bool = True) -> dict[str, int | None]:
    result = rules.evaluate(
        make_transaction(),
        policy=RulesPolicy(shipped=False, stored=stored),
        required=Required({}),
        message=MESSAGE,
        rules=GivenRules(rule_set),
    )
    return {finding.symbol: finding.score for finding in result.findings}


def test_own_files_come_after_the_stock_set() -> None:
    made = make_rule_set([OWN], stock(), RuleSet())
    assert points(made) == {"STOCK": 50, "OWN": 100}
    assert points(made, stored=False) == {}


def test_what_cannot_be_used_is_told_with_file_and_line() -> None:
    problems = make_rule_set([OWN], stock(), RuleSet()).problems
    assert [problem.partition(": ")[0] for problem in problems] == ["global/local.cf:4", "global/local.cf:3"]


def test_the_version_follows_the_content() -> None:
    first, again = make_rule_set([OWN], stock(), RuleSet()), make_rule_set([OWN], stock(), RuleSet())
    assert first.version == again.version
    assert first.version != make_rule_set([], stock(), RuleSet()).version
    assert first.version != make_rule_set([OWN], None, RuleSet()).version


def test_a_file_can_be_included_by_another() -> None:
    files = [RuleFile("a.cf", "include b.cf\nmeta BOTH IN_B\n"), RuleFile("b.cf", "body IN_B /stocks/\n")]
    assert own_problems(files, None) == ()


@pytest.mark.parametrize("files", [(), (RuleFile("1.cf", "nothing to read"),), (RuleFile("1.cf", "body A /(/"),)])
def test_a_stock_set_without_a_usable_rule_is_refused(files: tuple[RuleFile, ...]) -> None:
    with pytest.raises(RuleSetError):
        make_stock_set("channel.example", "1", files)


def test_a_stock_set_with_far_fewer_rules_is_taken_for_an_accident() -> None:
    lines = (f"body R{number} /word{number}/" for number in range(10))
    before = stock(RuleFile("1.cf", "\n".join(lines)))
    assert before.rules == 10
    with pytest.raises(RuleSetError, match=r"has 2 usable rules, channel\.example@1 has 10"):
        stock(version="2", before=before)


@pytest.mark.parametrize("name", ["local.txt", "../local.cf", "a/b.cf", ".cf", "", "x" * 120 + ".cf"])
def test_names_of_files_are_plain(name: str) -> None:
    with pytest.raises(RuleSetError):
        read_file(name, b"")


def test_octets_that_are_no_text_are_kept() -> None:
    made = make_rule_set([read_file("latin.cf", b"body LATIN /caf\xe9/\n")], None, RuleSet())
    assert made.problems == ()
