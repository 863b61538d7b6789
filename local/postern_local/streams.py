"""Streams of tables to functions, as Lambda's event source mappings do it: batches, filters, tries, dead letters."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from postern_local.embedded_lambda import FunctionFailedError

Record = dict[str, Any]
Invoke = Callable[[str, Any], Any]
SendLetter = Callable[[str, str], None]
"""Called with a queue's ARN and the text of a letter."""

RETRY_SECONDS = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SourceMapping:
    """An event source mapping of the template."""

    table_arn: str
    stream_arn: str
    function: str
    batch_size: int
    gather_seconds: float
    retries: int
    patterns: tuple[Any, ...]
    letters_arn: str

    @classmethod
    def read(cls, properties: Mapping[str, Any]) -> SourceMapping:
        """From its properties in the template, resolved."""
        stream = str(properties["EventSourceArn"])
        filters = properties.get("FilterCriteria", {}).get("Filters", ())
        destination = properties.get("DestinationConfig", {}).get("OnFailure", {})
        return cls(
            table_arn=stream.partition("/stream/")[0],
            stream_arn=stream,
            function=str(properties["FunctionName"]),
            batch_size=int(properties.get("BatchSize", 100)),
            gather_seconds=float(properties.get("MaximumBatchingWindowInSeconds", 0)),
            retries=int(properties.get("MaximumRetryAttempts", 3)),
            patterns=tuple(json.loads(one["Pattern"]) for one in filters),
            letters_arn=str(destination.get("Destination", "")),
        )

    def wants(self, record: Record) -> bool:
        """Whether a record passes one of the filters, or there are none."""
        return not self.patterns or any(matches(pattern, record) for pattern in self.patterns)


class StreamConsumer:
    """Feeds one function, in order, on a thread of its own."""

    def __init__(self, mapping: SourceMapping, invoke: Invoke, send_letter: SendLetter) -> None:
        self._mapping = mapping
        self._invoke = invoke
        self._send_letter = send_letter
        self._records: queue.SimpleQueue[Record] = queue.SimpleQueue()
        threading.Thread(target=self._consume, name=f"stream {mapping.function}", daemon=True).start()

    def offer(self, table_arn: str, record: Record) -> None:
        """Take a record, if it is of this table and passes the filters."""
        if table_arn == self._mapping.table_arn and self._mapping.wants(record):
            self._records.put({**record, "eventSourceARN": self._mapping.stream_arn})

    def _consume(self) -> None:
        while True:
            self._deliver(self._batch())

    def _batch(self) -> list[Record]:
        batch = [self._records.get()]
        until = time.monotonic() + self._mapping.gather_seconds
        while len(batch) < self._mapping.batch_size:
            try:
                batch.append(self._records.get(timeout=max(0.0, until - time.monotonic())))
            except queue.Empty:
                break
        return batch

    def _deliver(self, batch: list[Record]) -> None:
        for _ in range(self._mapping.retries + 1):
            batch = self._failed(batch)
            if not batch:
                return
            time.sleep(RETRY_SECONDS)
        letter = {"requestContext": {"functionArn": self._mapping.function}, "records": len(batch)}
        if self._mapping.letters_arn:
            self._send_letter(self._mapping.letters_arn, json.dumps(letter))

    def _failed(self, batch: list[Record]) -> list[Record]:
        """What is left to do of a batch: from the first record that failed on."""
        try:
            answer = self._invoke(self._mapping.function, {"Records": batch})
        except FunctionFailedError as failure:
            _log.warning("A batch of stream records failed: %s", failure)
            return batch
        failures = {one["itemIdentifier"] for one in (answer or {}).get("batchItemFailures", ())}
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        first = next((at for at, number in enumerate(numbers) if number in failures), len(batch))
        return batch[first:]


def matches(pattern: Any, data: Any) -> bool:
    """Whether data fits an event filter: equality and `exists`, which are all that the template uses."""
    if isinstance(pattern, Mapping):
        known = data if isinstance(data, Mapping) else {}
        return all(matches(expected, known.get(name)) for name, expected in pattern.items())
    return any(_is(rule, data) for rule in _rules(pattern))


def _rules(pattern: Any) -> Sequence[Any]:
    if not isinstance(pattern, list):
        raise TypeError(f"{pattern!r} is no list of rules")
    return pattern


def _is(rule: Any, data: Any) -> bool:
    if not isinstance(rule, Mapping):
        return bool(rule == data)
    if set(rule) != {"exists"}:
        raise ValueError(f"the embedded streams do not know the filter rule {rule!r}")
    return bool(rule["exists"]) == (data is not None)
