"""Effects and policies as data, for tests that run checks and decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from postern import replies
from postern.contract import Needs
from postern.model import Decision, Disposition, Points, RecipientDecision, Transaction
from postern.policy_book import ResolvedPolicy
from postern.runner import Effects


def policy(sections: Mapping[str, Mapping[str, object]] | None = None) -> ResolvedPolicy:
    """A resolved policy that has these sections, as written; nothing is filled in from the catalogue."""
    return ResolvedPolicy("v1", dict(sections or {}))


def effects(
    makers: Mapping[Needs, Any] | None = None, troubles: list[tuple[str, BaseException]] | None = None
) -> Effects:
    """Effects from fixed values; unforeseen exceptions are collected in `troubles`."""
    ready = {need: (lambda value=value: value) for need, value in (makers or {}).items()}
    kept = [] if troubles is None else troubles
    return Effects(ready, seconds=lambda: 0.0, report=lambda check_id, trouble: kept.append((check_id, trouble)))


class AcceptingFilter:
    """Accepts everything as it is. Implements `ports.Filter`."""

    def decide(self, transaction: Transaction) -> Decision:
        """Everything goes on, unsigned."""
        accept = Disposition.ACCEPT
        copies = (RecipientDecision(one.address, accept, accept, Points(0)) for one in transaction.recipients)
        return Decision(transaction.transaction_id, replies.accepted(transaction.transaction_id), tuple(copies))
