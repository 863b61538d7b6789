"""The relay worker over AWS and SMTP: every copy is delivered, tried again, or held and told of."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from postern.model import Route
from postern.policy_compiler import Compilation
from postern_aws import clients
from postern_aws.due_rows import RELAY_QUEUE, DueRows
from postern_aws.message_store import S3MessageStore
from postern_aws.policy_snapshot import NOTHING_PUBLISHED, S3SnapshotReader, S3Snapshots
from postern_aws.relay_rows import RelayCopy, RelayRows, SqsWaker
from postern_aws.settings import RelaySettings, read_settings
from postern_frontend.relay.answer import Answer, Outcome
from postern_frontend.relay.attempt import PER_HOST, NextHop
from postern_frontend.relay.schedule import LIFETIME
from postern_frontend.relay.service import RelayService
from postern_frontend.relay.worker import AT_ONCE, IDLE_SECONDS, LEASE
from tests.embedded_aws import BUCKET, Installation
from tests.smtp_sink import Sink, running
from tests.unit.relay.relaying import MESSAGE, Policy, Relaying, make_worker


def objects() -> list[str]:
    return sorted(found["Key"] for found in clients.s3().list_objects_v2(Bucket=BUCKET).get("Contents", ()))


def test_a_copy_is_delivered_once_and_let_go_of(relaying: Relaying) -> None:
    relaying.queue()
    assert relaying.round() == 1
    assert relaying.sink.texts == [MESSAGE + b".\r\n"]
    row = relaying.row()
    assert (row["state"], row["answer"]) == ("delivered", "250 2.0.0 queued")
    assert "queue" not in row
    assert objects() == []
    relaying.clock.now += timedelta(days=1)
    assert relaying.round() == 0


def test_the_same_copy_is_queued_once(relaying: Relaying) -> None:
    relaying.queue()
    with pytest.raises(AssertionError):
        relaying.queue()


def test_a_deferred_copy_is_tried_again_at_its_time(relaying: Relaying) -> None:
    relaying.sink.replies["RCPT"] = "451 4.3.0 later"
    relaying.queue()
    relaying.round()
    assert relaying.row()["answer"] == "451 4.3.0 later"
    relaying.clock.now += timedelta(minutes=4)
    assert relaying.round() == 0
    del relaying.sink.replies["RCPT"]
    relaying.clock.now += timedelta(minutes=1)
    assert relaying.round() == 1
    assert relaying.row()["state"] == "delivered"


def test_the_pauses_grow(relaying: Relaying) -> None:
    relaying.sink.replies["MAIL"] = "421 busy"
    relaying.queue()
    pauses = []
    for _ in range(6):
        relaying.round()
        due = datetime.fromtimestamp(int(str(relaying.row()["next_attempt"])), UTC)
        pauses.append((due - relaying.clock.now) // timedelta(minutes=1))
        relaying.clock.now = due
    assert pauses == [5, 10, 20, 40, 60, 60]


@pytest.mark.parametrize(("reply", "late"), [("550 5.1.1 unknown", timedelta(0)), ("451 4.3.0 later", LIFETIME)])
def test_what_is_refused_or_too_old_is_held_and_told_of(relaying: Relaying, reply: str, late: timedelta) -> None:
    relaying.sink.replies["RCPT"] = reply
    relaying.queue()
    relaying.clock.now += late
    relaying.round()
    (held,) = relaying.stores.quarantine.held("ann@relayed.example")
    assert held.route is Route.RELAY
    assert held.reasons == (f"relay: {reply}",)
    assert relaying.stores.messages.read(held.reference) == MESSAGE
    assert relaying.row()["state"] == "quarantined"
    assert objects() == ["quarantine/ann@relayed.example/t1"]
    (notice,) = relaying.aws.notices()
    assert reply in notice["Message"]
    assert relaying.round() == 0


def test_a_flood_of_refusals_is_told_once_and_held_completely(relaying: Relaying) -> None:
    relaying.sink.replies["RCPT"] = "550 5.1.1 unknown"
    for number in range(AT_ONCE):
        relaying.queue(f"t{number}", f"u{number}@relayed.example")
    while relaying.round():
        pass
    assert len(relaying.aws.notices()) == 1
    assert len([key for key in objects() if key.startswith("quarantine/")]) == AT_ONCE


def test_a_domain_without_a_target_waits_for_one(relaying: Relaying) -> None:
    relaying.queue(recipient="ann@other.example", route=Route.RELAY)
    relaying.round()
    row = relaying.row(recipient="ann@other.example")
    assert (row["state"], row["answer"]) == ("waiting", "no relay target is known for the domain")


def test_a_message_that_cannot_be_read_stays_under_lease_and_comes_back(relaying: Relaying) -> None:
    relaying.queue()
    clients.s3().delete_object(Bucket=BUCKET, Key="mail/ann@relayed.example/t1")
    relaying.round()
    assert relaying.row()["state"] == "waiting"
    relaying.clock.now += LEASE - timedelta(seconds=1)
    assert relaying.round() == 0
    S3MessageStore(clients.s3(), BUCKET).put_copy("mail/ann@relayed.example/t1", MESSAGE)
    relaying.clock.now += timedelta(seconds=1)
    assert relaying.round() == 1
    assert relaying.row()["state"] == "delivered"


def test_a_host_gets_so_many_connections_at_once(relaying: Relaying) -> None:
    relaying.sink.pause = 0.2
    for number in range(AT_ONCE + 4):
        relaying.queue(f"t{number}")
    while relaying.round():
        pass
    assert len(relaying.sink.texts) == AT_ONCE + 4
    assert relaying.sink.most_at_once <= PER_HOST


def test_two_workers_never_send_the_same_copy(aws: Installation, relaying: Relaying) -> None:
    other, _ = make_worker(aws, relaying.policy, relaying.clock)
    for number in range(20):
        relaying.queue(f"t{number}", f"u{number}@relayed.example")
    for _ in range(8):
        threads = [threading.Thread(target=worker.run_due) for worker in (relaying.worker, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert relaying.worker.finish(30)
        assert other.finish(30)
    other.close()
    assert len(relaying.sink.texts) == 20
    recipients = [command for command in relaying.sink.commands if command.startswith("RCPT")]
    assert len(set(recipients)) == 20


def test_a_closed_worker_begins_nothing(relaying: Relaying) -> None:
    relaying.queue()
    relaying.worker.close()
    assert relaying.round() == 0
    assert relaying.row()["state"] == "waiting"


TAKEN = Answer(Outcome.DELIVERED, "250 ok")


@dataclass
class Recording:
    """A sender that says what it is told to."""

    sent: list[str] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    answer: Answer = TAKEN
    closed: list[float] = field(default_factory=list)

    def attempt(self, copy: RelayCopy, message: bytes, hops: Sequence[NextHop], per_host: int) -> Answer:
        self.before()
        self.sent.append(copy.transaction_id)
        return self.answer

    def close_idle(self, seconds: float = 0) -> None:
        self.closed.append(seconds)


def test_an_attempt_that_breaks_breaks_nothing_else(aws: Installation, relaying: Relaying) -> None:
    def breaks() -> None:
        raise ZeroDivisionError

    worker, _ = make_worker(aws, relaying.policy, relaying.clock, Recording(before=breaks))
    relaying.queue()
    assert worker.run_due() == 1
    assert worker.finish(10)
    assert worker.run_due() == 0
    worker.close()
    relaying.clock.now += LEASE
    assert relaying.round() == 1


def test_a_full_worker_does_not_ask_what_is_due_and_leaves_links_that_are_idle_for_long(
    aws: Installation, relaying: Relaying, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on = threading.Event()

    def waits() -> None:
        going_on.wait(20)

    sender = Recording(before=waits)
    relaying.policy.outgoing["per_host"] = AT_ONCE
    worker, _ = make_worker(aws, relaying.policy, relaying.clock, sender)
    for number in range(AT_ONCE + 1):
        relaying.queue(f"t{number}")
    assert worker.run_due() == AT_ONCE
    with monkeypatch.context() as patched:
        patched.delattr(DueRows, "due")
        assert worker.run_due() == 0
    assert worker.rest()
    assert sender.closed == [IDLE_SECONDS]
    going_on.set()
    assert worker.finish(20)
    assert worker.run_due() == 1
    assert worker.finish(20)
    worker.close()


def test_waiting_for_room_is_no_attempt_and_ends_with_the_copys_time(aws: Installation, relaying: Relaying) -> None:
    busy = Answer(Outcome.DEFERRED, "too many connections", soon=True)
    worker, _ = make_worker(aws, relaying.policy, relaying.clock, Recording(answer=busy))
    relaying.queue()
    for _ in range(3):
        assert worker.run_due() == 1
        assert worker.finish(10)
        relaying.clock.now += timedelta(minutes=1)
    assert (relaying.row()["attempts"], relaying.row()["state"]) == (0, "waiting")
    relaying.clock.now += LIFETIME
    assert worker.run_due() == 1
    assert worker.finish(10)
    worker.close()
    assert relaying.row()["state"] == "quarantined"


def test_the_service_is_woken_and_stops(aws: Installation) -> None:
    with running(Sink()) as sink:
        S3Snapshots(clients.s3(), BUCKET).publish(Compilation(Policy(sink.port).current()), NOTHING_PUBLISHED)
        snapshots = S3SnapshotReader(clients.s3(), BUCKET)
        service = RelayService(read_settings(RelaySettings, aws.environment()), snapshots)
        service.start()
        reference = S3MessageStore(clients.s3(), BUCKET).put_copy("mail/ann@relayed.example/t1", MESSAGE)
        rows = RelayRows(DueRows(clients.dynamodb(), "Outbox"))
        rows.add(RelayCopy("t1", "ann@relayed.example", None, reference, datetime.now(UTC)))
        SqsWaker(clients.sqs(), aws.relay_queue_url).wake()
        end = time.monotonic() + 20
        while not sink.texts and time.monotonic() < end:
            time.sleep(0.05)
        assert service.stop(20)
        assert sink.texts == [MESSAGE + b".\r\n"]
        assert rows.rows.due(RELAY_QUEUE, 10) == ()
