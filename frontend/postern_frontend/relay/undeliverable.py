"""What becomes of a copy that no server takes: its sender is told, or it is held and the postmaster is told.

A copy of a client of ours whose sender wants to hear nothing, or is nobody, is dropped; the log says so. Any other
copy is somebody's inbound mail: it goes to the quarantine of its recipient.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from postern.delivery_status.request import Action, Standing
from postern.message import parse_message
from postern.message_summary import summarize
from postern.model import Route
from postern.policy_compiler import Snapshot
from postern.ports import Unavailable
from postern_aws import metrics
from postern_aws.message_store import S3MessageStore, quarantine_key
from postern_aws.notices import Notice, SnsNotices
from postern_aws.quarantine import DynamoQuarantine, HeldMessage
from postern_aws.relay_rows import RelayCopy, RelayRows, RelayState
from postern_frontend.relay.answer import Answer
from postern_frontend.relay.reports import Reports, Told

TOLD_AGAIN_AFTER = timedelta(hours=1)
"""About one domain the postmaster is told once in this time; every copy is in the quarantine anyway."""


@dataclass(slots=True)
class _Once:
    """Which domains the postmaster was told of, and when."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    told: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeliverable:
    """Finishes copies that cannot be delivered. `note_refused` is told of each that an account has sent."""

    relay: RelayRows
    messages: S3MessageStore
    quarantine: DynamoQuarantine
    notices: SnsNotices
    reports: Reports
    once: _Once = field(default_factory=_Once)
    note_refused: Callable[[str], None] = lambda account: None

    def give_up(self, copy: RelayCopy, message: bytes, told: Told, snapshot: Snapshot) -> RelayState:
        """Tell whoever is to be told, and only then let go of the copy. Raises `Unavailable`."""
        answer = told.answer
        if copy.report.wants(Action.FAILED) and self.reports.tell(copy, message, told, snapshot):
            state = RelayState.RETURNED
        elif copy.route is Route.REMOTE or copy.report.standing is Standing.OURS:
            state = RelayState.DROPPED
        else:
            state = RelayState.QUARANTINED
            self._hold(copy, message, answer)
        metric = metrics.RELAY_FAILED if state is RelayState.QUARANTINED else metrics.MAIL_RETURNED
        metrics.emit({metric: 1}, **facts(copy, answer), state=state.value)
        self.relay.finish(copy, state, answer.text, answer.host)
        self.messages.delete(copy.reference.key)
        if copy.account:
            with contextlib.suppress(Unavailable):
                self.note_refused(copy.account)
        return state

    def _hold(self, copy: RelayCopy, message: bytes, answer: Answer) -> None:
        envelope = summarize(parse_message(message)).envelope
        held = HeldMessage(
            copy.recipient,
            copy.transaction_id,
            copy.queued_at,
            self.messages.put_copy(quarantine_key(copy.recipient, copy.transaction_id), message),
            copy.route,
            copy.reverse_path,
            envelope["subject"],
            ", ".join("@".join(author[1:]) for author in envelope["from"]),
            (f"relay: {answer.text}",),
        )
        self.quarantine.hold(held)
        self._tell_postmaster(copy, answer)

    def _tell_postmaster(self, copy: RelayCopy, answer: Answer) -> None:
        domain, now = copy.recipient.rpartition("@")[2], self.relay.rows.now()
        with self.once.lock:
            last = self.once.told.get(domain)
            if last is None or now - last >= TOLD_AGAIN_AFTER:
                self.notices.tell(_notice(copy, answer))
                self.once.told[domain] = now


def facts(copy: RelayCopy, answer: Answer) -> dict[str, Any]:
    """What is logged of an attempt."""
    return {
        "transaction_id": copy.transaction_id,
        "recipient": copy.recipient,
        "route": copy.route.value,
        "outcome": answer.outcome.value,
        "answer": answer.text,
        "host": answer.host,
        "attempts": copy.attempts,
    }


def _notice(copy: RelayCopy, answer: Answer) -> Notice:
    text = (
        f"A message for {copy.recipient} could not be relayed and is in the quarantine.\n\n"
        f"The target said: {answer.text}\n"
        f"Transaction: {copy.transaction_id}, attempts: {copy.attempts}\n\n"
        "More about this domain is told in an hour; until then, see its quarantine.\n"
    )
    return Notice("relay_failed", f"mail for {copy.recipient} cannot be relayed", text, facts(copy, answer))
