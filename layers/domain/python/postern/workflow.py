"""The catalogue as an Amazon States Language definition: a plain dict, testable without any AWS tool.

The input is `{"transaction": …, "policy": …, "results": {}}`. Every stage adds `results.stage_N`, a map of check id to
`{"result": CheckResult, "final": bool}`; `decide` sees everything; the output is `{"decision": …, "results": …}`.
The machine of outgoing mail ends by signing what is accepted, and says under `signing` what was done. JSONPath
throughout. A check that fails, times out or is throttled becomes `temperror` in its own branch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from postern.contract import CheckSpec, Phase
from postern.model import ResultWord
from postern.policy import Mode

State = dict[str, Any]
Stage = Sequence[CheckSpec]

MACHINE_SECONDS = 50
DECIDE_SECONDS = 5
SIGN_SECONDS = 15
SIGN_FUNCTION = "sign_message"
ACCEPTED = 250
LAMBDA_INVOKE = "arn:aws:states:::lambda:invoke"
STAGE_SECONDS = {Phase.ENVELOPE: 22, Phase.CONTENT: 12, Phase.LATE: 6}

RETRY_THROTTLES = [
    {
        "ErrorEquals": [
            "Lambda.TooManyRequestsException",
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
        ],
        "IntervalSeconds": 1,
        "MaxAttempts": 3,
        "BackoffRate": 1.5,
        "MaxDelaySeconds": 3,
        "JitterStrategy": "FULL",
    }
]
"""Only what AWS itself could not do is tried again; the default of three tries from 2 s would eat the sender's time."""

_EVERYTHING = {"transaction.$": "$.transaction", "policy.$": "$.policy", "stages.$": "$.results"}


class Packing(StrEnum):
    """How checks are packed into Lambdas: one each, or one per stage."""

    CHECK = "check"
    STAGE = "stage"


def stage_name(number: int) -> str:
    """The name of a stage, counted from 1: its state, its key in `results`, its Lambda under `Packing.STAGE`."""
    return f"stage_{number}"


def definition(
    stages: Sequence[Stage], packing: Packing, functions: Mapping[str, str], *, signs: bool = False
) -> State:
    """The state machine for these stages, of which there may be none.

    `functions` gives the ARN of the Lambda per check id (or per stage name), of `decide`, and of `sign_message` for a
    machine that `signs`.
    """
    stage_of = {spec.check_id: stage_name(at) for at, stage in enumerate(stages, 1) for spec in stage}
    states: State = {}
    for number, stage in enumerate(stages, 1):
        name = stage_name(number)
        after = stage_name(number + 1) if number < len(stages) else "decide"
        states[name] = _stage_state(name, stage, stage_of, packing, functions)
        states[name]["Next"] = f"{name} is final" if number < len(stages) else after
        if number < len(stages):
            states[f"{name} is final"] = _early_exit(name, stage, after)
    states["decide"] = _decide_state(functions["decide"])
    states["answer"] = _answer({"decision.$": "$.decision.made"})
    if signs:
        states["decide"]["Next"] = "is accepted"
        states.update(_signing_states(functions[SIGN_FUNCTION]))
    start = stage_name(1) if stages else "decide"
    return {"StartAt": start, "TimeoutSeconds": MACHINE_SECONDS, "States": states}


def _stage_state(
    name: str, stage: Stage, stage_of: Mapping[str, str], packing: Packing, functions: Mapping[str, str]
) -> State:
    if packing is Packing.STAGE:
        branches = [_packed_branch(name, stage, functions[name])]
        results = {f"{spec.check_id}.$": f"$[0].{spec.check_id}" for spec in stage}
    else:
        branches = [_check_branch(spec, stage_of, functions[spec.check_id]) for spec in stage]
        results = {f"{spec.check_id}.$": f"$[{at}].{spec.check_id}" for at, spec in enumerate(stage)}
    return {
        "Type": "Parallel",
        "Branches": branches,
        "ResultSelector": results,
        "ResultPath": f"$.results.{name}",
    }


def _early_exit(name: str, stage: Stage, after: str) -> State:
    final = [{"Variable": f"$.results.{name}.{spec.check_id}.final", "BooleanEquals": True} for spec in stage]
    return {"Type": "Choice", "Choices": [{"Or": final, "Next": "decide"}], "Default": after}


