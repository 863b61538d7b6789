"""Many rows of one table in few calls; what DynamoDB did not get to is asked again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from postern.ports import Unavailable
from postern_aws.items import from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READ_AT_ONCE = 100
"""Keys of one BatchGetItem."""

WRITE_AT_ONCE = 25
"""Rows of one BatchWriteItem."""

_ROUNDS = 4


def read_rows(client: DynamoDBClient, table: str, keys: Iterable[Mapping[str, str]]) -> Iterator[dict[str, Any]]:
    """The rows that there are at these keys, which must be distinct. Raises `Unavailable`."""
    for batch in _batches(map(to_item, keys), READ_AT_ONCE):
        request: Any = {table: {"Keys": batch}}
        for _ in range(_ROUNDS):
            try:
                answer = client.batch_get_item(RequestItems=request)
            except (BotoCoreError, ClientError) as trouble:
                raise Unavailable(f"{table} cannot be read") from trouble
            yield from (from_item(item) for item in answer["Responses"].get(table, ()))
            request = answer.get("UnprocessedKeys")
            if not request:
                break
        else:
            raise Unavailable(f"{table} is throttled")


def write_rows(client: DynamoDBClient, table: str, rows: Iterable[Mapping[str, object]]) -> None:
    """Write these rows, whose keys must be distinct, over those that are there. Raises `Unavailable`."""
    for batch in _batches(map(to_item, rows), WRITE_AT_ONCE):
        request: Any = {table: [{"PutRequest": {"Item": item}} for item in batch]}
        for _ in range(_ROUNDS):
            try:
                answer = client.batch_write_item(RequestItems=request)
            except (BotoCoreError, ClientError) as trouble:
                raise Unavailable(f"{table} cannot be written") from trouble
            request = answer.get("UnprocessedItems")
            if not request:
                break
        else:
            raise Unavailable(f"{table} is throttled")


def _batches(entries: Iterable[Any], size: int) -> Iterator[list[Any]]:
    remaining = iter(entries)
    while batch := list(islice(remaining, size)):
        yield batch
