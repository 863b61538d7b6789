"""The quarantine: copies that are held, row by row, until they are released, deleted or expire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from postern.disposition import points_text
from postern.model import MessageReference, Points, Route
from postern.ports import Unavailable
from postern.wire import clean_text, to_json, truncate
from postern_aws.items import epoch, from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=30)
MAX_LISTED = 1_000
NO_POINTS = Points(0)
_MAX_WORDS = 500


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A copy that is held for a mailbox. `route` is where it goes when it is released."""

    mailbox: str
    transaction_id: str
    received_at: datetime
    reference: MessageReference
    route: Route
    reverse_path: str | None = None
    subject: str = ""
    author: str = ""
    reasons: tuple[str, ...] = ()
    score: Points = NO_POINTS

    @property
    def item(self) -> str:
        """The sort key: by time, then by transaction."""
        return f"{to_json(self.received_at.replace(microsecond=0))}#{self.transaction_id}"


@dataclass(frozen=True, slots=True)
class DynamoQuarantine:
    """The table of the quarantine."""

    client: DynamoDBClient
    table: str

    def hold(self, message: HeldMessage) -> None:
        """Add a row; the same message again is the same row. Raises `Unavailable`."""
        row = {
            "mailbox": message.mailbox,
            "item": message.item,
            "transaction_id": message.transaction_id,
            "received_at": to_json(message.received_at),
            "key": message.reference.key,
            "size": message.reference.size,
            "sha256": message.reference.sha256,
            "route": message.route.value,
            "reverse_path": _words(message.reverse_path) if message.reverse_path is not None else None,
            "subject": _words(message.subject),
            "author": _words(message.author),
            "reasons": [_words(reason) for reason in message.reasons[:20]],
            "score": points_text(message.score),
            "points": message.score,
            "expires_at": epoch(message.received_at + KEPT),
        }
        try:
            self.client.put_item(TableName=self.table, Item=to_item(row))
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the quarantine cannot be written") from trouble

    def held(self, mailbox: str, limit: int = 100) -> tuple[HeldMessage, ...]:
        """What is held for a mailbox, newest first. Raises `Unavailable`."""
        try:
            page = self.client.query(
                TableName=self.table,
                KeyConditionExpression="mailbox = :mailbox",
                ExpressionAttributeValues=to_item({":mailbox": mailbox}),
                ScanIndexForward=False,
                Limit=min(limit, MAX_LISTED),
            )
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the quarantine cannot be read") from trouble
        return tuple(_read(from_item(row)) for row in page["Items"])

    def find(self, mailbox: str, transaction_id: str) -> HeldMessage | None:
        """The copy of a transaction that is held for a mailbox, or `None`. Raises `Unavailable`."""
        found = (one for one in self.held(mailbox, MAX_LISTED) if one.transaction_id == transaction_id)
        return next(found, None)

    def remove(self, message: HeldMessage) -> None:
        """Remove the row; one that is gone already is no trouble. Raises `Unavailable`."""
        try:
            self.client.delete_item(
                TableName=self.table, Key=to_item({"mailbox": message.mailbox, "item": message.item})
            )
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the quarantine cannot be written") from trouble


def _read(row: Mapping[str, Any]) -> HeldMessage:
    received_at = datetime.fromisoformat(str(row["received_at"])).astimezone(UTC)
    return HeldMessage(
        str(row["mailbox"]),
        str(row["transaction_id"]),
        received_at,
        MessageReference(str(row["key"]), int(row["size"]), str(row["sha256"])),
        Route(str(row["route"])),
        row.get("reverse_path"),
        str(row.get("subject", "")),
        str(row.get("author", "")),
        tuple(str(reason) for reason in row.get("reasons", ())),
        Points(int(row.get("points", 0))),
    )


def _words(text: str) -> str:
    return truncate(clean_text(text), _MAX_WORDS)
