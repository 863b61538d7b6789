"""Sender lists that a case brings along, in the words of the table `SenderLists`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from postern.policy import PolicyError
from postern.policy_book import GLOBAL_SCOPE, read_scope
from postern.sender_list_entry import SenderListEntry, read_entry
from postern_cli.scan.case_error import CaseError


@dataclass(frozen=True, slots=True)
class GivenSenderLists:
    """Entries that lie in memory. Implements `ports.SenderLists`."""

    entries: tuple[SenderListEntry, ...] = ()

    def lookup(self, scopes: Iterable[str], patterns: Iterable[str]) -> tuple[SenderListEntry, ...]:
        """The entries at these scopes with these patterns."""
        at, of = set(scopes), set(patterns)
        return tuple(entry for entry in self.entries if entry.scope in at and entry.pattern in of)


def read_sender_lists(value: object) -> GivenSenderLists:
    """The lists of a case: `[{"scope": "global", "entry": "block#*@spam.example"}]`. Raises `CaseError`."""
    if value is None:
        return GivenSenderLists()
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise CaseError('sender_lists: expected a list of rows such as {"entry": "block#*@spam.example"}')
    try:
        return GivenSenderLists(tuple(_entry({"scope": GLOBAL_SCOPE, **row}) for row in value))
    except PolicyError as wrong:
        raise CaseError(f"sender_lists: {wrong}") from wrong


def _entry(row: Mapping[str, object]) -> SenderListEntry:
    read_scope(str(row["scope"]))
    return read_entry(row)
