"""The state machine: the catalogue's definition, valid, in both packings; synchronous, quiet and without dead ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from statelint.linter import Linter

from postern import catalog
from postern.model import Direction
from postern.workflow import MACHINE_SECONDS, Packing, definition, stage_name
from tests.infra.template import Template

MACHINE = "AWS::StepFunctions::StateMachine"
TERMINAL = {"Succeed", "Fail"}

State = dict[str, Any]


INCOMING, OUTGOING = "Filter", "Outgoing"


@pytest.fixture(params=[INCOMING, OUTGOING])
def which(request: pytest.FixtureRequest) -> str:
    """Each of the two machines."""
    name: str = request.param
    return name


def machine_definition(template: Template, which: str) -> State:
    text: str = template.named(MACHINE, which)["DefinitionString"]
    read: State = json.loads(text)
    return read


def machines(machine: State) -> Iterator[State]:
    """A machine and every machine within its parallel states."""
    yield machine
    for state in machine["States"].values():
        for branch in state.get("Branches", ()):
            yield from machines(branch)


def successors(state: State) -> set[str]:
    named = [state.get("Next"), state.get("Default")]
    named += [choice.get("Next") for choice in state.get("Choices", ())]
    named += [catcher["Next"] for catcher in state.get("Catch", ())]
    return {name for name in named if name}


def test_the_machine_is_express_and_logs_failures_without_their_data(template: Template, which: str) -> None:
    machine = template.named(MACHINE, which)
    assert machine["StateMachineType"] == "EXPRESS"
    assert machine["LoggingConfiguration"]["Level"] == "ERROR"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False


def function_arns(template: Template) -> dict[str, str]:
    """What the template calls its functions, by the checks they run, or by their folder."""
    variables = {name: one["Environment"]["Variables"] for name, one in template.all("AWS::Lambda::Function").items()}
    return {
        one.get("POSTERN_CHECKS", one["POWERTOOLS_SERVICE_NAME"]): f"${{{name}.Arn}}" for name, one in variables.items()
    }


def test_the_machine_is_the_catalogue_and_calls_the_deployed_functions(packed: tuple[Packing, Template]) -> None:
    packing, template = packed
    arns = function_arns(template)
    if packing is Packing.STAGE:
        names = {
            ",".join(spec.check_id for spec in stage): stage_name(number)
            for number, stage in enumerate(catalog.stages(), 1)
        }
        arns = {names.get(checks, checks): arn for checks, arn in arns.items()}
    expected = definition(catalog.stages(), packing, arns)
    assert machine_definition(template, INCOMING) == json.loads(json.dumps(expected))


def test_outgoing_mail_is_checked_by_the_same_functions_one_by_one_and_signed(
    packed: tuple[Packing, Template],
) -> None:
    _, template = packed
    arns = {check_id: arn for checks, arn in function_arns(template).items() for check_id in checks.split(",")}
    expected = definition(catalog.stages(catalog.judging(Direction.OUTBOUND)), Packing.CHECK, arns, signs=True)
    assert machine_definition(template, OUTGOING) == json.loads(json.dumps(expected))


def test_the_machine_may_call_those_functions_and_no_others(packed: tuple[Packing, Template], which: str) -> None:
    _, template = packed
    called = {
        state["Parameters"]["FunctionName"]
        for machine in machines(machine_definition(template, which))
        for state in machine["States"].values()
        if state["Type"] == "Task"
    }
    role = template.named(MACHINE, which)["RoleArn"].removeprefix("${").removesuffix(".Arn}")
    allowed = {
        resource
        for one in template.statements(role)
        if one["Action"] == "lambda:InvokeFunction"
        for resource in ([one["Resource"]] if isinstance(one["Resource"], str) else one["Resource"])
    }
    assert allowed == called


def test_statelint_finds_nothing(packed: tuple[Packing, Template], which: str) -> None:
    _, template = packed
    assert Linter().validate(machine_definition(template, which)) == []


def test_every_state_that_is_named_is_there_and_reached(packed: tuple[Packing, Template], which: str) -> None:
    """Neither cfn-lint nor statelint sees a state that nothing leads to, nor moto one that is missing."""
    _, template = packed
    for machine in machines(machine_definition(template, which)):
        states = machine["States"]
        named = {machine["StartAt"]}.union(*(successors(state) for state in states.values()))
        assert named == set(states)
        for name, state in states.items():
            assert successors(state) or state.get("End") or state["Type"] in TERMINAL, name


def test_the_machine_ends_before_its_caller_stops_waiting(template: Template, which: str) -> None:
    assert machine_definition(template, which)["TimeoutSeconds"] == MACHINE_SECONDS < 55


@pytest.mark.parametrize("field", ["Retry", "Catch"])
def test_every_check_is_tried_again_when_throttled_and_caught_when_it_fails(
    packed: tuple[Packing, Template], field: str, which: str
) -> None:
    _, template = packed
    for machine in list(machines(machine_definition(template, which)))[1:]:
        for state in machine["States"].values():
            assert state["Type"] != "Task" or state[field]
