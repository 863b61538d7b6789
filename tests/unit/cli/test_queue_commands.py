"""The queue from the command line: what waits is seen, tried again, held and deleted."""

from __future__ import annotations

import pytest

from postern.delivery_status.request import ReportRequest, Standing
from postern.model import Route
from postern_aws import clients
from postern_aws.due_rows import DueRows
from postern_aws.mail_queue import MailQueue
from postern_aws.message_store import S3MessageStore, mail_key
from postern_aws.relay_rows import RelayCopy, RelayRows, RelayState
from postern_cli import console
from tests.embedded_aws import BUCKET, Installation
from tests.unit.aws.commits import MESSAGE, NOW
from tests.unit.cli.conftest import CommandLine

CAROL, DAVE = "carol@remote.example", "dave@other.example"
ASKED = ReportRequest("ann@example.com", Standing.OURS)


def queue(transaction_id: str, recipient: str = CAROL, account: str = "ann@example.com") -> RelayCopy:
    reference = S3MessageStore(clients.s3(), BUCKET).put_copy(mail_key(recipient, transaction_id), MESSAGE)
    copy = RelayCopy(
        transaction_id, recipient, "ann@example.com", reference, NOW, route=Route.REMOTE, account=account, report=ASKED
    )
    rows = RelayRows(DueRows(clients.dynamodb(), "Outbox"))
    rows.add(copy)
    rows.defer(copy, NOW, "451 4.3.0 later\x1b[2J", "mail.remote.example")
    return copy


def state(transaction_id: str) -> list[RelayState]:
    return [one.state for one in MailQueue(DueRows(clients.dynamodb(), "Outbox")).find(transaction_id)]


@pytest.mark.usefixtures("aws")
def test_what_waits_is_listed(postern: CommandLine) -> None:
    assert "Nothing waits" in postern("queue", "list").stdout
    queue("t1")
    queue("t2", DAVE)
    assert [one["copy"]["transaction_id"] for one in postern.json("queue", "list")] == ["t1", "t2"]
    assert [one["copy"]["recipient"] for one in postern.json("queue", "list", "--domain", "Other.example")] == [DAVE]
    told = postern("queue", "list").stdout
    assert "451 4.3.0 later" in told
    assert "\x1b[2J" not in told


@pytest.mark.usefixtures("aws")
def test_an_id_can_be_copied_from_a_narrow_terminal(postern: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console.out, "_width", 80)
    queue("019aac2b4d51f0a3c2e17", "somebody.with.a.long.name@mail.remote.example")
    told = postern("queue", "list").stdout
    assert told.splitlines()[2].startswith("019aac2b4d51f0a3c2e17 ")
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.usefixtures("aws")
def test_the_text_of_a_copy_that_is_done_is_said_to_be_gone(postern: CommandLine) -> None:
    queue("t1")
    postern("queue", "delete", "t1", "--yes")
    assert "kept no longer: its copy is deleted" in postern("queue", "show", "t1", "--raw", code=1).stderr


@pytest.mark.usefixtures("aws")
def test_a_message_is_shown_with_all_its_copies(postern: CommandLine) -> None:
    queue("t1")
    queue("t1", DAVE)
    told = postern("queue", "show", "t1").stdout
    assert CAROL in told
    assert DAVE in told
    assert "mail.remote.example" in told
    assert postern("queue", "show", "t1", "--to", CAROL, "--raw").stdout_bytes == MESSAGE
    assert "no copy" in postern("queue", "show", "t9", code=1).stderr


def test_a_message_is_held_and_tried_again(postern: CommandLine, aws: Installation) -> None:
    queue("t1")
    queue("t1", DAVE)
    postern("queue", "hold", "t1", "--to", CAROL, "--reason", "to be looked at")
    assert sorted(state("t1")) == [RelayState.ON_HOLD, RelayState.WAITING]
    assert "to be looked at" in postern("queue", "list").stdout
    postern("queue", "retry", "--account", "ann@example.com")
    assert state("t1") == [RelayState.WAITING] * 2
    woken = clients.sqs().receive_message(QueueUrl=aws.relay_queue_url)
    assert len(woken["Messages"]) == 1


@pytest.mark.usefixtures("aws")
def test_deleting_asks_first_and_removes_the_message(postern: CommandLine) -> None:
    queue("t1")
    postern("queue", "delete", "t1", code=1)
    assert state("t1") == [RelayState.WAITING]
    (done,) = postern.json("queue", "delete", "t1", "--yes")
    assert done == {"id": "t1", "recipient": CAROL, "done": "deleted"}
    assert state("t1") == [RelayState.DELETED]
    assert "Contents" not in clients.s3().list_objects_v2(Bucket=BUCKET)
    assert "not in the queue" in postern("queue", "retry", "t1", code=1).stderr


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("arguments", [(), ("t1", "--all"), ("--domain", "x.example", "--all")])
def test_what_is_meant_has_to_be_said(postern: CommandLine, arguments: tuple[str, ...]) -> None:
    assert "name the messages" in postern("queue", "hold", *arguments, code=1).stderr
