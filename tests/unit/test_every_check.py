"""What holds for every defence in the catalogue: its modes, its exemptions, its page and its place in the workflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from postern import catalog, replies
from postern.contract import Needs
from postern.disposition import decide
from postern.model import CheckResult, Disposition, Finding, Points, Proposal, ResultWord, Transaction
from postern.policy import Mode
from postern.policy_book import PolicyBook
from postern.runner import OBSERVED, run_check
from postern.wire import to_json
from tests.effects import effects, policy
from tests.transactions import make_transaction

ROOT = Path(__file__).resolve().parents[2]
CHECKS = pytest.mark.parametrize("check_id", catalog.CHECKS)
STRANGER = make_transaction()
TRUSTED = make_transaction(trusted=True)
LOGGED_IN = make_transaction(authenticated_as="ann@receiver.example")


def ran(check_id: str, transaction: Transaction, **section: object) -> CheckResult[Any]:
    """The result of a check that is given nothing it needs: one that is run at all cannot but fail."""
    return run_check(catalog.check(check_id), transaction, policy({check_id: section}), {}, effects())


def needs_something(check_id: str) -> bool:
    return bool(catalog.check(check_id).SPEC.needs)


@CHECKS
@pytest.mark.parametrize(
    ("transaction", "section", "reason"),
    [
        (STRANGER, {"mode": "off"}, "switched off by policy"),
        (TRUSTED, {"mode": "enforce"}, "the client is trusted"),
        (LOGGED_IN, {"mode": "enforce"}, "the session is authenticated"),
    ],
    ids=["off", "trusted", "authenticated"],
)
def test_whom_a_check_spares(check_id: str, transaction: Transaction, section: dict[str, object], reason: str) -> None:
    found = ran(check_id, transaction, **section)
    assert (found.result, found.reason, found.findings, found.proposals) == (ResultWord.SKIPPED, reason, (), ())


@CHECKS
@pytest.mark.parametrize(
    ("transaction", "setting"),
    [(TRUSTED, "skip_trusted"), (LOGGED_IN, "skip_authenticated")],
    ids=["trusted", "authenticated"],
)
def test_policy_can_lift_each_exemption(check_id: str, transaction: Transaction, setting: str) -> None:
    found = ran(check_id, transaction, mode="enforce", **{setting: False})
    assert found.result is not ResultWord.SKIPPED


@CHECKS
@pytest.mark.parametrize(
    ("mode", "score", "code"),
    [(Mode.OFF, 0, 250), (Mode.OBSERVE, 0, 250), (Mode.SCORE, 300, 250), (Mode.ENFORCE, 300, 550)],
)
def test_how_far_each_mode_goes(check_id: str, mode: Mode, score: int, code: int) -> None:
    finding = Finding("HIT", score=Points(300))
    refusal = Proposal(Disposition.REJECT, replies.REFUSED_BY_POLICY)
    result: CheckResult[Any] = CheckResult(check_id, ResultWord.FAIL, findings=(finding,), proposals=(refusal,))
    book = PolicyBook("v", {"global": {check_id: {"mode": mode.value}}})
    decision = decide(STRANGER, {check_id: result}, book.resolve(STRANGER.recipients))
    assert (decision.recipients[0].score, decision.reply.code) == (score, code)


@CHECKS
def test_what_is_only_observed_says_so(check_id: str) -> None:
    if needs_something(check_id):
        assert ran(check_id, STRANGER, mode="observe").result is ResultWord.TEMPERROR
    else:
        assert ran(check_id, STRANGER, mode="observe").properties[OBSERVED] is True
        assert OBSERVED not in ran(check_id, STRANGER, mode="score").properties


@CHECKS
def test_what_cannot_be_done_is_temperror_and_blames_nobody(check_id: str) -> None:
    if not needs_something(check_id):
        return
    found = ran(check_id, STRANGER, mode="enforce")
    assert (found.result, found.findings, found.proposals) == (ResultWord.TEMPERROR, (), ())


@CHECKS
def test_a_check_has_symbols_of_its_own_and_a_receipt_line_that_can_be_written(check_id: str) -> None:
    spec = catalog.check(check_id).SPEC
    assert spec.symbols or spec.own_symbols
    assert all("_" in symbol.name and symbol.name.isupper() for symbol in spec.symbols)
    assert to_json(ran(check_id, TRUSTED))["check_id"] == check_id


@CHECKS
def test_a_check_has_a_line_in_the_feature_table_a_section_of_policy_and_an_event(check_id: str) -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## The defences")[2].partition("\n## ")[0]
    assert f"| `{check_id}` |" in table
    assert f"\n### `{check_id}`: " in (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    assert (ROOT / "events" / "checks" / f"{check_id}.json").is_file()


def test_needs_are_words_that_the_runtime_knows() -> None:
    assert {need for spec in catalog.specs() for need in spec.needs} <= set(Needs)
