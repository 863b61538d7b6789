"""Whom people here have written to: learnt on delivery from what accounts send, as good signs for the answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from postern.checks.correspondents import CHECK_ID, CorrespondentsPolicy
from postern.correspondents import learnt_from
from postern.message import parse_message
from postern.model import Direction, Route, Transaction
from postern.policy import Mode, PolicyError
from postern.ports import Correspondents, Unavailable
from postern_aws.filter_machine import Snapshots
from postern_aws.outbox import Commit


@dataclass(frozen=True, slots=True)
class CorrespondentIntake:
    """Remembers the recipients of delivered mail. `report` is told what could not be remembered, and why."""

    table: Correspondents
    snapshots: Snapshots
    report: Callable[[str, Exception], None] | None = None

    def take(self, commit: Commit, raw: bytes) -> None:
        """Remember whom one message went to. Trouble is told, not raised: the message itself is on its way."""
        transaction = commit.transaction
        account, addresses = _account(transaction), _strangers(transaction)
        if not account or not addresses:
            return
        try:
            settings = self.snapshots.current().book.section(CHECK_ID, CorrespondentsPolicy)
            if settings.mode is not Mode.OFF:
                keep = timedelta(days=settings.keep_days)
                found = learnt_from(account, addresses, parse_message(raw), transaction.received_at, keep)
                self.table.remember(found)
        except (Unavailable, PolicyError) as trouble:
            if self.report is not None:
                self.report(transaction.transaction_id, trouble)


def _account(transaction: Transaction) -> str:
    """Who sends: only a person who logged in gets to know somebody, not a machine in a trusted network."""
    session = transaction.session
    if transaction.direction is not Direction.OUTBOUND or session is None:
        return ""
    return session.authenticated_as or ""


def _strangers(transaction: Transaction) -> tuple[str, ...]:
    return tuple(one.forward_path for one in transaction.recipients if one.route is Route.REMOTE)
