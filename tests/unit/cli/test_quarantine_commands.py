"""The quarantine from the command line: what is held is seen, delivered after all, or deleted."""

from __future__ import annotations

import pytest

from postern.bayes.requests import Label, read_request
from postern.model import Points, Route
from postern_aws import clients
from postern_aws.due_rows import DueRows
from postern_aws.mailboxes import Folder, mailbox_key
from postern_aws.message_store import S3MessageStore, mail_key, quarantine_key
from postern_aws.quarantine import DynamoQuarantine, HeldMessage
from postern_aws.relay_rows import RelayRows, RelayState
from postern_cli.rows import Rows
from tests.embedded_aws import BUCKET, Installation
from tests.unit.aws.commits import MESSAGE, NOW
from tests.unit.cli.conftest import CommandLine

ANN = "ann@example.com"


def hold(transaction_id: str = "t1", mailbox: str = ANN, route: Route = Route.MAILBOX) -> HeldMessage:
    reference = S3MessageStore(clients.s3(), BUCKET).put_copy(quarantine_key(mailbox, transaction_id), MESSAGE)
    held = HeldMessage(
        mailbox, transaction_id, NOW, reference, route, "bob@x.example", "Tea\x1b[2J", "Bob", ("too odd",), Points(650)
    )
    DynamoQuarantine(clients.dynamodb(), "Quarantine").hold(held)
    return held


def objects() -> set[str]:
    return {one["Key"] for one in clients.s3().list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def relay_row(transaction_id: str = "t1", mailbox: str = ANN) -> dict[str, object]:
    return Rows(clients.dynamodb(), "Outbox").get({"id": transaction_id, "part": mailbox})


@pytest.mark.usefixtures("aws")
def test_what_is_held_is_listed_for_everybody_or_one(postern: CommandLine) -> None:
    hold("t1")
    hold("t2", "bob@example.com")
    assert {one["transaction_id"] for one in postern.json("quarantine", "list")} == {"t1", "t2"}
    assert [one["transaction_id"] for one in postern.json("quarantine", "list", "Ann@example.com")] == ["t1"]
    told = postern("quarantine", "list").stdout
    assert "6.5" in told
    assert "\x1b[2J" not in told


@pytest.mark.usefixtures("aws")
def test_a_held_message_is_shown_and_can_be_taken_out_octet_for_octet(postern: CommandLine) -> None:
    hold()
    told = postern("quarantine", "show", ANN, "t1").stdout
    assert "too odd" in told
    assert "At four?" in told
    assert postern("quarantine", "show", ANN, "t1", "--raw").stdout_bytes == MESSAGE
    assert "is not held" in postern("quarantine", "show", ANN, "t2", code=1).stderr


@pytest.mark.usefixtures("aws")
def test_a_released_message_is_in_the_inbox_once_and_nowhere_else(postern: CommandLine) -> None:
    held = hold()
    postern("quarantine", "release", ANN, "t1")
    rows = Rows(clients.dynamodb(), "Mailboxes")
    marker = rows.get({"mailbox": mailbox_key(ANN, Folder.INBOX), "item": "id#t1"})
    assert marker["uid"] == 1
    assert objects() == {mail_key(ANN, "t1")}
    assert postern.json("quarantine", "list") == []
    DynamoQuarantine(clients.dynamodb(), "Quarantine").hold(held)
    S3MessageStore(clients.s3(), BUCKET).put_copy(held.reference.key, MESSAGE)
    postern("quarantine", "release", ANN, "t1")
    assert rows.get({"mailbox": mailbox_key(ANN, Folder.INBOX), "item": "state"})["messages"] == 1


@pytest.mark.usefixtures("aws")
def test_a_released_message_can_be_learnt_as_ham(postern: CommandLine) -> None:
    hold()
    postern("quarantine", "release", ANN, "t1", "--learn")
    url = clients.sqs().get_queue_url(QueueName="learn")["QueueUrl"]
    (message,) = clients.sqs().receive_message(QueueUrl=url)["Messages"]
    request = read_request(message["Body"])
    assert (request.label, request.source, request.automatic) == (Label.HAM, "quarantine", False)
    assert S3MessageStore(clients.s3(), BUCKET).read(request.messages[0]) == MESSAGE


def test_a_released_message_of_a_relayed_domain_goes_on_to_its_server(postern: CommandLine, aws: Installation) -> None:
    hold(route=Route.RELAY)
    postern("quarantine", "release", ANN, "--all")
    row = relay_row()
    assert (row["state"], row["queue"], row["key"]) == (RelayState.WAITING, "relay", mail_key(ANN, "t1"))
    assert clients.sqs().receive_message(QueueUrl=aws.relay_queue_url)["Messages"]


@pytest.mark.usefixtures("aws")
def test_a_message_that_the_relay_gave_up_on_is_tried_again(postern: CommandLine) -> None:
    hold(route=Route.RELAY)
    postern("quarantine", "release", ANN, "t1")
    relay = RelayRows(DueRows(clients.dynamodb(), "Outbox"))
    (due,) = relay.rows.due("relay", 10)
    copy = relay.claim(due, NOW - NOW)
    assert copy is not None
    relay.finish(copy, RelayState.QUARANTINED, "550 no")
    hold(route=Route.RELAY)
    postern("quarantine", "release", ANN, "t1")
    row = relay_row()
    assert (row["state"], row["queue"], row["attempts"]) == (RelayState.WAITING, "relay", 0)
    assert "expires_at" not in row


@pytest.mark.usefixtures("aws")
def test_deleting_asks_first_and_is_for_good(postern: CommandLine) -> None:
    hold("t1")
    hold("t2")
    postern("quarantine", "delete", ANN, "t1", stdin="n\n", code=1)
    assert len(postern.json("quarantine", "list")) == 2
    postern("quarantine", "delete", ANN, "--all", "--yes")
    assert postern.json("quarantine", "list") == []
    assert objects() == set()


@pytest.mark.usefixtures("aws")
def test_either_ids_or_everything_is_named(postern: CommandLine) -> None:
    assert "--all" in postern("quarantine", "release", ANN, code=1).stderr
    postern("quarantine", "release", ANN, "t1", "--all", code=1)
