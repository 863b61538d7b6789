"""The sender lists: entries looked up by key, and only where the compiled policy says that there are any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from postern.policy_compiler import Snapshot
from postern.ports import ListEntry, Unavailable
from postern.sender_list_entry import EntryError, SenderListEntry, read_entry
from postern_aws.batch_items import read_rows

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_KEYS = 2_000
"""Keys of one look-up. A message with more recipients and spellings than that is not looked up in part."""


class Snapshots(Protocol):
    """Gives the current snapshot."""

    def current(self) -> Snapshot:
        """The snapshot; raises `Unavailable`."""
        ...


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
        found = _entries(read_rows(self.client, self.table, keys))
        return tuple(sorted(found, key=lambda entry: (entry.scope, entry.key)))


def _entries(rows: Iterable[Mapping[str, Any]]) -> Iterator[SenderListEntry]:
    """The entries of rows; a malformed row counts for nothing, the compile function has told of it."""
    for row in rows:
        try:
            yield read_entry(row)
        except EntryError:
            continue
