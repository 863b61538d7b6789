"""The relay worker: due rows in, attempts side by side, every copy delivered, tried again, or held.

Nothing is bounced: what a target refuses for ever, or does not take for five days, goes to the quarantine and the
postmaster is told.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from postern.message import parse_message
from postern.message_summary import summarize
from postern.model import Route
from postern.outgoing.target import RelayTarget
from postern.policy_compiler import Snapshot
from postern.ports import Unavailable
from postern_aws import metrics
from postern_aws.due_rows import RELAY_QUEUE, DueRow
from postern_aws.message_store import S3MessageStore, quarantine_key
from postern_aws.notices import Notice, SnsNotices
from postern_aws.quarantine import DynamoQuarantine, HeldMessage
from postern_aws.relay_rows import RelayCopy, RelayRows, RelayState
from postern_frontend.relay.attempt import Answer, Outcome
from postern_frontend.relay.schedule import next_attempt

AT_ONCE = 8
PER_HOST = 4
ROWS_LOOKED_AT = 100
LEASE = timedelta(minutes=30)
"""Longer than the longest attempt; a worker that died is followed by another after that."""

LARGE_OCTETS = 8 * 1024 * 1024
"""Messages above this are sent one at a time: the task has little memory."""

WAIT_FOR_ROOM = timedelta(minutes=1)
TOLD_AGAIN_AFTER = timedelta(hours=1)
"""About one domain the postmaster is told once in this time; every copy is in the quarantine anyway."""

POLL_SECONDS = 15
TROUBLE_SECONDS = 5.0
NO_TARGET = "no relay target is known for the domain"

_log = logging.getLogger("postern.relay")


class Snapshots(Protocol):
    """Gives the current snapshot."""

    def current(self) -> Snapshot:
        """The snapshot; raises `Unavailable`."""
        ...


class Sender(Protocol):
    """Makes attempts; see `attempt.SmtpSender`."""

    def attempt(self, copy: RelayCopy, message: bytes, target: RelayTarget) -> Answer:
        """Hand a copy to its target, once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayStores:
    """What the worker reads and writes."""

    relay: RelayRows
    messages: S3MessageStore
    quarantine: DynamoQuarantine
    notices: SnsNotices
    snapshots: Snapshots


