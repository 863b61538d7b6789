"""The Outbox: a commit happens once, and a 250 is never given for anything else."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from moto.dynamodb.models import dynamodb_backends

from postern import replies
from postern.model import Recipient
from postern.ports import OutcomeUnknown, Unavailable
from postern_aws import clients
from postern_aws.due_rows import DELIVER_QUEUE, DueRows
from postern_aws.outbox import CommitState, DynamoOutbox
from tests.embedded_aws import REGION
from tests.unit.aws.commits import ANN, NOW, decision, transaction

pytestmark = pytest.mark.usefixtures("aws")
FINGERPRINT = "f" * 64


def outbox(now: datetime = NOW) -> DynamoOutbox:
    return DynamoOutbox(clients.dynamodb(), "Outbox", lambda: now)


def commit(transaction_id: str = "t1", now: datetime = NOW) -> replies.Reply:
    received = transaction(transaction_id)
    return outbox(now).commit(received, decision(received), FINGERPRINT)


def test_a_commit_is_read_back_as_it_was() -> None:
    received = transaction("t1", (ANN, Recipient("eve@example.com", "eve@example.com")))
    made = decision(received)
    assert outbox().commit(received, made, FINGERPRINT) == made.reply
    found = outbox().read(FINGERPRINT)
    assert found is not None
    assert (found.transaction, found.decision, found.state) == (received, made, CommitState.COMMITTED)
    assert outbox().is_committed(FINGERPRINT, "t1")
    assert not outbox().is_committed(FINGERPRINT, "t2")


def test_of_hundreds_of_parallel_commits_of_one_message_one_wins() -> None:
    barrier = threading.Barrier(16)

    def attempt(number: int) -> replies.Reply:
        if number < 16:
            barrier.wait(timeout=10)
        return commit(f"t{number}")

    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(attempt, range(320)))
    assert len(answers) == 1
    found = outbox().read(FINGERPRINT)
    assert found is not None
    assert answers == {replies.accepted(found.transaction.transaction_id)}


def test_a_repeated_put_of_the_same_commit_is_its_own_success() -> None:
    assert commit("t1") == commit("t1") == replies.accepted("t1")


def test_a_duplicate_is_answered_with_the_first_250_for_a_day() -> None:
    commit("t1")
    assert outbox().find_duplicate(FINGERPRINT, NOW) == replies.accepted("t1")
    assert commit("t2") == replies.accepted("t1")
    outbox().mark_delivered(FINGERPRINT, "t1")
    late = NOW + timedelta(hours=23, minutes=59)
    assert outbox().find_duplicate(FINGERPRINT, late) == replies.accepted("t1")
    assert commit("t3", late) == replies.accepted("t1")


def test_after_a_day_the_same_message_is_a_new_one() -> None:
    commit("t1")
    outbox().mark_delivered(FINGERPRINT, "t1")
    later = NOW + timedelta(hours=24, seconds=1)
    assert outbox().find_duplicate(FINGERPRINT, later) is None
    assert commit("t2", later) == replies.accepted("t2")


def test_what_is_not_delivered_stays_a_duplicate_however_old() -> None:
    commit("t1")
    later = NOW + timedelta(days=3)
    assert outbox().find_duplicate(FINGERPRINT, later) == replies.accepted("t1")
    assert commit("t2", later) == replies.accepted("t1")


def test_a_delivered_commit_leaves_the_queue_and_expires() -> None:
    commit("t1")
    later = DueRows(clients.dynamodb(), "Outbox", lambda: NOW + timedelta(hours=1))
    assert [row.id for row in later.due(DELIVER_QUEUE, 10)] == [FINGERPRINT]
    outbox().mark_delivered(FINGERPRINT, "t1")
    assert later.due(DELIVER_QUEUE, 10) == ()
    row = later.read({"id": FINGERPRINT, "part": "commit"})
    assert int(row["expires_at"]) > NOW.timestamp() + 24 * 3600


def test_a_commit_larger_than_an_item_is_refused_before_it_is_tried() -> None:
    many = tuple(Recipient(f"{n}@{n * 7919}.example", f"{n}@{n * 104729}.example") for n in range(60_000))
    received = transaction("t1", many)
    with pytest.raises(Unavailable, match="larger"):
        outbox().commit(received, decision(received), FINGERPRINT)


class LosesAnswers:
    """Lets DynamoDB's calls through, or not, and loses the answers to the first puts."""

    def __init__(self, *, arrives: bool, voids_too: bool = False) -> None:
        self._arrives = arrives
        self._voids_too = voids_too
        self.late: list[dict[str, Any]] = []

    def put_item(self, **call: Any) -> None:
        if self._arrives:
            clients.dynamodb().put_item(**call)
        else:
            self.late.append(call)
        raise ReadTimeoutError(endpoint_url="https://dynamodb")

    def update_item(self, **call: Any) -> Any:
        if self._voids_too:
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        return clients.dynamodb().update_item(**call)


