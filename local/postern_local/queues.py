"""Queues to functions, as Lambda's event source mappings do it: batches, partial failures, and SQS's own redrive."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from postern_local.embedded_lambda import FunctionFailedError

Invoke = Callable[[str, Any], Any]

PAUSE_SECONDS = 1.0
RETRY_SECONDS = 20
"""How long a message that failed is not given again, however long the queue would hide it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class QueueMapping:
    """An event source mapping of the template, for a queue."""

    queue_arn: str
    function: str
    batch_size: int

    @classmethod
    def read(cls, properties: Mapping[str, Any]) -> QueueMapping:
        """From its properties in the template, resolved."""
        return cls(
            str(properties["EventSourceArn"]), str(properties["FunctionName"]), int(properties.get("BatchSize", 10))
        )

    @staticmethod
    def fits(properties: Mapping[str, Any]) -> bool:
        """Whether a mapping is one of a queue."""
        return ":sqs:" in str(properties["EventSourceArn"])


class QueueConsumer:
    """Feeds one function from one queue."""

    def __init__(self, mapping: QueueMapping, invoke: Invoke, sqs: Any) -> None:
        self._mapping = mapping
        self._invoke = invoke
        self._sqs = sqs
        self._url = sqs.get_queue_url(QueueName=mapping.queue_arn.rpartition(":")[2])["QueueUrl"]

    def start(self, stop: threading.Event) -> None:
        """Consume on a thread of its own until `stop` is set."""
        threading.Thread(
            target=self._consume, args=(stop,), name=f"queue {self._mapping.function}", daemon=True
        ).start()

    def _consume(self, stop: threading.Event) -> None:
        while not stop.is_set():
            if not self.take():
                stop.wait(PAUSE_SECONDS)

    def take(self) -> int:
        """Hand on one batch; how many messages it had."""
        answer = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(10, self._mapping.batch_size),
            WaitTimeSeconds=0,
            AttributeNames=["All"],
        )
        messages = answer.get("Messages", [])
        if messages:
            failed = self._failed([_record(one, self._mapping.queue_arn) for one in messages])
            for one in messages:
                self._finish(one, failed=one["MessageId"] in failed)
        return len(messages)

    def _failed(self, records: list[dict[str, Any]]) -> set[str]:
        """The ids of the messages that are not done."""
        try:
            answer = self._invoke(self._mapping.function, {"Records": records})
        except FunctionFailedError as failure:
            _log.warning("A batch of queue messages failed: %s", failure)
            return {record["messageId"] for record in records}
        return {one["itemIdentifier"] for one in (answer or {}).get("batchItemFailures", ())}

    def _finish(self, message: Mapping[str, Any], *, failed: bool) -> None:
        handle = {"QueueUrl": self._url, "ReceiptHandle": message["ReceiptHandle"]}
        if failed:
            self._sqs.change_message_visibility(**handle, VisibilityTimeout=RETRY_SECONDS)
        else:
            self._sqs.delete_message(**handle)


def _record(message: Mapping[str, Any], queue_arn: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
    }
