"""The queue as people and the defence against stolen accounts see it: listed, held, let go, deleted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postern_aws import clients, mail_queue
from postern_aws.due_rows import DueRows
from postern_aws.mail_queue import FROZEN, MailQueue
from postern_aws.relay_rows import RelayState
from postern_frontend.relay.worker import LEASE
from tests.unit.relay.relaying import REMOTE, Relaying

ANN, BOB = "ann@example.com", "bob@example.com"


@pytest.fixture
def queue(relaying: Relaying) -> MailQueue:
    return MailQueue(DueRows(clients.dynamodb(), "Outbox", relaying.clock))


def test_what_waits_is_listed_before_what_is_on_hold(relaying: Relaying, queue: MailQueue) -> None:
    relaying.sink.replies["RCPT"] = "451 4.3.0 later"
    relaying.queue("t1", REMOTE)
    relaying.queue("t2", REMOTE)
    relaying.round()
    assert queue.hold(queue.find("t1")[0].copy, "to be looked at")
    first, second = queue.listed()
    assert (first.copy.transaction_id, first.state, first.answer) == ("t2", RelayState.WAITING, "451 4.3.0 later")
    assert (second.state, second.held_because) == (RelayState.ON_HOLD, "to be looked at")
    assert len(queue.listed(1)) == 1


def test_a_copy_on_hold_is_not_sent_until_it_is_let_go(relaying: Relaying, queue: MailQueue) -> None:
    copy = relaying.queue("t1", REMOTE)
    assert queue.hold(copy, "wait")
    relaying.clock.now += timedelta(days=6)
    assert relaying.round() == 0
    assert queue.retry(copy)
    assert relaying.round() == 1
    assert relaying.row("t1", REMOTE)["state"] == "delivered"
    assert queue.listed() == ()


def test_what_is_done_cannot_be_held_retried_or_deleted(relaying: Relaying, queue: MailQueue) -> None:
    copy = relaying.queue("t1", REMOTE)
    relaying.round()
    assert not queue.retry(copy)
    assert not queue.hold(copy, "too late")
    assert not queue.delete(copy)
    assert relaying.row("t1", REMOTE)["state"] == "delivered"


def test_a_deleted_copy_is_gone_and_nobody_is_told(relaying: Relaying, queue: MailQueue) -> None:
    copy = relaying.queue("t1", REMOTE)
    assert queue.delete(copy)
    assert relaying.round() == 0
    assert queue.listed() == ()
    assert queue.find("t1", REMOTE)[0].state is RelayState.DELETED
    assert relaying.commits() == []


def test_holding_during_an_attempt_that_fails_lasts(relaying: Relaying, queue: MailQueue) -> None:
    relaying.sink.replies["RCPT"] = "451 4.3.0 later"
    relaying.sink.pause = 0.2
    copy = relaying.queue("t1", REMOTE)
    assert relaying.worker.run_due() == 1
    assert queue.hold(copy, "stop")
    assert relaying.worker.finish(30)
    assert queue.find("t1")[0].state is RelayState.ON_HOLD
    relaying.clock.now += LEASE
    assert relaying.round() == 0


def test_a_frozen_accounts_mail_stays_here_whenever_it_was_queued(relaying: Relaying, queue: MailQueue) -> None:
    relaying.queue("t1", REMOTE, account=ANN)
    relaying.queue("t2", REMOTE, account=BOB)
    assert queue.hold_account(ANN) == 1
    relaying.queue("t3", REMOTE, account=ANN)
    relaying.round()
    assert len(relaying.sink.texts) == 1
    assert relaying.row("t2", REMOTE)["state"] == "delivered"
    held = queue.listed()
    assert {one.copy.transaction_id for one in held} == {"t1", "t3"}
    assert {one.held_because for one in held} == {FROZEN}
    assert queue.release_account(ANN) == 2
    assert relaying.round() == 2
    assert queue.listed() == ()


def test_an_accounts_mail_is_held_and_let_go_however_much_there_is(
    relaying: Relaying, queue: MailQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_queue, "MAX_LISTED", 1)
    for number in range(3):
        relaying.queue(f"t{number}", REMOTE, account=ANN)
    assert queue.hold_account(ANN) == 3
    assert queue.release_account(ANN) == 3


def test_what_a_person_holds_is_not_let_go_with_the_account(relaying: Relaying, queue: MailQueue) -> None:
    copy = relaying.queue("t1", REMOTE, account=ANN)
    queue.hold(copy, "evidence")
    assert queue.hold_account(ANN) == 0
    assert queue.release_account(ANN) == 0
    assert queue.listed()[0].held_because == "evidence"
