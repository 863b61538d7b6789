"""Rows of the tables that people edit: read, written and removed one at a time, never over somebody else's change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from postern.ports import Unavailable
from postern.wire import to_json
from postern_aws.clients import error_code
from postern_aws.items import from_item, scan, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Row = dict[str, Any]
Key = Mapping[str, str]
T = TypeVar("T")


class ChangedMeanwhile(Unavailable):
    """Somebody else changed the row since it was read; read it again."""


@dataclass(frozen=True, slots=True)
class Rows:
    """One table."""

    client: DynamoDBClient
    table: str

    def get(self, key: Key) -> Row:
        """The row, read consistently; empty when there is none. Raises `Unavailable`."""
        return plain(self.as_stored(key))

    def as_stored(self, key: Key) -> Row:
        """The row with sets and exact numbers as they are stored; empty when there is none. Raises `Unavailable`."""
        answer = self._call(
            lambda: self.client.get_item(TableName=self.table, Key=to_item(key), ConsistentRead=True), "read"
        )
        return from_item(answer.get("Item", {}))

    def every(self) -> Iterator[Row]:
        """All rows. Raises `Unavailable`."""
        return map(plain, scan(self.client, self.table))

    def of(self, attribute: str, value: str, **narrowing: Any) -> Iterator[Row]:
        """The rows whose partition key has this value, in order of their sort key. Raises `Unavailable`."""
        start: dict[str, Any] = {}
        while True:
            page = self._call(
                lambda start=start: self.client.query(  # type: ignore[misc]
                    TableName=self.table,
                    KeyConditionExpression="#key = :key",
                    ExpressionAttributeNames={"#key": attribute},
                    ExpressionAttributeValues=to_item({":key": value}),
                    **narrowing,
                    **start,
                ),
                "read",
            )
            yield from (plain(from_item(item)) for item in page["Items"])
            if not page.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def add(self, row: Row, key: str) -> bool:
        """Write a row that is not there yet; whether it was not. `key` is one of its keys. Raises `Unavailable`."""
        return self._write(row, "attribute_not_exists(#key)", {"#key": key})

    def put(self, row: Row) -> None:
        """Write a row, over the one that is there. Raises `Unavailable`."""
        self._call(lambda: self.client.put_item(TableName=self.table, Item=to_item(stored(row))), "written")

    def replace(self, key: Key, attribute: str, old: object, new: object) -> None:
        """Set one attribute of a row (made if need be), or remove it (`None`).

        Raises `ChangedMeanwhile` when the attribute is not `old` any more, `Unavailable`.
        """
        values = to_item({":old": _number(old), ":new": _number(new)})
        change = "SET #attribute = :new" if new is not None else "REMOVE #attribute"
        condition = "#attribute = :old" if old is not None else "attribute_not_exists(#attribute)"
        optional: Any = {"ExpressionAttributeValues": values} if values else {}
        done = self._conditional(
            lambda: self.client.update_item(
                TableName=self.table,
                Key=to_item(key),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#attribute": attribute},
                **optional,
            )
        )
        if not done:
            raise ChangedMeanwhile(f"{attribute} was changed by somebody else meanwhile")

    def delete(self, key: Key) -> bool:
        """Remove a row; whether there was one. Raises `Unavailable`."""
        answer = self._call(
            lambda: self.client.delete_item(TableName=self.table, Key=to_item(key), ReturnValues="ALL_OLD"), "written"
        )
        return bool(answer.get("Attributes"))

    def _write(self, row: Row, condition: str, names: Mapping[str, str]) -> bool:
        return self._conditional(
            lambda: self.client.put_item(
                TableName=self.table,
                Item=to_item(stored(row)),
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
            )
        )

    def _conditional(self, call: Callable[[], Any]) -> bool:
        """Whether the condition of a call held."""
        try:
            call()
        except (BotoCoreError, ClientError) as trouble:
            if error_code(trouble) == "ConditionalCheckFailedException":
                return False
            raise Unavailable(f"{self.table} cannot be written") from trouble
        return True

    def _call(self, call: Callable[[], T], what: str) -> T:
        try:
            return call()
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable(f"{self.table} cannot be {what}") from trouble


def plain(row: Mapping[str, Any]) -> Row:
    """A row as JSON data: numbers as int or float, sets as sorted lists; binary values are left out."""
    readable: Row = to_json({name: value for name, value in row.items() if not isinstance(value, bytes)})
    return readable


def stored(row: Row) -> Row:
    """JSON data as DynamoDB takes it: its numbers are exact decimals."""
    return {name: _number(value) for name, value in row.items()}


def _number(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, Mapping):
        return {name: _number(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_number(entry) for entry in value]
    return value
