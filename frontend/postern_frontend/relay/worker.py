"""The relay worker: due rows in, attempts side by side, every copy delivered, tried again, or given up.

What is given up is told to its sender where that may be, and otherwise held or dropped: see `undeliverable`.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

from postern.delivery_status.request import Action
from postern.outgoing.policy import OutgoingPolicy
from postern.policy_compiler import Snapshot
from postern.ports import Unavailable
from postern_aws import metrics
from postern_aws.due_rows import RELAY_QUEUE, DueRow
from postern_aws.mail_queue import AccountHolds, hold_copy
from postern_aws.message_store import S3MessageStore
from postern_aws.relay_rows import RelayCopy, RelayRows, RelayState
from postern_frontend.relay.answer import Answer, Outcome
from postern_frontend.relay.attempt import NextHop
from postern_frontend.relay.reports import Reports, Told
from postern_frontend.relay.routing import BySes, Router, crowd, outgoing_policy, sending_address
from postern_frontend.relay.schedule import next_attempt
from postern_frontend.relay.undeliverable import Undeliverable, facts

AT_ONCE = 16
ROWS_LOOKED_AT = 200
LEASE = timedelta(minutes=30)
"""Longer than the longest attempt; a worker that died is followed by another after that."""

LARGE_OCTETS = 4 * 1024 * 1024
"""Messages above this are sent one at a time: the task has little memory."""

WAIT_FOR_ROOM = timedelta(minutes=1)
POLL_SECONDS = 15
LOOK_SECONDS = 1.0
"""How long the worker waits for an attempt to end before it looks at the queue again."""

IDLE_SECONDS = 10.0
"""How long a connection waits for its next copy while other copies are on their way."""

TROUBLE_SECONDS = 5.0

_log = logging.getLogger("postern.relay")


class Snapshots(Protocol):
    """Gives the current snapshot."""

    def current(self) -> Snapshot:
        """The snapshot; raises `Unavailable`."""
        ...


class Sender(Protocol):
    """Makes attempts by SMTP; see `attempt.SmtpSender`."""

    def attempt(self, copy: RelayCopy, message: bytes, hops: Sequence[NextHop], per_host: int) -> Answer:
        """Hand a copy on, once."""
        ...

    def close_idle(self, seconds: float = 0) -> None:
        """Say goodbye on the connections that nobody needed for so long."""
        ...


class ServiceSender(Protocol):
    """Makes attempts by a service; see `ses.SesSender`."""

    def attempt(self, copy: RelayCopy, message: bytes, way: BySes) -> Answer:
        """Hand a copy on, once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayStores:
    """What the worker reads and writes."""

    relay: RelayRows
    messages: S3MessageStore
    snapshots: Snapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How copies leave."""

    router: Router
    smtp: Sender
    ses: ServiceSender


class RelayWorker:
    """Relays what is due. One per process; any number of processes."""

    def __init__(self, stores: RelayStores, ways: Ways, undeliverable: Undeliverable) -> None:
        self._stores = stores
        self._ways = ways
        self._undeliverable = undeliverable
        self._holds = AccountHolds(stores.relay.rows)
        self._pool = ThreadPoolExecutor(AT_ONCE, "relay")
        self._running: dict[Future[None], str] = {}
        self._taken = _Taken()
        self._one_large = threading.Lock()
        self._beginning = threading.RLock()
        self._is_closed = False

    def run_due(self) -> int:
        """Begin an attempt for every due row there is room for; how many were begun. Raises `Unavailable`."""
        with self._beginning:
            if self._is_closed:
                return 0
            self._forget_finished()
            if self._is_full():
                return 0
            rows = self._stores.relay.rows.due(RELAY_QUEUE, ROWS_LOOKED_AT)
            if not rows:
                return 0
            snapshot = self._stores.snapshots.current()
            policy = outgoing_policy(snapshot, None)
            return sum(self._begin(row, snapshot, policy) for row in rows)

    def _begin(self, row: DueRow, snapshot: Snapshot, policy: OutgoingPolicy) -> bool:
        """Begin an attempt, if there is room for one to that host and nobody else has the row."""
        its_crowd = crowd(row.part, snapshot, policy)
        if self._is_full() or Counter(self._running.values())[its_crowd] >= policy.per_host:
            return False
        copy = self._stores.relay.claim(row, LEASE)
        if copy is not None:
            self._running[self._pool.submit(self._relay, copy, snapshot)] = its_crowd
        return copy is not None

    def _is_full(self) -> bool:
        return len(self._running) >= AT_ONCE

    def rest(self) -> bool:
        """Wait a little for attempts that run; whether there were any. Connections without use are closed."""
        with self._beginning:
            self._forget_finished()
            running = tuple(self._running)
        if running:
            wait(running, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
        self._ways.smtp.close_idle(IDLE_SECONDS if running else 0)
        return bool(running)

    def finish(self, seconds: float | None = None) -> bool:
        """Wait for the running attempts, and close the connections they leave; whether all of them ended."""
        with self._beginning:
            running = tuple(self._running)
        still_running = wait(running, timeout=seconds).not_done
        self._ways.smtp.close_idle()
        return not still_running

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

    def _relay(self, copy: RelayCopy, snapshot: Snapshot) -> None:
        answer = self._taken.answer(copy)
        if answer is not None:
            self._let_go(copy, answer)
            return
        held = self._holds.find(copy.account) if copy.account else None
        if held is not None:
            hold_copy(self._stores.relay.rows, copy, held.reason, copy.account)
            return
        is_large = copy.reference.size > LARGE_OCTETS
        if is_large and not self._one_large.acquire(timeout=WAIT_FOR_ROOM.total_seconds()):
            self._defer_briefly(copy, Answer(Outcome.DEFERRED, "waits for room"))
            return
        try:
            self._attempt(copy, snapshot)
        finally:
            if is_large:
                self._one_large.release()

    def _attempt(self, copy: RelayCopy, snapshot: Snapshot) -> None:
        policy = outgoing_policy(snapshot, sending_address(copy))
        message = self._stores.messages.read(copy.reference)
        answer = self._send(copy, message, snapshot, policy)
        _log.info("relayed", extra={"postern_fields": facts(copy, answer)})
        self._settle(_Attempted(copy, message, answer), snapshot, policy)

    def _send(self, copy: RelayCopy, message: bytes, snapshot: Snapshot, policy: OutgoingPolicy) -> Answer:
        way = self._ways.router.way(copy, snapshot, policy)
        if isinstance(way, Answer):
            return way
        if isinstance(way, BySes):
            return self._ways.ses.attempt(copy, message, way)
        return self._ways.smtp.attempt(copy, message, way, policy.per_host)

    def _settle(self, done: _Attempted, snapshot: Snapshot, policy: OutgoingPolicy) -> None:
        copy, answer, now = done.copy, done.answer, self._stores.relay.rows.now()
        lifetime = timedelta(days=policy.expires_after_days)
        again = next_attempt(copy.attempts, copy.queued_at, now, lifetime)
        told = Told(Action.FAILED, answer, copy.queued_at + lifetime)
        if answer.outcome is Outcome.DELIVERED:
            self._taken.note(copy, answer)
            self._tell_handed_on(done, told, snapshot)
            self._let_go(copy, answer)
        elif answer.outcome is Outcome.DEFERRED and answer.soon and again is not None:
            self._defer_briefly(copy, answer)
        elif answer.outcome is Outcome.DEFERRED and again is not None:
            metrics.emit({metrics.RELAY_DEFERRED: 1}, **facts(copy, answer))
            self._warn(done, told, snapshot, policy)
            self._stores.relay.defer(copy, again, answer.text, answer.host)
        else:
            self._undeliverable.give_up(copy, done.message, told, snapshot)

    def _let_go(self, copy: RelayCopy, answer: Answer) -> None:
        """Finish a copy that was taken. If that fails it comes due again, and is known then, in this process."""
        self._stores.relay.finish(copy, RelayState.DELIVERED, answer.text, answer.host)
        self._taken.forget(copy)
        self._stores.messages.delete(copy.reference.key)

    def _defer_briefly(self, copy: RelayCopy, answer: Answer) -> None:
        """Put a copy off that is only in the way of others of ours; that is no attempt."""
        until = self._stores.relay.rows.now() + WAIT_FOR_ROOM
        self._stores.relay.defer(copy, until, answer.text, answer.host, counted=False)

    def _tell_handed_on(self, done: _Attempted, told: Told, snapshot: Snapshot) -> None:
        """Who asked to hear of success hears that the copy left our reach (RFC 3461 §5.2.2)."""
        if not done.answer.reports and done.copy.report.wants(Action.RELAYED):
            self._reports.tell(done.copy, done.message, replace(told, action=Action.RELAYED), snapshot)

    def _warn(self, done: _Attempted, told: Told, snapshot: Snapshot, policy: OutgoingPolicy) -> None:
        """Tell the sender, once, that the copy waits."""
        copy, waited = done.copy, self._stores.relay.rows.now() - done.copy.queued_at
        after = timedelta(hours=policy.warn_after_hours)
        if copy.warned or not after or waited < after or not copy.report.wants(Action.DELAYED):
            return
        if self._reports.tell(copy, done.message, replace(told, action=Action.DELAYED), snapshot):
            self._stores.relay.note_warning(copy)

    @property
    def _reports(self) -> Reports:
        return self._undeliverable.reports


@dataclass(frozen=True, slots=True)
class _Attempted:
    copy: RelayCopy
    message: bytes
    answer: Answer


@dataclass(slots=True)
class _Taken:
    """Copies that a server took and whose row does not say so yet."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)

    def note(self, copy: RelayCopy, answer: Answer) -> None:
        with self.lock:
            self.answers[copy.transaction_id, copy.recipient] = answer

    def forget(self, copy: RelayCopy) -> None:
        with self.lock:
            self.answers.pop((copy.transaction_id, copy.recipient), None)

    def answer(self, copy: RelayCopy) -> Answer | None:
        with self.lock:
            return self.answers.get((copy.transaction_id, copy.recipient))


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
            begun = worker.run_due()
            if not worker.rest() and begun == 0:
                waker.wait(POLL_SECONDS)
        except Unavailable as trouble:
            _log.warning("relaying waits: %s", trouble)
            pause(TROUBLE_SECONDS)
        except Exception:  # noqa: BLE001 - the one place of this runtime: mail waits safely, the worker must go on
            _log.exception("relaying failed")
            pause(TROUBLE_SECONDS)
