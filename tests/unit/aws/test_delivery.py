"""Delivery: every recipient's copy once, however often and however far it was tried before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postern.message import parse_message
from postern.model import Decision, Disposition, Recipient, Route, Transaction
from postern.ports import Unavailable
from postern_aws import clients
from postern_aws.delivery_function import (
    STUCK_AFTER,
    Services,
    deliver_records,
    services,
    sweep,
)
from postern_aws.due_rows import RELAY_QUEUE, DueRows
from postern_aws.items import from_item, unpacked
from postern_aws.outbox import CommitState, DynamoOutbox
from postern_aws.quarantine import DynamoQuarantine
from postern_aws.settings import DeliverySettings, read_settings
from tests.embedded_aws import BUCKET, Installation
from tests.unit.aws.commits import ANN, MESSAGE, NOW, decision, stored, transaction

FINGERPRINT = "f" * 64
EVE = Recipient("eve@example.com", "eve@example.com")
FAR = Recipient("Far@relayed.example", "far@relayed.example", Route.RELAY)


@pytest.fixture
def deployed(aws: Installation) -> Services:
    return services(read_settings(DeliverySettings, aws.environment()))


def outbox() -> DynamoOutbox:
    return DynamoOutbox(clients.dynamodb(), "Outbox", lambda: NOW)


def commit(received: Transaction, made: Decision) -> None:
    outbox().commit(received, made, FINGERPRINT)


def record(fingerprint: str = FINGERPRINT, part: str = "commit", number: str = "1") -> dict[str, Any]:
    keys = {"id": {"S": fingerprint}, "part": {"S": part}}
    return {"eventName": "INSERT", "dynamodb": {"Keys": keys, "SequenceNumber": number}}


def deliver(deployed: Services, *records: dict[str, Any]) -> list[str]:
    answer = deliver_records({"Records": list(records) or [record()]}, deployed.delivery)
    return [failed["itemIdentifier"] for failed in answer["batchItemFailures"]]


def rows(table: str) -> list[dict[str, Any]]:
    return [from_item(item) for item in clients.dynamodb().scan(TableName=table)["Items"]]


def messages(mailbox: str) -> list[dict[str, Any]]:
    return [row for row in rows("Mailboxes") if row["mailbox"] == mailbox and row["item"].startswith("uid#")]


def content(key: str) -> bytes:
    return clients.s3().get_object(Bucket=BUCKET, Key=key)["Body"].read()


def keys() -> list[str]:
    return sorted(found["Key"] for found in clients.s3().list_objects_v2(Bucket=BUCKET).get("Contents", ()))


def test_each_recipients_copy_goes_where_the_decision_says(deployed: Services) -> None:
    names = ("ann", "jay", "quinn", "dee")
    everyone = (*(Recipient(f"{name}@example.com", f"{name}@example.com") for name in names), FAR)
    received = stored(transaction("t1", everyone))
    words = {"jay": Disposition.JUNK, "quinn": Disposition.QUARANTINE, "dee": Disposition.DISCARD}
    commit(received, decision(received, **words))
    assert deliver(deployed) == []
    assert [row["transaction_id"] for row in messages("ann@example.com/Inbox")] == ["t1"]
    assert [row["transaction_id"] for row in messages("jay@example.com/Junk")] == ["t1"]
    assert [row["mailbox"] for row in rows("Quarantine")] == ["quinn@example.com"]
    assert [row.part for row in deployed.rows.due(RELAY_QUEUE, 10)] == ["Far@relayed.example"]
    assert keys() == [
        "incoming/t1",
        "mail/Far@relayed.example/t1",
        "mail/ann@example.com/t1",
        "mail/jay@example.com/t1",
        "quarantine/quinn@example.com/t1",
    ]


def test_a_copy_is_stamped_and_the_rest_of_it_untouched(deployed: Services) -> None:
    received = stored(transaction("t1", (ANN, FAR)))
    commit(received, decision(received))
    deliver(deployed)
    copy = content("mail/ann@example.com/t1")
    top = b"Return-Path: <bob@sender.example>\r\nDelivered-To: ann@example.com\r\nReceived: from mail.sender.example"
    assert copy.startswith(top)
    assert b"X-Spam-Score: 1.5\r\n" in copy
    assert b"X-Spam-Flag: NO" not in copy
    assert copy.endswith(b"Message-ID: <1@sender.example>\r\n\r\nAt four?\r\n")
    relayed = content("mail/Far@relayed.example/t1")
    assert b"Return-Path" not in relayed
    assert relayed.startswith(b"Received: ")


def test_the_mailbox_row_describes_the_copy(deployed: Services) -> None:
    received = stored(transaction())
    commit(received, decision(received))
    deliver(deployed)
    (row,) = messages("ann@example.com/Inbox")
    copy = content(row["key"])
    assert int(row["size"]) == len(copy)
    summary = unpacked(row["summary"])
    assert summary["envelope"]["subject"] == "Tea"
    assert summary["body_structure"]["octets"] == parse_message(copy).root.size


def test_a_flagged_copy_gets_its_subject_tag(deployed: Services) -> None:
    received = stored(transaction())
    made = decision(received, Disposition.JUNK)
    commit(received, replace(made, recipients=(replace(made.recipients[0], subject_tag="[SPAM]"),)))
    deliver(deployed)
    assert b"Subject: [SPAM] Tea\r\n" in content("mail/ann@example.com/t1")


def test_the_same_record_twice_delivers_once(deployed: Services) -> None:
    received = stored(transaction("t1", (ANN, EVE, FAR)))
    commit(received, decision(received, eve=Disposition.QUARANTINE))
    assert deliver(deployed, record(number="1"), record(number="2")) == []
    assert deliver(deployed) == []
    assert len(messages("ann@example.com/Inbox")) == 1
    assert len(rows("Quarantine")) == 1
    assert len([row for row in rows("Outbox") if row["id"] == "t1"]) == 1


def test_a_delivery_that_stopped_before_it_was_marked_is_done_again_without_doubles(deployed: Services) -> None:
    received = stored(transaction("t1", (ANN, EVE, FAR)))
    commit(received, decision(received, eve=Disposition.QUARANTINE))
    found = outbox().read(FINGERPRINT)
    assert found is not None
    deliver(deployed)
    clients.dynamodb().update_item(
        TableName="Outbox",
        Key={"id": {"S": FINGERPRINT}, "part": {"S": "commit"}},
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": "committed"}},
    )
    before = keys(), rows("Mailboxes"), rows("Quarantine")
    assert deliver(deployed) == []
    assert (keys(), rows("Mailboxes"), rows("Quarantine")) == before


def test_a_delivered_commit_is_marked_and_leaves_the_queue(deployed: Services) -> None:
    received = stored(transaction())
    commit(received, decision(received))
    deliver(deployed)
    found = outbox().read(FINGERPRINT)
    assert found is not None
    assert found.state is CommitState.DELIVERED
    (row,) = rows("Outbox")
    assert "queue" not in row


def test_only_what_failed_is_sent_again(deployed: Services) -> None:
    lost = transaction("lost")
    outbox().commit(lost, decision(lost), "a" * 64)
    received = stored(transaction("t1"))
    commit(received, decision(received))
    failed = deliver(
        deployed,
        record("a" * 64, number="1"),
        record(number="2"),
        record("t1", "x@y.example", "3"),
        record("none", number="4"),
    )
    assert failed == ["1"]
    assert len(messages("ann@example.com/Inbox")) == 1


def test_one_copy_that_fails_does_not_hold_up_the_others(aws: Installation) -> None:
    settings = replace(read_settings(DeliverySettings, aws.environment()), quarantine_table="Gone")
    received = stored(transaction("t1", (EVE, ANN)))
    commit(received, decision(received, eve=Disposition.QUARANTINE))
    assert deliver(services(settings)) == ["1"]
    assert len(messages("ann@example.com/Inbox")) == 1
    assert deliver(services(read_settings(DeliverySettings, aws.environment()))) == []
    assert len(messages("ann@example.com/Inbox")) == 1
    assert len(rows("Quarantine")) == 1


def test_a_removed_or_void_row_is_nothing_to_do(deployed: Services) -> None:
    assert deliver(deployed, record() | {"eventName": "REMOVE"}, record("e" * 64)) == []


def test_the_relay_worker_is_woken(deployed: Services) -> None:
    received = stored(transaction("t1", (FAR,)))
    commit(received, decision(received))
    deliver(deployed)
    assert deployed.waker.wait(0)
    assert not deployed.waker.wait(0)


# --- the sweeper ------------------------------------------------------------------------------------------


def at(deployed: Services, minutes: int) -> Services:
    """The same services, so many minutes after the commit."""
    now = NOW + timedelta(minutes=minutes)
    return replace(deployed, rows=DueRows(clients.dynamodb(), "Outbox", lambda: now))


def test_the_sweeper_gives_the_stream_a_head_start_and_then_delivers(deployed: Services) -> None:
    received = stored(transaction())
    commit(received, decision(received))
    assert sweep(at(deployed, 1))["overdue"] == 0
    assert sweep(at(deployed, 3)) == {"overdue": 1, "failed": 0, "relaying": 0, "stuck": 0}
    assert len(messages("ann@example.com/Inbox")) == 1
    assert sweep(at(deployed, 4))["overdue"] == 0


def test_what_stays_stuck_is_told_once_and_tried_for_ever(deployed: Services, aws: Installation) -> None:
    lost = transaction()
    commit(lost, decision(lost))
    minutes = STUCK_AFTER // timedelta(minutes=1)
    assert sweep(at(deployed, 3)) == {"overdue": 1, "failed": 1, "relaying": 0, "stuck": 0}
    assert sweep(at(deployed, 4))["overdue"] == 0
    assert aws.notices() == []
    assert sweep(at(deployed, minutes + 1))["stuck"] == 1
    (notice,) = aws.notices()
    assert FINGERPRINT in notice["Message"]
    assert sweep(at(deployed, minutes + 4))["stuck"] == 1
    assert aws.notices() == []
    stored(lost)
    assert sweep(at(deployed, minutes + 8)) == {"overdue": 1, "failed": 0, "relaying": 0, "stuck": 0}


def test_relay_rows_that_nobody_takes_wake_the_worker_and_then_are_told_of(
    deployed: Services, aws: Installation
) -> None:
    received = stored(transaction("t1", (FAR,)))
    commit(received, decision(received))
    now = at(deployed, 0)
    deliver(deployed)
    real = DueRows(clients.dynamodb(), "Outbox")
    soon = replace(now, rows=replace(real, now=lambda: real.now() + timedelta(minutes=1)))
    assert sweep(soon)["relaying"] == 1
    assert deployed.waker.wait(0)
    late = replace(now, rows=replace(real, now=lambda: real.now() + STUCK_AFTER + timedelta(minutes=1)))
    assert sweep(late)["stuck"] == 1
    assert "Far@relayed.example" in aws.notices()[0]["Message"]


def test_sweeping_without_a_table_is_unavailable(aws: Installation) -> None:
    settings = replace(read_settings(DeliverySettings, aws.environment()), outbox_table="Gone")
    with pytest.raises(Unavailable):
        sweep(services(settings))


def test_the_held_copy_can_be_listed_by_its_mailbox(deployed: Services) -> None:
    received = stored(transaction("t1", (EVE,)), MESSAGE)
    commit(received, decision(received, Disposition.QUARANTINE))
    deliver(deployed)
    (held,) = DynamoQuarantine(clients.dynamodb(), "Quarantine").held("eve@example.com")
    assert (held.subject, held.author, held.score) == ("Tea", "bob@sender.example", 150)
    assert content(held.reference.key).startswith(b"Return-Path: <bob@sender.example>")
