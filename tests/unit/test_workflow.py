"""The state machine as a plain dict: complete, without dangling names, and clean by the language's own linter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from statelint.linter import Linter

from postern.contract import CheckSpec, NoEvidence, Phase
from postern.policy import CheckPolicy
from postern.workflow import Packing, definition


def spec(check_id: str, phase: Phase, *requires: str) -> CheckSpec:
    return CheckSpec(
        check_id=check_id, title=check_id, phase=phase, policy=CheckPolicy, evidence=NoEvidence, requires=requires
    )


STAGES = (
    (spec("spf", Phase.ENVELOPE), spec("iprev", Phase.ENVELOPE)),
    (spec("dmarc", Phase.CONTENT, "spf"),),
    (spec("greylist", Phase.LATE),),
)
FUNCTIONS = {
    name: f"arn:aws:lambda:eu-west-1:123456789012:function:{name}"
    for name in ("spf", "iprev", "dmarc", "greylist", "stage_1", "stage_2", "stage_3", "decide")
}


def machine(packing: Packing) -> dict[str, Any]:
    return definition(STAGES, packing, FUNCTIONS)


def scopes(states: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield states["StartAt"], states["States"]
    for state in states["States"].values():
        for branch in state.get("Branches", ()):
            yield from scopes(branch)


def targets(state: dict[str, Any]) -> Iterator[str]:
    for holder in (state, *state.get("Choices", ()), *state.get("Catch", ())):
        yield from (holder[key] for key in ("Next", "Default") if key in holder)


@pytest.mark.parametrize("packing", list(Packing))
def test_the_linter_has_nothing_to_say(packing: Packing) -> None:
    assert Linter.validate(json.dumps(machine(packing))) == []


@pytest.mark.parametrize("packing", list(Packing))
def test_every_next_state_exists(packing: Packing) -> None:
    for start, states in scopes(machine(packing)):
        named = {start, *(name for state in states.values() for name in targets(state))}
        assert named <= set(states)


@pytest.mark.parametrize("packing", list(Packing))
def test_every_task_has_a_time_limit_and_every_check_a_catch(packing: Packing) -> None:
    tasks = [state for _, states in scopes(machine(packing)) for state in states.values() if state["Type"] == "Task"]
    assert all(task["TimeoutSeconds"] for task in tasks)
    assert [task["Parameters"]["FunctionName"].rpartition(":")[2] for task in tasks if "Catch" not in task] == [
        "decide"
    ]


def test_a_check_that_fails_is_temperror_in_its_own_branch() -> None:
    branch = machine(Packing.CHECK)["States"]["stage_1"]["Branches"][0]
    assert branch["States"]["spf unavailable"]["Parameters"]["spf"]["result"]["result"] == "temperror"


def test_a_required_check_is_handed_on_and_nothing_else() -> None:
    branch = machine(Packing.CHECK)["States"]["stage_2"]["Branches"][0]
    payload = branch["States"]["dmarc run"]["Parameters"]["Payload"]
    assert payload["stages"] == {"required": {"spf.$": "$.results.stage_1.spf"}}
    assert list(payload["policy"]["sections"]) == ["dmarc.$"]


def test_a_late_check_sees_everything() -> None:
    branch = machine(Packing.CHECK)["States"]["stage_3"]["Branches"][0]
    assert branch["States"]["greylist run"]["Parameters"]["Payload"]["stages.$"] == "$.results"


def test_packed_by_stage_there_is_one_function_per_stage() -> None:
    states = machine(Packing.STAGE)["States"]
    assert [len(states[f"stage_{at}"]["Branches"]) for at in (1, 2, 3)] == [1, 1, 1]


@pytest.mark.parametrize("packing", list(Packing))
def test_a_final_result_of_any_check_leads_to_the_decision(packing: Packing) -> None:
    choice = machine(packing)["States"]["stage_1 is final"]["Choices"][0]
    assert [one["Variable"] for one in choice["Or"]] == [
        "$.results.stage_1.spf.final",
        "$.results.stage_1.iprev.final",
    ]
    assert choice["Next"] == "decide"


SIGNING = {**FUNCTIONS, "sign_message": "arn:aws:lambda:eu-west-1:123456789012:function:sign_message"}


@pytest.mark.parametrize("stages", [STAGES, ()])
def test_the_machine_of_outgoing_mail_signs_what_is_accepted_also_without_any_check(stages: Any) -> None:
    made = definition(stages, Packing.CHECK, SIGNING, signs=True)
    assert Linter.validate(json.dumps(made)) == []
    for start, states in scopes(made):
        assert {start, *(name for state in states.values() for name in targets(state))} == set(states)
    assert made["StartAt"] == ("stage_1" if stages else "decide")
    accepted = made["States"]["is accepted"]
    assert (accepted["Choices"][0]["NumericEquals"], accepted["Default"]) == (250, "answer")


def test_what_cannot_be_signed_ends_the_execution() -> None:
    sign = definition((), Packing.CHECK, SIGNING, signs=True)["States"]["sign"]
    assert "Catch" not in sign
    assert {"States.ALL", "States.TaskFailed"}.isdisjoint(sign["Retry"][0]["ErrorEquals"])
