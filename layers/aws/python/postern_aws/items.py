"""DynamoDB items as plain values and back, and the numbers and times our tables have in common."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from postern.ports import Unavailable
from postern.wire import WireError, dumps

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]

MAX_ITEM_OCTETS = 400 * 1024
"""DynamoDB's limit for one item, names of attributes included."""

MAX_UNPACKED_OCTETS = 16 * 1024 * 1024

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def to_item(values: Mapping[str, object]) -> Item:
    """An item as DynamoDB's API wants it; attributes that are `None` are left out."""
    return {name: _serialize(value) for name, value in values.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values of an item: numbers as `Decimal`, binary values as `bytes`."""
    return {name: _unwrapped(_deserialize(value)) for name, value in item.items()}


def _unwrapped(value: Any) -> Any:
    wrapped: Any = value
    return wrapped.value if isinstance(value, Binary) else value


def packed(value: object) -> bytes:
    """Any value of the wire codec as gzipped JSON; equal values make equal octets."""
    return gzip.compress(dumps(value).encode("utf-8"), compresslevel=6, mtime=0)


def unpacked(content: bytes) -> Any:
    """The JSON data of `packed`. Raises `WireError`."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            return json.loads(stream.read(MAX_UNPACKED_OCTETS))
    except (OSError, EOFError, ValueError) as wrong:
        raise WireError("a packed attribute cannot be read") from wrong


def epoch(moment: datetime) -> int:
    """Whole seconds since 1970, as TTL and `next_attempt` want them."""
    return int(moment.timestamp())


def scan(client: DynamoDBClient, table: str) -> Iterator[dict[str, Any]]:
    """Every row of a table, read consistently, page by page. Raises `Unavailable`."""
    start: dict[str, Any] = {}
    while True:
        try:
            page = client.scan(TableName=table, ConsistentRead=True, **start)
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable(f"{table} cannot be read") from trouble
        yield from (from_item(item) for item in page["Items"])
        if not page.get("LastEvaluatedKey"):
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
