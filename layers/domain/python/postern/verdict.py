"""The conclusion of the filter: the decision together with every header field that will be written.

The same for the decide function, `postern scan` and tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from postern import stamping
from postern.bayes.auto_learning import auto_label
from postern.disposition import decide
from postern.model import CheckResult, Decision, Direction, RecipientDecision, Transaction
from postern.policy_book import ResolvedPolicy
from postern.received_field import received_field
from postern.sections import SpamFilterPolicy


def conclude(transaction: Transaction, results: Mapping[str, CheckResult[Any]], policy: ResolvedPolicy) -> Decision:
    """The decision with its header fields: common ones topmost first, and each recipient's own.

    Outgoing mail gets our Received field and nothing of what we think of it; see `postern.outgoing.completion`.
    """
    decision = decide(transaction, results, policy)
    if transaction.direction is Direction.OUTBOUND:
        return replace(decision, headers=(received_field(transaction),))
    recipients = tuple(_with_headers(one, results, policy) for one in decision.recipients)
    label = auto_label(transaction, results, policy, decision)
    return replace(
        decision,
        recipients=recipients,
        headers=stamping.trace_headers(transaction, results),
        learn_as=label.value if label else "",
    )


def _with_headers(
    decided: RecipientDecision, results: Mapping[str, CheckResult[Any]], policy: ResolvedPolicy
) -> RecipientDecision:
    settings = policy.section_for(decided.address, "spam_filter", SpamFilterPolicy)
    tag = settings.subject_tag if decided.flagged else ""
    return replace(decided, headers=stamping.spam_headers(decided, results, settings), subject_tag=tag)
