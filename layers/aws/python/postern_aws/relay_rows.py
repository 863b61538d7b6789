"""Copies that wait for another server: one Outbox row per recipient, and a message on a queue that wakes the worker.

The queue only saves waiting: the worker looks at the due rows anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from postern.delivery_status.request import NOTHING_ASKED, ReportRequest, Standing
from postern.model import MessageReference, Route
from postern.ports import Unavailable
from postern.wire import clean_text, truncate
from postern_aws.clients import error_code
from postern_aws.due_rows import RELAY_QUEUE, DueRow, DueRows
from postern_aws.items import epoch, to_item

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

KEPT_WHEN_DONE = timedelta(days=3)
MAX_WORDS = 500
HELD_QUEUE = "held"
"""The queue of rows that nobody works on until they are let go of."""


class RelayState(StrEnum):
    """How far a copy for another server has come."""

    WAITING = "waiting"
    ON_HOLD = "on hold"
    DELIVERED = "delivered"
    QUARANTINED = "quarantined"
    RETURNED = "returned"
    """Its sender was told that it could not be delivered."""
    DROPPED = "dropped"
    """It could not be delivered, and nobody is to be told."""
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class RelayCopy:
    """A stamped copy on its way to another server: the recipient's own one, or anybody's (`route`).

    `reverse_path` is the one it leaves under. `account` is the authenticated sender's, or empty. `warned` says that
    its sender knows that it waits.
    """

    transaction_id: str
    recipient: str
    reverse_path: str | None
    reference: MessageReference
    queued_at: datetime
    smtputf8: bool = False
    attempts: int = 0
    route: Route = Route.RELAY
    account: str = ""
    report: ReportRequest = NOTHING_ASKED
    warned: bool = False

    @property
    def key(self) -> dict[str, str]:
        """The row's key."""
        return {"id": self.transaction_id, "part": self.recipient}


@dataclass(frozen=True, slots=True)
class RelayRows:
    """The rows of copies for other servers, as delivery and the worker see them."""

    rows: DueRows

    def add(self, copy: RelayCopy) -> bool:
        """Queue a copy, due at once; whether it was new. The same copy again changes nothing. Raises `Unavailable`."""
        row = {
            **copy_row(copy),
            "state": RelayState.WAITING.value,
            "queue": RELAY_QUEUE,
            "next_attempt": epoch(self.rows.now()),
        }
        try:
            self.rows.client.put_item(
                TableName=self.rows.table, Item=to_item(row), ConditionExpression="attribute_not_exists(id)"
            )
        except (BotoCoreError, ClientError) as trouble:
            if error_code(trouble) == "ConditionalCheckFailedException":
                return False
            raise Unavailable("the outbox cannot be written") from trouble
        return True

    def claim(self, row: DueRow, lease: timedelta) -> RelayCopy | None:
        """Take a due row; `None` when somebody else has it or it is done. Raises `Unavailable`."""
        if not self.rows.claim(row, lease):
            return None
        stored = self.rows.read(row.key)
        return read_copy(stored) if stored.get("state") == RelayState.WAITING else None

    def defer(self, copy: RelayCopy, until: datetime, answer: str, host: str = "", *, counted: bool = True) -> None:
        """Try again at `until`; `answer` is what `host` said. Raises `Unavailable`.

        Unless it is `counted`, the attempt is taken back: nobody was asked.
        """
        self.rows.update(
            copy.key,
            "SET next_attempt = :until, answer = :answer, host = :host ADD attempts :more",
            "queue = :queue",
            {
                ":until": epoch(until),
                ":answer": _words(answer),
                ":host": _words(host),
                ":more": 0 if counted else -1,
                ":queue": RELAY_QUEUE,
            },
        )

    def note_warning(self, copy: RelayCopy) -> None:
        """Remember that the sender was told that the copy waits. Raises `Unavailable`."""
        self.rows.update(copy.key, "SET warned = :yes", "attribute_exists(id)", {":yes": True})

    def finish(self, copy: RelayCopy, state: RelayState, answer: str, host: str = "") -> None:
        """Take a copy out of the queue. Raises `Unavailable`."""
        self.rows.update(
            copy.key,
            "SET #state = :state, answer = :answer, host = :host, expires_at = :expires REMOVE queue, next_attempt",
            "attribute_exists(id)",
            {
                ":state": state.value,
                ":answer": _words(answer),
                ":host": _words(host),
                ":expires": epoch(self.rows.now() + KEPT_WHEN_DONE),
            },
            {"#state": "state"},
        )


@dataclass(frozen=True, slots=True)
class SqsWaker:
    """Wakes the relay worker."""

    client: SQSClient
    queue_url: str

    def wake(self) -> None:
        """Send a wake-up. Raises `Unavailable`."""
        try:
            self.client.send_message(QueueUrl=self.queue_url, MessageBody="relay")
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the relay worker cannot be woken") from trouble

    def wait(self, seconds: int) -> bool:
        """Wait at most so many seconds (20 at most) for a wake-up; whether there was one. Raises `Unavailable`."""
        try:
            answer: Any = self.client.receive_message(
                QueueUrl=self.queue_url, WaitTimeSeconds=seconds, MaxNumberOfMessages=10
            )
            for message in answer.get("Messages", ()):
                self.client.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the wake-ups cannot be read") from trouble
        return bool(answer.get("Messages"))


def copy_row(copy: RelayCopy) -> dict[str, object]:
    """A copy as the attributes of its row."""
    return {
        **copy.key,
        "route": copy.route.value,
        "reverse_path": copy.reverse_path,
        "account": copy.account or None,
        "key": copy.reference.key,
        "size": copy.reference.size,
        "sha256": copy.reference.sha256,
        "queued_at": epoch(copy.queued_at),
        "smtputf8": copy.smtputf8,
        "sender": copy.report.sender,
        "standing": copy.report.standing.value,
        "notify": list(copy.report.notify) or None,
        "original_recipient": copy.report.original_recipient or None,
        "envelope_id": copy.report.envelope_id or None,
        "returned": copy.report.returned or None,
    }


def read_copy(row: Mapping[str, Any]) -> RelayCopy:
    """The copy of a row."""
    return RelayCopy(
        str(row["id"]),
        str(row["part"]),
        row.get("reverse_path"),
        MessageReference(str(row["key"]), int(row["size"]), str(row["sha256"])),
        datetime.fromtimestamp(int(row["queued_at"]), UTC),
        bool(row.get("smtputf8", False)),
        int(row.get("attempts", 0)),
        Route(str(row.get("route", Route.RELAY))),
        str(row.get("account", "")),
        _read_report(row),
        bool(row.get("warned", False)),
    )


def _read_report(row: Mapping[str, Any]) -> ReportRequest:
    return ReportRequest(
        row.get("sender"),
        Standing(str(row.get("standing", Standing.UNPROVEN))),
        tuple(str(word) for word in row.get("notify", ())),
        str(row.get("original_recipient", "")),
        str(row.get("envelope_id", "")),
        str(row.get("returned", "")),
    )


def _words(text: str) -> str:
    return truncate(clean_text(text), MAX_WORDS)