class RelayWorker:
    """Relays what is due. One per process; any number of processes."""

    def __init__(self, stores: RelayStores, sender: Sender) -> None:
        self._stores = stores
        self._sender = sender
        self._pool = ThreadPoolExecutor(AT_ONCE, "relay")
        self._running: dict[Future[None], str] = {}
        self._one_large = threading.Lock()
        self._telling = threading.Lock()
        self._told: dict[str, datetime] = {}
        self._beginning = threading.RLock()
        self._is_closed = False

    def run_due(self) -> int:
        """Begin an attempt for every due row there is room for; how many were begun. Raises `Unavailable`."""
        with self._beginning:
            if self._is_closed:
                return 0
            self._forget_finished()
            rows = self._stores.relay.rows.due(RELAY_QUEUE, ROWS_LOOKED_AT)
            return sum(self._begin(row) for row in rows)

    def _begin(self, row: DueRow) -> bool:
        """Begin an attempt, if there is room for one to that host and nobody else has the row."""
        target = self._target_of(row)
        host = target.host if target else ""
        if len(self._running) >= AT_ONCE or Counter(self._running.values())[host] >= PER_HOST:
            return False
        copy = self._stores.relay.claim(row, LEASE)
        if copy is not None:
            self._running[self._pool.submit(self._relay, copy, target)] = host
        return copy is not None

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another attempt."""
        with self._beginning:
            self._forget_finished()
            return len(self._running) >= AT_ONCE

    def finish(self, seconds: float | None = None) -> bool:
        """Wait for the running attempts; whether all of them ended."""
        with self._beginning:
            running = tuple(self._running)
        return not wait(running, timeout=seconds).not_done

    def close(self) -> None:
        """Begin nothing more. What still runs when the process ends is found again when its lease is over."""
        with self._beginning:
            self._is_closed = True
        self._pool.shutdown(wait=False)

    def _forget_finished(self) -> None:
        for future in [one for one in self._running if one.done()]:
            del self._running[future]
            trouble = None if future.cancelled() else future.exception()
            if trouble is not None:
                _log.error("An attempt to relay could not be made", exc_info=trouble)

    def _target_of(self, row: DueRow) -> RelayTarget | None:
        domain = self._stores.snapshots.current().domains.get(row.part.rpartition("@")[2].lower())
        return domain.target if domain else None

    def _relay(self, copy: RelayCopy, target: RelayTarget | None) -> None:
        is_large = copy.reference.size > LARGE_OCTETS
        if is_large and not self._one_large.acquire(timeout=WAIT_FOR_ROOM.total_seconds()):
            self._stores.relay.defer(copy, self._stores.relay.rows.now() + WAIT_FOR_ROOM, "waits for room")
            return
        try:
            message = self._stores.messages.read(copy.reference)
            answer = self._sender.attempt(copy, message, target) if target else Answer(Outcome.DEFERRED, NO_TARGET)
            self._settle(copy, message, answer)
        finally:
            if is_large:
                self._one_large.release()

    def _settle(self, copy: RelayCopy, message: bytes, answer: Answer) -> None:
        now = self._stores.relay.rows.now()
        again = next_attempt(copy.attempts, copy.queued_at, now)
        if answer.outcome is Outcome.DELIVERED:
            self._stores.relay.finish(copy, RelayState.DELIVERED, answer.text)
            self._stores.messages.delete(copy.reference.key)
        elif answer.outcome is Outcome.DEFERRED and again is not None:
            metrics.emit({metrics.RELAY_DEFERRED: 1}, **_facts(copy, answer))
            self._stores.relay.defer(copy, again, answer.text)
        else:
            metrics.emit({metrics.RELAY_FAILED: 1}, **_facts(copy, answer))
            self._hold(copy, message, answer)
        _log.info("relayed", extra={"postern_fields": _facts(copy, answer)})

    def _hold(self, copy: RelayCopy, message: bytes, answer: Answer) -> None:
        """Put a copy that cannot be relayed into the quarantine, tell the postmaster, and only then let go of it."""
        envelope = summarize(parse_message(message)).envelope
        held = HeldMessage(
            copy.recipient,
            copy.transaction_id,
            copy.queued_at,
            self._stores.messages.put_copy(quarantine_key(copy.recipient, copy.transaction_id), message),
            Route.RELAY,
            copy.reverse_path,
            envelope["subject"],
            ", ".join("@".join(author[1:]) for author in envelope["from"]),
            (f"relay: {answer.text}",),
        )
        self._stores.quarantine.hold(held)
        self._tell(copy, answer)
        self._stores.relay.finish(copy, RelayState.QUARANTINED, answer.text)
        self._stores.messages.delete(copy.reference.key)

    def _tell(self, copy: RelayCopy, answer: Answer) -> None:
        domain, now = copy.recipient.rpartition("@")[2], self._stores.relay.rows.now()
        with self._telling:
            last = self._told.get(domain)
            if last is None or now - last >= TOLD_AGAIN_AFTER:
                self._stores.notices.tell(_notice(copy, answer))
                self._told[domain] = now


def _facts(copy: RelayCopy, answer: Answer) -> dict[str, Any]:
    return {
        "transaction_id": copy.transaction_id,
        "recipient": copy.recipient,
        "outcome": answer.outcome.value,
        "answer": answer.text,
        "attempts": copy.attempts,
    }


def _notice(copy: RelayCopy, answer: Answer) -> Notice:
    text = (
        f"A message for {copy.recipient} could not be relayed and is in the quarantine.\n\n"
        f"The target said: {answer.text}\n"
        f"Transaction: {copy.transaction_id}, attempts: {copy.attempts}\n\n"
        "More about this domain is told in an hour; until then, see its quarantine.\n"
    )
    return Notice("relay_failed", f"mail for {copy.recipient} cannot be relayed", text, _facts(copy, answer))


class Waker(Protocol):
    """Waits for a wake-up; see `relay_rows.SqsWaker`."""

    def wait(self, seconds: int) -> bool:
        """Wait at most so many seconds; whether there was a wake-up. Raises `Unavailable`."""
        ...


def run(worker: RelayWorker, waker: Waker, stopping: threading.Event, pause: Callable[[float], object]) -> None:
    """Relay until `stopping`, woken by the queue, at the latest every 15 s.

    Whatever goes wrong here, the rows stay where they are; so it is said, and tried again after a pause.
    """
    while not stopping.is_set():
        try:
            if worker.run_due() == 0 or worker.is_full:
                waker.wait(POLL_SECONDS)
        except Unavailable as trouble:
            _log.warning("relaying waits: %s", trouble)
            pause(TROUBLE_SECONDS)
        except Exception:  # noqa: BLE001 - the one place of this runtime: mail waits safely, the worker must go on
            _log.exception("relaying failed")
            pause(TROUBLE_SECONDS)
