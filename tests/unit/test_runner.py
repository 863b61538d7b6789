"""Running a check: exemptions, effects, look-ups, and what happens when it fails."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from postern.contract import Check, CheckSpec, Needs, NoEvidence, Phase, Required, symbol
from postern.model import CheckResult, Finding, ResultWord, Transaction
from postern.policy import CheckPolicy
from postern.ports import Resolver
from postern.result_size import MAX_RESULT_OCTETS, capped, size_of
from postern.runner import run_check
from postern.zone import ZoneResolver
from tests.effects import effects, policy
from tests.transactions import make_transaction

SPEC = CheckSpec(
    check_id="one",
    title="One",
    phase=Phase.CONTENT,
    policy=CheckPolicy,
    evidence=NoEvidence,
    symbols=(symbol("ONE_HIT", 2.5, "it hit", corroborates=True),),
    needs=frozenset({Needs.RESOLVER}),
    requires=("before",),
)
ZONE = ZoneResolver({"example.com": {"A": ["192.0.2.1"]}})


def check(evaluate: Any) -> Check:
    return cast("Check", SimpleNamespace(SPEC=SPEC, evaluate=evaluate))


def asks(_: Transaction, *, policy: CheckPolicy, required: Required, resolver: Resolver) -> CheckResult[Any]:
    answer = resolver.query("example.com", "A")
    return CheckResult("one", ResultWord.PASS, (Finding("ONE_HIT", answer.records[0]),))


def test_scores_lookups_and_marks_are_filled_in() -> None:
    found = run_check(check(asks), make_transaction(), policy(), {}, effects({Needs.RESOLVER: ZONE}))
    assert found.findings == (Finding("ONE_HIT", "192.0.2.1", SPEC.symbols[0].score, corroborates=True),)
    assert [(lookup.name, lookup.status) for lookup in found.lookups] == [("example.com", "found")]


@pytest.mark.parametrize(
    ("section", "session", "reason"),
    [
        ({"mode": "off"}, {}, "switched off"),
        ({}, {"trusted": True}, "trusted"),
        ({}, {"authenticated_as": "ann"}, "authenticated"),
    ],
)
def test_policy_excuses_a_transaction(section: dict[str, object], session: dict[str, Any], reason: str) -> None:
    found = run_check(check(asks), make_transaction(**session), policy({"one": section}), {}, effects())
    assert found.result is ResultWord.SKIPPED
    assert reason in found.reason


def test_an_exemption_can_be_lifted() -> None:
    section = {"one": {"skip_trusted": False}}
    found = run_check(check(asks), make_transaction(trusted=True), policy(section), {}, effects({Needs.RESOLVER: ZONE}))
    assert found.result is ResultWord.PASS


def test_what_a_check_raises_is_our_trouble_and_is_reported_without_its_text() -> None:
    def fails(*_: Any, **__: Any) -> CheckResult[Any]:
        raise ValueError("a secret")

    troubles: list[tuple[str, BaseException]] = []
    found = run_check(check(fails), make_transaction(), policy(), {}, effects({Needs.RESOLVER: ZONE}, troubles))
    assert found.result is ResultWord.TEMPERROR
    assert "secret" not in found.reason
    assert [(check_id, str(trouble)) for check_id, trouble in troubles] == [("one", "a secret")]


def test_an_unusable_policy_section_is_our_trouble_as_well() -> None:
    found = run_check(check(asks), make_transaction(), policy({"one": {"mode": "loud"}}), {}, effects())
    assert found.result is ResultWord.TEMPERROR


def test_a_check_sees_the_results_it_requires_and_no_others() -> None:
    seen: list[ResultWord] = []

    def looks(*_: Any, required: Required, **__: Any) -> CheckResult[Any]:
        seen.extend([required.result("before"), required.result("other")])
        return CheckResult("one", ResultWord.NONE)

    results: dict[str, CheckResult[Any]] = {name: CheckResult(name, ResultWord.PASS) for name in ("before", "other")}
    run_check(check(looks), make_transaction(), policy(), results, effects({Needs.RESOLVER: ZONE}))
    assert seen == [ResultWord.PASS, ResultWord.SKIPPED]


def test_a_large_result_is_cut_but_its_score_stays() -> None:
    findings = tuple(Finding(f"RULE_{n}", "x" * 5_000, score=SPEC.symbols[0].score) for n in range(300))
    large: CheckResult[Any] = CheckResult("one", ResultWord.FAIL, findings, properties={"all": ["y" * 500] * 100})
    small = capped(large)
    assert size_of(small) <= MAX_RESULT_OCTETS
    assert sum(finding.score or 0 for finding in small.findings) == 300 * 250
    assert capped(small) == small
