"""DynamoDB of moto, made what DynamoDB is: atomic under threads, durable, its changes streamed.

Every operation runs alone; what it changed is collected, journalled together, and told to the streams once durable.
Also a read answers only when everything it may have seen is durable.
"""

from __future__ import annotations

import base64
import copy
import functools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import StreamRecord, StreamShard, Table
from moto.dynamodb.models.utilities import dynamo_json_dump

from postern_local.account import ACCOUNT, REGION
from postern_local.journal import Journal, Statement
from postern_local.table_transactions import transact_write_items

OPERATIONS = ("get_item", "query", "scan", "put_item", "update_item", "delete_item", "transact_write_items")

Record = dict[str, Any]
Listener = Callable[[str, Record], None]
"""Called with a table's ARN and a stream record."""

_PUT = "replace into rows values (?, ?, ?)"
_OCTETS = "octets\u0000"
"""No attribute has this name: people name attributes in words."""
_DELETE = "delete from rows where table_name = ? and row_key = ?"


@dataclass(slots=True)
class _Change:
    table: Any
    before: Any
    after: Any


@dataclass(slots=True)
class _Operation:
    depth: int = 0
    changes: dict[tuple[str, str], _Change] = field(default_factory=dict)


class DurableTables:
    """Takes the place of the operations of moto's DynamoDB."""

    def __init__(self, journal: Journal, listener: Listener) -> None:
        self._journal = journal
        self._listener = listener
        self._alone = threading.RLock()
        self._running = _Operation()
        self._sequence = 0

    def install(self) -> None:
        """Wrap every operation, and collect what they change."""
        backend: Any = DynamoDBBackend
        backend.transact_write_items = transact_write_items
        backend.update_item = self._collecting_update(backend.update_item)
        table: Any = Table
        table.put_item = self._collecting_put(table.put_item)
        table.delete_item = self._collecting_delete(table.delete_item)
        shard: Any = StreamShard
        shard.add = lambda *_: None  # records are made here, once durable, and not kept for ever
        for name in OPERATIONS:
            setattr(backend, name, self._alone_and_durable(getattr(backend, name)))

    def restore(self) -> int:
        """Put journalled rows back into the tables that still exist; how many."""
        tables = dynamodb_backends[ACCOUNT][REGION].tables
        count = 0
        for name, _, attributes in self._journal.read("select * from rows"):
            if str(name) in tables:
                _place(tables[str(name)], load_attributes(str(attributes)))
                count += 1
        return count

    def offer_again(self) -> None:
        """Tell the streams of every row there is, as if it were new: a killed process has lost what was on its way.

        DynamoDB tells at least once, too.
        """
        with self._alone:
            tables = list(dynamodb_backends[ACCOUNT][REGION].tables.values())
            changes = [_Change(table, None, item) for table in tables for item in table.all_items()]
            records = [(change.table.table_arn, record) for change in changes if (record := self._record(change))]
        for arn, record in records:
            self._listener(arn, record)

    def expired(self, now: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """Table and key of every row whose time to live is over."""
        with self._alone:
            tables = list(dynamodb_backends[ACCOUNT][REGION].tables.values())
            found = [(table.name, _key(table, item)) for table in tables for item in _overdue(table, now)]
        yield from found

    # --- one operation --------------------------------------------------------------------------------------

    def _alone_and_durable(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(operation)
        def run(*args: Any, **kwargs: Any) -> Any:
            try:
                with self._operation():
                    return operation(*args, **kwargs)
            finally:
                self._journal.settle()

        return run

    @contextmanager
    def _operation(self) -> Iterator[None]:
        with self._alone:
            self._running.depth += 1
            try:
                yield
            finally:
                self._running.depth -= 1
                if self._running.depth == 0 and self._running.changes:
                    changes, self._running.changes = list(self._running.changes.values()), {}
                    self._publish(changes)

    def _publish(self, changes: list[_Change]) -> None:
        records = [(change.table.table_arn, record) for change in changes if (record := self._record(change))]

        def tell() -> None:
            for arn, record in records:
                self._listener(arn, record)

        self._journal.append([_statement(change) for change in changes], tell if records else None)

    def _record(self, change: _Change) -> Record | None:
        specification = change.table.stream_specification or {}
        if not specification.get("StreamEnabled") or (change.before is None and change.after is None):
            return None
        self._sequence += 1
        word = "INSERT" if change.before is None else "REMOVE" if change.after is None else "MODIFY"
        record = StreamRecord(
            change.table, specification["StreamViewType"], word, change.before, change.after, self._sequence
        ).to_json()
        created = record["dynamodb"]["ApproximateCreationDateTime"]
        record["dynamodb"]["ApproximateCreationDateTime"] = created.timestamp()
        event: Record = json.loads(dynamo_json_dump(record))  # octets as base64, as in any event
        return event

    # --- what an operation changes --------------------------------------------------------------------------

    def _note(self, table: Any, before: Any, after: Any) -> None:
        place = (table.name, _row_key(table, after if after is not None else before))
        known = self._running.changes.get(place)
        self._running.changes[place] = _Change(table, known.before if known else before, copy.deepcopy(after))

    def _collecting_put(self, put: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(put)
        def run(table: Any, item_attrs: Any, *args: Any, **kwargs: Any) -> Any:
            before = copy.deepcopy(_find(table, item_attrs))
            item = put(table, item_attrs, *args, **kwargs)
            self._note(table, before, item)
            return item

        return run

    def _collecting_update(self, update: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(update)
        def run(backend: Any, table_name: str, key: Any, *args: Any, **kwargs: Any) -> Any:
            table = backend.get_table(table_name)
            before = copy.deepcopy(_find(table, key))
            try:
                item = update(backend, table_name, key, *args, **kwargs)
            except Exception:
                self._running.changes.pop((table.name, _row_key_of(table, key)), None)
                put_back(table, key, before)  # moto changes the row in place, and may stop half-way
                raise
            self._note(table, before, item)
            return item

        return run

    def _collecting_delete(self, delete: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(delete)
        def run(table: Any, *args: Any, **kwargs: Any) -> Any:
            item = delete(table, *args, **kwargs)
            if item is not None:
                self._note(table, item, None)
            return item

        return run


def dump_attributes(attributes: Any) -> str:
    """A row's attributes as JSON text; octets, which moto keeps as they are, become marked base64."""
    return json.dumps(attributes, default=lambda octets: {_OCTETS: base64.b64encode(octets).decode("ascii")})


def load_attributes(text: str) -> Any:
    """What `dump_attributes` wrote."""
    return json.loads(text, object_hook=_octets_again)


def _octets_again(value: dict[str, Any]) -> Any:
    return base64.b64decode(value[_OCTETS]) if set(value) == {_OCTETS} else value


def put_back(table: Any, key: Any, before: Any) -> None:
    """Make the row at `key` what it was; `None` for no row."""
    hash_key = DynamoType(key[table.hash_key_attr])
    range_key = DynamoType(key[table.range_key_attr]) if table.range_key_attr else None
    if range_key is None:
        if before is None:
            table.items.pop(hash_key, None)
        else:
            table.items[hash_key] = before
    elif before is None:
        table.items[hash_key].pop(range_key, None)
    else:
        table.items[hash_key][range_key] = before


def _find(table: Any, attributes: Any) -> Any:
    """The row with the key that is among the attributes, without checking them: the operation does."""
    names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
    if any(name not in attributes for name in names):
        return None
    return table.get_item(*(DynamoType(attributes[name]) for name in names))


def _place(table: Any, attributes: Any) -> None:
    hash_key = DynamoType(attributes[table.hash_key_attr])
    range_key = DynamoType(attributes[table.range_key_attr]) if table.range_key_attr else None
    item = Item(hash_key, range_key, attributes)
    if range_key is None:
        table.items[hash_key] = item
    else:
        table.items[hash_key][range_key] = item


def _statement(change: _Change) -> Statement:
    row = change.after if change.after is not None else change.before
    place = (change.table.name, _row_key(change.table, row))
    if change.after is None:
        return Statement(_DELETE, place)
    return Statement(_PUT, (*place, dump_attributes(change.after.to_json()["Attributes"])))


def _row_key(table: Any, item: Any) -> str:
    return json.dumps(list(_key(table, item).values()))


def _row_key_of(table: Any, key: Any) -> str:
    return json.dumps([key[name] for name in (table.hash_key_attr, table.range_key_attr) if name])


def _key(table: Any, item: Any) -> dict[str, Any]:
    key = {table.hash_key_attr: item.hash_key.to_json()}
    return {**key, table.range_key_attr: item.range_key.to_json()} if table.range_key_attr else key


def _overdue(table: Any, now: int) -> list[Any]:
    attribute = table.ttl.get("AttributeName")
    if not attribute or table.ttl.get("TimeToLiveStatus") != "ENABLED":
        return []
    return [item for item in table.all_items() if attribute in item.attrs and _is_past(item.attrs[attribute], now)]


def _is_past(value: Any, now: int) -> bool:
    return value.type == "N" and float(value.value) <= now
