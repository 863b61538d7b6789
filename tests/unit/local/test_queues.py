"""Queues feed functions as in AWS: done messages go, failed ones come back, and at last they are put aside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from postern_local import queues
from postern_local.embedded_lambda import FunctionFailedError
from postern_local.queues import QueueConsumer, QueueMapping

REGION = "eu-central-1"


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A queue with a dead-letter queue, whose messages come back at once."""
    monkeypatch.setattr(queues, "RETRY_SECONDS", 0)
    with mock_aws():
        client = boto3.client("sqs", region_name=REGION)
        client.create_queue(QueueName="letters")
        redrive = f'{{"deadLetterTargetArn": "arn:aws:sqs:{REGION}:123456789012:letters", "maxReceiveCount": 2}}'
        client.create_queue(QueueName="asked", Attributes={"RedrivePolicy": redrive})
        yield client


def fill(sqs: Any, *bodies: str) -> None:
    for body in bodies:
        sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="asked")["QueueUrl"], MessageBody=body)


def left(sqs: Any, name: str) -> int:
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(asked["Attributes"]["ApproximateNumberOfMessages"])


def consumer(sqs: Any, invoke: Any) -> QueueConsumer:
    properties = {"EventSourceArn": f"arn:aws:sqs:{REGION}:123456789012:asked", "FunctionName": "learn"}
    assert QueueMapping.fits(properties)
    return QueueConsumer(QueueMapping.read(properties), invoke, sqs)


def test_a_batch_is_handed_on_and_what_is_done_is_gone(sqs: Any) -> None:
    fill(sqs, "one", "two", "three")
    seen: list[str] = []

    def invoke(name: str, event: Any) -> Any:
        assert name == "learn"
        seen.extend(record["body"] for record in event["Records"])
        return {"batchItemFailures": []}

    assert consumer(sqs, invoke).take() == 3
    assert sorted(seen) == ["one", "three", "two"]
    assert left(sqs, "asked") == 0
    assert consumer(sqs, invoke).take() == 0


def test_what_failed_comes_back_and_ends_as_a_letter(sqs: Any) -> None:
    fill(sqs, "good", "bad")

    def invoke(_name: str, event: Any) -> Any:
        failed = [one["messageId"] for one in event["Records"] if one["body"] == "bad"]
        return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}

    feeding = consumer(sqs, invoke)
    assert [feeding.take() for _ in range(3)] == [2, 1, 0]
    assert (left(sqs, "asked"), left(sqs, "letters")) == (0, 1)


def test_a_function_that_fails_gets_everything_again(sqs: Any) -> None:
    fill(sqs, "one")

    def invoke(_name: str, _event: Any) -> Any:
        raise FunctionFailedError("no")

    assert consumer(sqs, invoke).take() == 1
    assert left(sqs, "asked") == 1