def commit_through(client: Any) -> replies.Reply:
    received = transaction("t1")
    return DynamoOutbox(client, "Outbox", lambda: NOW).commit(received, decision(received), FINGERPRINT)


def test_a_commit_whose_answer_was_lost_is_found() -> None:
    assert commit_through(LosesAnswers(arrives=True)) == replies.accepted("t1")
    assert outbox().read(FINGERPRINT) is not None


def test_a_commit_that_was_given_up_cannot_happen_afterwards() -> None:
    client = LosesAnswers(arrives=False)
    with pytest.raises(Unavailable) as told:
        commit_through(client)
    assert not isinstance(told.value, OutcomeUnknown)
    with pytest.raises(clients.dynamodb().exceptions.ConditionalCheckFailedException):
        clients.dynamodb().put_item(**client.late[0])
    assert outbox().read(FINGERPRINT) is None
    assert outbox().find_duplicate(FINGERPRINT, NOW) is None
    assert not outbox().is_committed(FINGERPRINT, "t1")


def test_the_senders_next_attempt_is_committed_after_one_was_given_up() -> None:
    with pytest.raises(Unavailable):
        commit_through(LosesAnswers(arrives=False))
    assert commit("t2") == replies.accepted("t2")
    found = outbox().read(FINGERPRINT)
    assert found is not None
    assert found.transaction.transaction_id == "t2"


def test_an_outcome_that_cannot_be_found_out_is_said_to_be_unknown() -> None:
    with pytest.raises(OutcomeUnknown):
        commit_through(LosesAnswers(arrives=True, voids_too=True))
    assert outbox().is_committed(FINGERPRINT, "t1")


def test_a_table_that_is_gone_is_trouble_that_certainly_did_nothing() -> None:
    dynamodb_backends["123456789012"][REGION].tables.clear()
    with pytest.raises(Unavailable) as told:
        commit()
    assert not isinstance(told.value, OutcomeUnknown)


def test_a_due_row_is_claimed_by_one_of_many() -> None:
    commit("t1")
    now = NOW + timedelta(hours=1)
    rows = DueRows(clients.dynamodb(), "Outbox", lambda: now)
    (row,) = rows.due(DELIVER_QUEUE, 10)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: rows.claim(row, timedelta(minutes=2)), range(64)))
    assert got.count(True) == 1
    assert rows.due(DELIVER_QUEUE, 10) == ()
    after_lease = DueRows(clients.dynamodb(), "Outbox", lambda: now + timedelta(minutes=3))
    assert len(after_lease.due(DELIVER_QUEUE, 10)) == 1


def test_an_alarm_is_noted_once() -> None:
    commit("t1")
    rows = DueRows(clients.dynamodb(), "Outbox", lambda: NOW + timedelta(hours=1))
    (row,) = rows.due(DELIVER_QUEUE, 10)
    assert [rows.note_alarm(row), rows.note_alarm(row)] == [True, False]
