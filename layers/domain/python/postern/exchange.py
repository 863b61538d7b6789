"""What travels between the front end, the state machine and the Lambdas, as JSON; see `workflow.py`.

workflow input     {"transaction", "policy", "results": {}}
check request      {"checks": [id…], "transaction", "policy", "stages": {stage: {id: Entry}}}
check response     {id: Entry}          Entry: {"result": CheckResult, "final": bool}
decide request     {"transaction", "policy", "stages"}
sign request       {"transaction", "policy", "decision"}
sign response      {"decision", "signing": {id: Entry}}
workflow output    {"decision", "results": {stage: {id: Entry}}}, and "signing" for outgoing mail
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from postern import catalog
from postern.contract import Phase
from postern.disposition import is_final
from postern.evidence import BayesEvidence, RulesEvidence
from postern.model import CheckResult, Decision, Transaction
from postern.policy_book import ResolvedPolicy
from postern.wire import Json, WireError, from_json, to_json

Results = dict[str, CheckResult[Any]]

DECIDES_LEARNING: Mapping[str, type] = {"rules": RulesEvidence, "bayes": BayesEvidence}
"""The evidence by which the decision says whether a message is learnt from; see `bayes.auto_learning`."""


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What a Lambda is asked: which checks, for which transaction, under which policy, given which results."""

    checks: tuple[str, ...]
    transaction: Transaction
    policy: ResolvedPolicy
    results: Results


@dataclass(frozen=True, slots=True)
class Answer:
    """What the workflow answers: the decision, and every result as JSON for the receipt."""

    decision: Decision
    results: Mapping[str, Json]


def workflow_input(transaction: Transaction, policy: ResolvedPolicy) -> Json:
    """The input of one execution."""
    return {"transaction": to_json(transaction), "policy": policy_json(policy), "results": {}}


def policy_json(policy: ResolvedPolicy) -> Json:
    """The resolved policy with every attribute written out, because the state machine refers to them."""
    return {
        "version": policy.version,
        "sections": to_json(policy.sections),
        "overrides": to_json(policy.overrides),
        "global_modes": to_json(policy.global_modes),
    }


def read_check_request(payload: Json) -> CheckRequest:
    """The request of a check function; raises `WireError`."""
    checks = tuple(payload["checks"])
    late = any(catalog.check(check_id).SPEC.phase is Phase.LATE for check_id in checks)
    required = {name for check_id in checks for name in catalog.check(check_id).SPEC.requires}
    entries = flatten(payload["stages"])
    wanted = entries if late else {name: entry for name, entry in entries.items() if name in required}
    return CheckRequest(
        checks,
        from_json(Transaction, payload["transaction"]),
        from_json(ResolvedPolicy, payload["policy"]),
        {name: read_result(entry, with_evidence=name in required) for name, entry in wanted.items()},
    )


def read_decide_request(payload: Json) -> tuple[Transaction, ResolvedPolicy, Results]:
    """The request of the decide function, without the evidence that it has no use for. Raises `WireError`."""
    entries = flatten(payload["stages"])
    results = {name: _read_as(entry, DECIDES_LEARNING.get(name)) for name, entry in entries.items()}
    return from_json(Transaction, payload["transaction"]), from_json(ResolvedPolicy, payload["policy"]), results


def read_sign_request(payload: Json) -> tuple[Transaction, ResolvedPolicy, Decision]:
    """The request of the sign function. Raises `WireError`."""
    return (
        from_json(Transaction, payload["transaction"]),
        from_json(ResolvedPolicy, payload["policy"]),
        from_json(Decision, payload["decision"]),
    )


def sign_response(decision: Decision, result: CheckResult[Any]) -> Json:
    """The response of the sign function: the completed decision, and what was done, as a check tells it."""
    entry = {"result": to_json(result), "final": False}
    return {"decision": to_json(decision), "signing": {result.check_id: entry}}


def check_response(results: Iterable[CheckResult[Any]], transaction: Transaction, policy: ResolvedPolicy) -> Json:
    """The response of a check function: an entry per check."""
    return {
        result.check_id: {"result": to_json(result), "final": is_final(result, transaction, policy)}
        for result in results
    }


def read_answer(output: Json) -> Answer:
    """The output of one execution; raises `WireError`."""
    if not isinstance(output, Mapping) or "decision" not in output:
        raise WireError("the workflow's output holds no decision")
    entries = flatten({**output["results"], "signing": output.get("signing", {})})
    return Answer(from_json(Decision, output["decision"]), {name: entry["result"] for name, entry in entries.items()})


def flatten(stages: Mapping[str, Json]) -> dict[str, Json]:
    """The entries of all stages by check id."""
    return {check_id: entry for stage in stages.values() for check_id, entry in stage.items()}


def read_result(entry: Json, *, with_evidence: bool) -> CheckResult[Any]:
    """One check's result; `with_evidence` imports the check to know the evidence's type. Raises `WireError`."""
    kind = catalog.check(entry["result"]["check_id"]).SPEC.evidence if with_evidence else None
    return _read_as(entry, kind)


def _read_as(entry: Json, kind: type | None) -> CheckResult[Any]:
    """One check's result with evidence of a kind, or without it."""
    if kind is not None:
        return from_json(CheckResult, entry["result"], evidence=kind)
    data = {name: value for name, value in entry["result"].items() if name != "evidence"}
    return from_json(CheckResult, data, evidence=object)