def _decide_state(function: str) -> State:
    return {
        **_invoke(function, _EVERYTHING),
        "TimeoutSeconds": DECIDE_SECONDS,
        "ResultSelector": {"made.$": "$.Payload"},
        "ResultPath": "$.decision",
        "Next": "answer",
    }


def _answer(told: State) -> State:
    return {"Type": "Pass", "Parameters": {**told, "results.$": "$.results"}, "End": True}


def _signing_states(function: str) -> State:
    """Sign what is accepted. Nothing catches a failure here: what cannot be signed is not sent."""
    accepted = {"Variable": "$.decision.made.reply.code", "NumericEquals": ACCEPTED, "Next": "sign"}
    asked = {"transaction.$": "$.transaction", "policy.$": "$.policy", "decision.$": "$.decision.made"}
    return {
        "is accepted": {"Type": "Choice", "Choices": [accepted], "Default": "answer"},
        "sign": {
            **_invoke(function, asked),
            "TimeoutSeconds": SIGN_SECONDS,
            "ResultSelector": {"made.$": "$.Payload.decision", "signing.$": "$.Payload.signing"},
            "ResultPath": "$.signed",
            "Next": "signed answer",
        },
        "signed answer": _answer({"decision.$": "$.signed.made", "signing.$": "$.signed.signing"}),
    }


def _invoke(function: str, payload: State) -> State:
    return {
        "Type": "Task",
        "Resource": LAMBDA_INVOKE,
        "Parameters": {"FunctionName": function, "Payload": payload},
        "Retry": RETRY_THROTTLES,
    }


def _check_branch(spec: CheckSpec, stage_of: Mapping[str, str], function: str) -> State:
    run, off, unavailable = (f"{spec.check_id} {what}" for what in ("run", "off", "unavailable"))
    wanted = f"{spec.check_id} wanted"
    switched_off = {"Variable": f"$.policy.sections.{spec.check_id}.mode", "StringEquals": Mode.OFF.value}
    return {
        "StartAt": wanted,
        "States": {
            wanted: {"Type": "Choice", "Choices": [{**switched_off, "Next": off}], "Default": run},
            off: {"Type": "Pass", "Result": {spec.check_id: _without_run(spec, ResultWord.SKIPPED)}, "End": True},
            run: _guarded(_invoke(function, _check_payload(spec, stage_of)), spec.seconds, unavailable),
            unavailable: _unavailable([spec]),
        },
    }


def _packed_branch(name: str, stage: Stage, function: str) -> State:
    run, unavailable = f"{name} run", f"{name} unavailable"
    payload = {"checks": [spec.check_id for spec in stage], **_EVERYTHING}
    seconds = max(STAGE_SECONDS[spec.phase] for spec in stage)
    return {
        "StartAt": run,
        "States": {run: _guarded(_invoke(function, payload), seconds, unavailable), unavailable: _unavailable(stage)},
    }


def _check_payload(spec: CheckSpec, stage_of: Mapping[str, str]) -> State:
    if spec.phase is Phase.LATE:
        return {"checks": [spec.check_id], **_EVERYTHING}
    policy = {
        "version.$": "$.policy.version",
        "sections": {f"{spec.check_id}.$": f"$.policy.sections.{spec.check_id}"},
        "overrides.$": "$.policy.overrides",
        "global_modes.$": "$.policy.global_modes",
    }
    required = {f"{check_id}.$": f"$.results.{stage_of[check_id]}.{check_id}" for check_id in spec.requires}
    return {
        "checks": [spec.check_id],
        "transaction.$": "$.transaction",
        "policy": policy,
        "stages": {"required": required},
    }


def _guarded(task: State, seconds: int, unavailable: str) -> State:
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": unavailable}]
    return {**task, "TimeoutSeconds": seconds, "OutputPath": "$.Payload", "Catch": catch, "End": True}


def _unavailable(stage: Stage) -> State:
    results = {spec.check_id: _without_run(spec, ResultWord.TEMPERROR, reason="$.error.Error") for spec in stage}
    return {"Type": "Pass", "Parameters": results, "End": True}


def _without_run(spec: CheckSpec, word: ResultWord, reason: str = "") -> State:
    told = {"reason.$": reason} if reason else {"reason": "switched off by policy"}
    return {"result": {"check_id": spec.check_id, "result": word.value, **told}, "final": False}
