"""Counts what the functions and the front end ask of the embedded AWS, in the units that AWS would charge."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from botocore.client import BaseClient

from postern.dns import DnsAnswer, Question
from postern.zone import ZoneResolver

FRONT_END = "front end"
INDEXED = {"queue": "Outbox", "recipient_domain": "Receipts"}
"""The attributes by which rows are in an index; each change of such a row writes the index as well."""

Call = Callable[[Any, str, Any], Any]


def octets(value: object) -> int:
    """About what DynamoDB counts for an attribute: names and values as UTF-8, numbers by their digits."""
    if isinstance(value, Mapping):
        return sum(len(str(name).encode()) + octets(entry) for name, entry in value.items())
    if isinstance(value, bytes | bytearray):
        return len(value)
    if isinstance(value, list | tuple | set):
        return 3 + sum(1 + octets(entry) for entry in value)
    return 1 if isinstance(value, bool) else len(str(value).encode())


def item_octets(item: Mapping[str, Mapping[str, object]]) -> int:
    """The size of an item in the API's form, without the words for its types."""
    return sum(len(name) + octets(next(iter(typed.values()))) for name, typed in item.items())


def written(size: int) -> float:
    """Write request units: one per KiB begun."""
    return math.ceil(max(1, size) / 1024)


def read(size: int, *, consistent: bool) -> float:
    """Read request units: one per 4 KiB begun, half for an eventually consistent read."""
    return math.ceil(max(1, size) / 4096) * (1.0 if consistent else 0.5)


@dataclass(slots=True)
class Meter:
    """The counts. `install` lets it see every call of boto3 in this process."""

    calls: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    invocations: Counter[str] = field(default_factory=Counter)
    cpu: Counter[str] = field(default_factory=Counter)
    dns_rounds: Counter[str] = field(default_factory=Counter)
    units: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    state_octets: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _within: threading.local = field(default_factory=threading.local)
    _resolvers: ContextVar[list[CountingResolver] | None] = field(
        default_factory=lambda: ContextVar("resolvers", default=None)
    )

    def reset(self) -> None:
        """Begin anew."""
        for counter in (self.calls, self.invocations, self.cpu, self.dns_rounds, self.units):
            counter.clear()
        self.state_octets = 0

    def install(self) -> None:
        """Count from now on."""
        client: Any = BaseClient
        call: Call = client._make_api_call  # noqa: SLF001 - every request of every client passes here
        meter = self

        def counted(this: Any, operation: str, request: Any) -> Any:
            started = time.thread_time()
            try:
                # A deletion costs what the item was, which has to be looked up before.
                removed = _Units(this, call).stored(request) if operation == "DeleteItem" else 0
                answer = call(this, operation, request)
                meter._count(this, operation, request, answer, call, removed)
                return answer
            finally:
                meter._within.aws = getattr(meter._within, "aws", 0.0) + time.thread_time() - started

        client._make_api_call = counted  # noqa: SLF001 - as above

    @contextmanager
    def invocation(self, function: str) -> Iterator[None]:
        """One invocation of a function, in its own thread."""
        token = self._resolvers.set([])
        with self.working(function):
            yield
        rounds = max((one.rounds for one in self._resolvers.get() or ()), default=0)
        self._resolvers.reset(token)
        with self._lock:
            self.invocations[function] += 1
            self.dns_rounds[function] += rounds

    @contextmanager
    def working(self, function: str) -> Iterator[None]:
        """Work of a function in this thread; nested work counts once, requests to AWS not at all."""
        if getattr(self._within, "working", False):
            yield
            return
        self._within.working, self._within.aws = True, 0.0
        started = time.thread_time()
        try:
            yield
        finally:
            taken = time.thread_time() - started - self._within.aws
            self._within.working = False
            with self._lock:
                self.cpu[function] += max(0.0, taken)

    def resolver(self, zone: ZoneResolver) -> CountingResolver:
        """A resolver whose rounds count for the running invocation."""
        made = CountingResolver(zone)
        resolvers = self._resolvers.get()
        if resolvers is not None:
            resolvers.append(made)
        return made

    def _count(self, client: Any, operation: str, request: Any, answer: Any, call: Call, removed: int) -> None:
        service = client.meta.service_model.service_name
        with self._lock:
            self.calls[caller()][f"{service}.{operation}"] += 1
        if service == "dynamodb":
            found = _Units(client, call, removed).of(operation, request, answer)
            with self._lock:
                self.units[caller()].update(found)
        if operation == "StartSyncExecution":
            self.state_octets += len(request["input"].encode()) + len(str(answer.get("output", "")).encode())


