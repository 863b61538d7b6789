"""Rows of the Outbox with something to do, found by the sparse index `due` and taken by a lease.

A row is in the index while it has `queue` and `next_attempt`. Whoever works on it first moves `next_attempt` by a
conditional update, so that no two workers do, and a worker that dies is followed by another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from postern.ports import Unavailable
from postern_aws.clients import error_code
from postern_aws.items import epoch, from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DELIVER_QUEUE = "deliver"
RELAY_QUEUE = "relay"
DUE_INDEX = "due"

Key = Mapping[str, Any]


def utc_now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class DueRow:
    """The key of a row that is due, and when it was to be done."""

    id: str
    part: str
    queue: str
    next_attempt: datetime

    @property
    def key(self) -> dict[str, Any]:
        """The row's key in the table."""
        return {"id": self.id, "part": self.part}


@dataclass(frozen=True, slots=True)
class DueRows:
    """The Outbox as a queue."""

    client: DynamoDBClient
    table: str
    now: Callable[[], datetime] = utc_now

    def due(self, queue: str, limit: int) -> tuple[DueRow, ...]:
        """At most `limit` rows whose time has come, oldest first.

        The index lags a little: claim a row before working on it. Raises `Unavailable`.
        """
        try:
            page = self.client.query(
                TableName=self.table,
                IndexName=DUE_INDEX,
                KeyConditionExpression="queue = :queue AND next_attempt <= :now",
                ExpressionAttributeValues=to_item({":queue": queue, ":now": epoch(self.now())}),
                Limit=limit,
            )
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the rows that are due cannot be read") from trouble
        return tuple(_due_row(from_item(item)) for item in page["Items"])

    def claim(self, row: DueRow, lease: timedelta) -> bool:
        """Take a row, so that nobody else finds it due within `lease`; whether we got it.

        Counts the attempt. Raises `Unavailable`.
        """
        return self.update(
            row.key,
            "SET next_attempt = :until ADD attempts :one",
            "queue = :queue AND next_attempt = :seen",
            {
                ":until": epoch(self.now() + lease),
                ":one": 1,
                ":queue": row.queue,
                ":seen": epoch(row.next_attempt),
            },
        )

    def note_alarm(self, row: DueRow) -> bool:
        """Remember that somebody is told of a stuck row; whether it is the first time. Raises `Unavailable`."""
        return self.update(
            row.key,
            "SET alarmed_at = :now",
            "attribute_exists(id) AND attribute_not_exists(alarmed_at)",
            {":now": epoch(self.now())},
        )

    def read(self, key: Key) -> dict[str, Any]:
        """The row, read consistently; empty when there is none. Raises `Unavailable`."""
        try:
            answer = self.client.get_item(TableName=self.table, Key=to_item(key), ConsistentRead=True)
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the outbox cannot be read") from trouble
        return from_item(answer.get("Item", {}))

    def update(
        self, key: Key, change: str, condition: str, values: Mapping[str, Any], names: Mapping[str, str] | None = None
    ) -> bool:
        """One conditional update; whether the condition held. Raises `Unavailable`."""
        optional: Any = {"ExpressionAttributeNames": dict(names)} if names else {}
        try:
            self.client.update_item(
                TableName=self.table,
                Key=to_item(key),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues=to_item(values),
                **optional,
            )
        except (BotoCoreError, ClientError) as trouble:
            if error_code(trouble) == "ConditionalCheckFailedException":
                return False
            raise Unavailable("the outbox cannot be written") from trouble
        return True


def _due_row(row: Mapping[str, Any]) -> DueRow:
    due = datetime.fromtimestamp(int(row["next_attempt"]), UTC)
    return DueRow(str(row["id"]), str(row["part"]), str(row["queue"]), due)
