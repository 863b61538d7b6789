"""The greylist: one atomic update for an attempt, whatever is known of its triplet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from postern.ports import GreylistTimes, Sighting, Unavailable
from postern_aws.batch_items import read_rows
from postern_aws.clients import error_code
from postern_aws.items import epoch, from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WINDOW = "open "
"""Before the mailbox, the key of a row that says until when its owner is waiting for a message."""

_ROUNDS = 4
_COUNT = (
    "SET first_seen = if_not_exists(first_seen, :now), wait_until = if_not_exists(wait_until, :wait_until),"
    " recipient = :recipient, last_attempt = :now, expires_at = :expires_at ADD attempts :one"
)
# DynamoDB removes rows late, so a row that is there may be forgotten all the same.
_REMEMBERED = (
    "attribute_not_exists(triplet)"
    " OR (last_attempt < wait_until AND first_seen > :unused_since)"
    " OR (last_attempt >= wait_until AND last_attempt > :used_since)"
)
_START_OVER = (
    "SET first_seen = :now, wait_until = :wait_until, recipient = :recipient, last_attempt = :now,"
    " expires_at = :expires_at, attempts = :one"
)
_UNCHANGED = "first_seen = :known_first AND last_attempt = :known_last"


@dataclass(frozen=True, slots=True)
class DynamoGreylist:
    """The table of triplets. Implements `ports.Greylist`."""

    client: DynamoDBClient
    table: str

    def attempt(self, key: str, recipient: str, now: datetime, times: GreylistTimes) -> Sighting | None:
        """Count an attempt; what was known before it. One call, or two when a forgotten row is still there.

        Raises `Unavailable`.
        """
        values = {
            ":now": epoch(now),
            ":wait_until": epoch(now + times.delay),
            ":recipient": recipient,
            ":expires_at": epoch(now + max(times.unused, times.used)),
            ":one": 1,
        }
        limits = {":unused_since": epoch(now - times.unused), ":used_since": epoch(now - times.used)}
        for _ in range(_ROUNDS):
            before, counted = self._update(key, _COUNT, _REMEMBERED, {**values, **limits})
            if counted:
                return _sighting(before)
            known = {":known_first": before.get("first_seen"), ":known_last": before.get("last_attempt")}
            _, counted = self._update(key, _START_OVER, _UNCHANGED, {**values, **known})
            if counted:
                return None
        raise Unavailable("others keep changing a triplet of the greylist")

    def open_mailboxes(self, mailboxes: Iterable[str], now: datetime) -> frozenset[str]:
        """Those of the mailboxes whose window is open. Raises `Unavailable`."""
        keys = ({"triplet": WINDOW + mailbox} for mailbox in dict.fromkeys(mailboxes))
        rows = read_rows(self.client, self.table, keys)
        return frozenset(row["recipient"] for row in rows if row["expires_at"] > epoch(now))

    def open(self, mailbox: str, until: datetime) -> None:
        """Let everything through to this mailbox for a while. Raises `Unavailable`."""
        row = {"triplet": WINDOW + mailbox, "recipient": mailbox, "expires_at": epoch(until)}
        try:
            self.client.put_item(TableName=self.table, Item=to_item(row))
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the greylist cannot be written") from trouble

    def _update(self, key: str, change: str, condition: str, values: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """The row before the update, and whether the condition held."""
        try:
            answer = self.client.update_item(
                TableName=self.table,
                Key=to_item({"triplet": key}),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues=to_item(values),
                ReturnValues="ALL_OLD",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except (BotoCoreError, ClientError) as trouble:
            if error_code(trouble) != "ConditionalCheckFailedException":
                raise Unavailable("the greylist cannot be written") from trouble
            failed: Any = trouble
            return from_item(failed.response.get("Item", {})), False
        return from_item(answer.get("Attributes", {})), True


def _sighting(row: dict[str, Any]) -> Sighting | None:
    if not row:
        return None
    return Sighting(_moment(row["first_seen"]), _moment(row["last_attempt"]), int(row["attempts"]))


def _moment(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