@dataclass(slots=True)
class CountingResolver:
    """Answers from a zone, and counts how often it is asked: several questions at once are one round."""

    zone: ZoneResolver
    rounds: int = 0

    def query(self, name: str, rdtype: str) -> DnsAnswer:
        """Ask one question."""
        self.rounds += 1
        return self.zone.query(name, rdtype)

    def query_all(self, questions: Sequence[Question]) -> tuple[DnsAnswer, ...]:
        """Ask several questions at once."""
        self.rounds += 1
        return self.zone.query_all(questions)


def caller() -> str:
    """The function whose invocation runs here, by the environment that the embedded Lambda lays over ours."""
    return os.environ.get("AWS_LAMBDA_FUNCTION_NAME", FRONT_END)


@dataclass(frozen=True, slots=True)
class _Units:
    """The units of one call to DynamoDB; `removed` is the size of an item that it deleted."""

    client: Any
    call: Call
    removed: int = 0

    def of(self, operation: str, request: Any, answer: Any) -> dict[str, float]:
        """Write and read units by their name."""
        match operation:
            case "PutItem":
                return {"write": written(item_octets(request["Item"])) + _index(request["Item"])}
            case "UpdateItem":
                return {"write": written(self.stored(request)) + self._index_of(request)}
            case "DeleteItem":
                return {"write": written(self.removed)}
            case "BatchWriteItem":
                entries = [entry for table in request["RequestItems"].values() for entry in table]
                return {"write": sum(map(_batch_written, entries))}
            case "TransactWriteItems":
                return {"write": sum(2 * self._transacted(entry) for entry in request["TransactItems"])}
            case "GetItem" | "Query" | "Scan":
                items = [answer["Item"]] if "Item" in answer else answer.get("Items", [])
                size = sum(map(item_octets, items))
                return {"read": read(size, consistent=bool(request.get("ConsistentRead")))}
            case "BatchGetItem":
                return {"read": sum(self._batch(request, answer))}
        return {}

    def _transacted(self, entry: Mapping[str, Any]) -> float:
        put = entry.get("Put")
        return written(item_octets(put["Item"])) if put else 1.0

    def _batch(self, request: Any, answer: Any) -> Iterator[float]:
        for table, asked in request["RequestItems"].items():
            found = answer["Responses"].get(table, [])
            missing = len(asked["Keys"]) - len(found)
            sizes = [*map(item_octets, found), *([1] * missing)]
            yield from (read(size, consistent=bool(asked.get("ConsistentRead"))) for size in sizes)

    def stored(self, request: Any) -> int:
        """The size of the row that a request names, as it is now: DynamoDB charges for all of it."""
        key = {"TableName": request["TableName"], "Key": request["Key"]}
        return item_octets(self.call(self.client, "GetItem", key).get("Item", {}))

    def _index_of(self, request: Any) -> float:
        """An update that removes a row of an index writes the index too; one that moves it does so twice."""
        change = str(request.get("UpdateExpression"))
        return 2.0 if "next_attempt =" in change else float("next_attempt" in change)


def _batch_written(entry: Mapping[str, Any]) -> float:
    """One write of a batch; a deletion in it counts as one of a small item."""
    return written(item_octets(entry["PutRequest"]["Item"])) if "PutRequest" in entry else 1.0


def _index(item: Mapping[str, object]) -> float:
    return 1.0 if set(INDEXED) & set(item) else 0.0
