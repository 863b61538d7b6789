"""What the decide function does: every result in, one decision out, one line of metrics per message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from postern.exchange import read_decide_request
from postern.model import CheckResult, Decision, Disposition, Transaction
from postern.verdict import conclude
from postern.wire import to_json
from postern_aws import metrics

Json = Any


def decide(payload: Json) -> Json:
    """The decision for a decide request. Raises `WireError`."""
    transaction, policy, results = read_decide_request(payload)
    decision = conclude(transaction, results, policy)
    _count(decision, transaction, results)
    return to_json(decision)


def _count(decision: Decision, transaction: Transaction, results: Mapping[str, CheckResult[Any]]) -> None:
    elapsed = datetime.now(UTC) - transaction.received_at
    reply = decision.reply
    metrics.emit(
        {
            metrics.MESSAGES: 1,
            metrics.ACCEPTED: int(reply.is_positive),
            metrics.DEFERRED: int(reply.is_temporary),
            metrics.REFUSED: int(reply.is_permanent),
            metrics.FLAGGED: int(any(one.flagged for one in decision.recipients)),
            metrics.FILTER_MILLISECONDS: max(0, round(elapsed.total_seconds() * 1000)),
        },
        transaction_id=decision.transaction_id,
        reply=reply.code,
        dispositions=_dispositions(decision),
        score=max((one.score for one in decision.recipients), default=0) / 100,
        results={check_id: result.result.value for check_id, result in results.items()},
        policy_version=decision.policy_version,
    )


def _dispositions(decision: Decision) -> dict[str, int]:
    found = [one.disposition for one in decision.recipients]
    return {word.value: found.count(word) for word in Disposition if word in found}
