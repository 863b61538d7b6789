"""The sender lists: entries looked up by key, and only where the compiled policy says that there are any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from postern.model import Points
from postern.policy_compiler import Snapshot
from postern.ports import ListEntry, Unavailable
from postern_aws.items import from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BATCH_SIZE = 100
"""Keys of one BatchGetItem."""

MAX_KEYS = 2_000
"""Keys of one look-up. A message with more recipients and spellings than that is not looked up in part."""

_ROUNDS = 4


class Snapshots(Protocol):
    """Gives the current snapshot."""

    def current(self) -> Snapshot:
        """The snapshot; raises `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """One entry of a sender list. Implements `ports.ListEntry`."""

    scope: str
    action: str
    pattern: str
    points: Points | None = None
    note: str = ""
    expires_at: datetime | None = None
    needs_proof: bool = True


@dataclass(frozen=True, slots=True)
class DynamoSenderLists:
    """The table of sender lists. Implements `ports.SenderLists`."""

    client: DynamoDBClient
    table: str
    snapshots: Snapshots

    def lookup(self, scopes: Iterable[str], patterns: Iterable[str]) -> tuple[ListEntry, ...]:
        """Every stored entry, of any action, at one of `scopes` whose pattern is one of `patterns`.

        Asks nothing when the scopes hold no entries. Raises `Unavailable`, also for more than `MAX_KEYS` keys.
        """
        held = self.snapshots.current().lists
        wanted = tuple(dict.fromkeys(patterns))
        keys = [
            {"scope": scope, "entry": f"{action}#{pattern}"}
            for scope in dict.fromkeys(scopes)
            for action in held.get(scope, ())
            for pattern in wanted
        ]
        if len(keys) > MAX_KEYS:
            raise Unavailable(f"{len(keys)} entries of sender lists are too many for one message")
        found = (row for batch in _batches(keys) for row in self._read(batch))
        return tuple(sorted(map(read_entry, found), key=lambda entry: (entry.scope, entry.action, entry.pattern)))

    def _read(self, keys: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
        """The rows at these keys; what DynamoDB did not get to is asked again."""
        request: Any = {self.table: {"Keys": [to_item(key) for key in keys]}}
        for _ in range(_ROUNDS):
            try:
                answer = self.client.batch_get_item(RequestItems=request)
            except (BotoCoreError, ClientError) as trouble:
                raise Unavailable("the sender lists cannot be read") from trouble
            yield from (from_item(item) for item in answer["Responses"].get(self.table, ()))
            request = answer.get("UnprocessedKeys")
            if not request:
                return
        raise Unavailable("the sender lists are throttled")


def read_entry(row: Mapping[str, Any]) -> StoredEntry:
    """The entry of a row; points that are no number count as not given."""
    action, _, pattern = str(row["entry"]).partition("#")
    return StoredEntry(
        str(row["scope"]),
        action,
        pattern,
        _points(row.get("points")),
        str(row.get("note", "")),
        _expiry(row.get("expires_at")),
        bool(row.get("needs_proof", True)),
    )


def _points(stored: Any) -> Points | None:
    try:
        return None if stored is None else Points(round(float(stored) * 100))
    except (TypeError, ValueError, OverflowError):
        return None


def _expiry(stored: Any) -> datetime | None:
    try:
        return None if stored is None else datetime.fromtimestamp(int(stored), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _batches(keys: list[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    remaining = iter(keys)
    while batch := list(islice(remaining, BATCH_SIZE)):
        yield batch
