"""The whole filter in one process, stage by stage: what the state machine does, without the state machine.

`postern scan` and tests use it; the same checks, runner and decision run in the Lambdas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from postern import catalog
from postern.contract import CheckSpec, Needs
from postern.disposition import is_final, standing
from postern.model import CheckResult, Decision, Transaction
from postern.policy_book import ResolvedPolicy
from postern.runner import Effects, run_check
from postern.verdict import conclude


@dataclass(frozen=True, slots=True)
class Judgement:
    """A decision and the results it rests on, by check id."""

    decision: Decision
    results: dict[str, CheckResult[Any]]


def judge(
    transaction: Transaction,
    policy: ResolvedPolicy,
    effects: Effects,
    stages: Sequence[Sequence[CheckSpec]] | None = None,
) -> Judgement:
    """Run every stage in order, stop early on a final refusal, and decide."""
    results: dict[str, CheckResult[Any]] = {}
    late = {Needs.STANDING: lambda: standing(transaction, results, policy)}
    effects = replace(effects, makers={**effects.makers, **late})
    for stage in catalog.stages() if stages is None else stages:
        found = [run_check(catalog.check(spec.check_id), transaction, policy, results, effects) for spec in stage]
        results.update((result.check_id, result) for result in found)
        if any(is_final(result, transaction, policy) for result in found):
            break
    return Judgement(conclude(transaction, results, policy), results)
