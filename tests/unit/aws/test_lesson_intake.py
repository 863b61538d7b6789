"""What an account forwards to a learning address as an attachment is learnt; nothing else is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from postern.bayes.requests import Label, LearnRequest, read_request
from postern.policy_compiler import Snapshot
from postern_aws import clients
from postern_aws.learn_queue import LearnQueue
from postern_aws.lesson_intake import LessonIntake
from postern_aws.message_store import S3MessageStore
from postern_aws.outbox import Commit, CommitState
from tests.embedded_aws import BUCKET, Installation
from tests.letters import letter
from tests.transactions import make_transaction
from tests.unit.aws.commits import decision

ANN, SPAM, HAM = "ann@receiver.example", "spamlearn@receiver.example", "hamlearn@receiver.example"
SCOPES: dict[str, Any] = {
    "global": {"bayes": {"spam_addresses": ["SpamLearn@receiver.example"], "ham_addresses": [HAM]}}
}


class Given:
    """Policy that lies in memory."""

    def current(self) -> Snapshot:
        """It."""
        return Snapshot(version="1", scopes=SCOPES)


def forwarded(*attached: bytes) -> bytes:
    parts = [b"--x\r\nContent-Type: message/rfc822\r\n\r\n" + one + b"\r\n" for one in attached]
    text = b"--x\r\nContent-Type: text/plain\r\n\r\nThis is spam\r\n"
    return b"".join((b"Subject: FW\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n", text, *parts, b"--x--\r\n"))


def taken(
    aws: Installation, raw: bytes, *, account: str | None = ANN, to: Sequence[str] = (SPAM,)
) -> list[LearnRequest]:
    received = make_transaction(mail_from=ANN, authenticated_as=account, rcpt_to=tuple(to))
    commit = Commit("mark", CommitState.COMMITTED, received, decision(received), datetime.now(UTC))
    store, queue = S3MessageStore(clients.s3(), BUCKET), LearnQueue(clients.sqs(), aws.relay_queue_url)
    LessonIntake(store, queue, Given(), lambda _id, trouble: pytest.fail(str(trouble))).take(commit, raw)
    answer = clients.sqs().receive_message(QueueUrl=aws.relay_queue_url)
    return [read_request(one["Body"]) for one in answer.get("Messages", ())]


def test_attached_messages_are_learnt_as_they_were_received(aws: Installation) -> None:
    (request,) = taken(aws, forwarded(letter(1, spam=True), letter(2, spam=True)))
    assert (request.label, request.source, request.automatic) == (Label.SPAM, f"address:{ANN}", False)
    store = S3MessageStore(clients.s3(), BUCKET)
    assert [store.read(one) for one in request.messages] == [letter(number, spam=True) for number in (1, 2)]


def test_the_other_address_teaches_ham(aws: Installation) -> None:
    (request,) = taken(aws, forwarded(letter(1, spam=False)), to=(HAM, "bob@receiver.example"))
    assert request.label is Label.HAM


def test_what_is_attached_to_an_attached_message_is_no_lesson(aws: Installation) -> None:
    inner = forwarded(letter(1, spam=True)).replace(b"--x", b"--y").replace(b"boundary=x", b"boundary=y")
    (request,) = taken(aws, forwarded(inner))
    assert len(request.messages) == 1


@pytest.mark.parametrize(
    ("account", "to"),
    [(None, (SPAM,)), (ANN, ("bob@receiver.example",)), (ANN, (SPAM, HAM))],
)
def test_strangers_other_addresses_and_contradictions_teach_nothing(
    aws: Installation, account: str | None, to: tuple[str, ...]
) -> None:
    assert taken(aws, forwarded(letter(1, spam=True)), account=account, to=to) == []


def test_mail_without_attached_messages_teaches_nothing(aws: Installation) -> None:
    assert taken(aws, letter(1, spam=True)) == []
