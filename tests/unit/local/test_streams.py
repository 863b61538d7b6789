"""Streams to functions: filters, batches, tries and letters, as Lambda's event source mappings do it."""

from __future__ import annotations

import json
import queue
from typing import Any

import pytest

from postern_local import streams
from postern_local.embedded_lambda import FunctionFailedError
from postern_local.streams import Record, SourceMapping, StreamConsumer, matches

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/Outbox"
PATTERN = {"dynamodb": {"NewImage": {"queue": {"S": ["deliver"]}, "attempts": {"N": [{"exists": False}]}}}}
SECONDS = 5


def record(number: int, **image: dict[str, str]) -> Record:
    return {"eventName": "INSERT", "dynamodb": {"SequenceNumber": str(number), "NewImage": image}}


def mapping(**properties: Any) -> SourceMapping:
    return SourceMapping.read(
        {
            "EventSourceArn": f"{TABLE}/stream/2026",
            "FunctionName": "deliver",
            "BatchSize": 10,
            "MaximumRetryAttempts": 2,
            "DestinationConfig": {"OnFailure": {"Destination": "arn:letters"}},
            **properties,
        }
    )


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        ({"queue": {"S": "deliver"}}, True),
        ({"queue": {"S": "deliver"}, "attempts": {"N": "1"}}, False),
        ({"queue": {"S": "relay"}}, False),
        ({}, False),
    ],
)
def test_a_filter_looks_at_equality_and_presence(image: dict[str, Any], wanted: bool) -> None:
    assert matches(PATTERN, record(1, **image)) is wanted


def test_an_unknown_filter_rule_is_said_rather_than_passed_over() -> None:
    with pytest.raises(ValueError, match="do not know the filter rule"):
        matches({"eventName": [{"prefix": "IN"}]}, record(1))


def test_records_come_in_order_with_their_source() -> None:
    calls: queue.Queue[list[Record]] = queue.Queue()
    consumer = StreamConsumer(mapping(), lambda _, event: calls.put(event["Records"]), lambda *_: None)
    for number in range(3):
        consumer.offer(TABLE, record(number))
    consumer.offer("arn:another-table", record(9))
    seen: list[Record] = []
    while len(seen) < 3:
        seen += calls.get(timeout=SECONDS)
    assert [one["dynamodb"]["SequenceNumber"] for one in seen] == ["0", "1", "2"]
    assert {one["eventSourceARN"] for one in seen} == {f"{TABLE}/stream/2026"}


def test_what_failed_is_tried_again_from_there_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "RETRY_SECONDS", 0)
    calls: queue.Queue[list[str]] = queue.Queue()

    def invoke(_: str, event: Any) -> Any:
        numbers = [one["dynamodb"]["SequenceNumber"] for one in event["Records"]]
        calls.put(numbers)
        again = [{"itemIdentifier": "1"}] if len(numbers) == 3 else []
        return {"batchItemFailures": again}

    gather = mapping(BatchSize=3, MaximumBatchingWindowInSeconds=2)
    consumer = StreamConsumer(gather, invoke, lambda *_: None)
    for number in range(3):
        consumer.offer(TABLE, record(number))
    assert calls.get(timeout=SECONDS) == ["0", "1", "2"]
    assert calls.get(timeout=SECONDS) == ["1", "2"]


def test_a_batch_that_fails_for_good_becomes_a_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "RETRY_SECONDS", 0)
    letters: queue.Queue[tuple[str, str]] = queue.Queue()
    tries: list[int] = []

    def invoke(_: str, event: Any) -> Any:
        tries.append(len(event["Records"]))
        raise FunctionFailedError("no")

    StreamConsumer(mapping(), invoke, lambda arn, text: letters.put((arn, text))).offer(TABLE, record(1))
    arn, text = letters.get(timeout=SECONDS)
    assert (arn, json.loads(text)["records"], tries) == ("arn:letters", 1, [1, 1, 1])
