"""The units that the bill is made of: what each kind of request counts on the embedded AWS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from bench.aws_meter import FRONT_END, Meter

TABLE = "rows"
KIB = 1024


@pytest.fixture
def metered(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Meter, Any]]:
    """A meter, and the client of a table with the attribute `id` as its key."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    unmetered = BaseClient._make_api_call  # type: ignore[attr-defined]
    monkeypatch.setattr(BaseClient, "_make_api_call", unmetered)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-central-1")
        client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        meter = Meter()
        meter.install()
        yield meter, client


def row(octets: int = 0, **more: Any) -> dict[str, Any]:
    return {"id": {"S": "1"}, "text": {"S": "x" * octets}, **more}


def test_a_write_counts_each_kibibyte_begun_and_a_deletion_what_it_removes(metered: tuple[Meter, Any]) -> None:
    meter, client = metered
    client.put_item(TableName=TABLE, Item=row(3 * KIB))
    assert meter.units[FRONT_END]["write"] == 4
    meter.reset()
    client.delete_item(TableName=TABLE, Key={"id": {"S": "1"}})
    client.delete_item(TableName=TABLE, Key={"id": {"S": "1"}})
    assert meter.units[FRONT_END]["write"] == 4 + 1
    assert meter.calls[FRONT_END] == {"dynamodb.DeleteItem": 2}


def test_a_batch_counts_each_of_its_writes(metered: tuple[Meter, Any]) -> None:
    meter, client = metered
    entries = [{"PutRequest": {"Item": {**row(KIB), "id": {"S": str(at)}}}} for at in range(3)]
    client.batch_write_item(RequestItems={TABLE: [*entries, {"DeleteRequest": {"Key": {"id": {"S": "9"}}}}]})
    assert meter.units[FRONT_END]["write"] == 3 * 2 + 1


def test_a_row_that_moves_in_an_index_is_written_there_twice(metered: tuple[Meter, Any]) -> None:
    meter, client = metered
    client.put_item(TableName=TABLE, Item=row(queue={"S": "relay"}, next_attempt={"N": "1"}))
    assert meter.units[FRONT_END]["write"] == 1 + 1
    change = {"TableName": TABLE, "Key": {"id": {"S": "1"}}}
    meter.reset()
    client.update_item(
        **change, UpdateExpression="SET next_attempt = :at", ExpressionAttributeValues={":at": {"N": "2"}}
    )
    assert meter.units[FRONT_END]["write"] == 1 + 2
    meter.reset()
    client.update_item(**change, UpdateExpression="REMOVE queue, next_attempt")
    assert meter.units[FRONT_END]["write"] == 1 + 1
