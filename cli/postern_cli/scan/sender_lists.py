"""Sender lists that a case brings along, in the words of the table `SenderLists`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from postern.model import Points
from postern.policy import PolicyError
from postern.policy_book import GLOBAL_SCOPE
from postern.policy_compiler import read_list_key
from postern_cli.scan.case_error import CaseError


@dataclass(frozen=True, slots=True)
class GivenEntry:
    """One entry. Implements `ports.ListEntry`."""

    scope: str
    action: str
    pattern: str
    points: Points | None = None
    note: str = ""
    expires_at: datetime | None = None
    needs_proof: bool = True


@dataclass(frozen=True, slots=True)
class GivenSenderLists:
    """Entries that lie in memory. Implements `ports.SenderLists`."""

    entries: tuple[GivenEntry, ...] = ()

    def lookup(self, scopes: Iterable[str], patterns: Iterable[str]) -> tuple[GivenEntry, ...]:
        """The entries at these scopes with these patterns."""
        at, of = set(scopes), set(patterns)
        return tuple(entry for entry in self.entries if entry.scope in at and entry.pattern in of)


def read_sender_lists(value: object) -> GivenSenderLists:
    """The lists of a case: `[{"scope": "global", "entry": "block#*@spam.example"}]`. Raises `CaseError`."""
    if value is None:
        return GivenSenderLists()
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise CaseError('sender_lists: expected a list of rows such as {"entry": "block#*@spam.example"}')
    return GivenSenderLists(tuple(_entry(row) for row in value))


def _entry(row: Mapping[str, object]) -> GivenEntry:
    named = {"scope": GLOBAL_SCOPE, **row}
    if "entry" not in named:
        named["entry"] = f"{row.get('action', '')}#{row.get('pattern', '')}"
    try:
        scope, action = read_list_key(named)
    except PolicyError as wrong:
        raise CaseError(f"sender_lists: {wrong}") from wrong
    return GivenEntry(
        scope,
        action,
        str(named["entry"]).partition("#")[2],
        _points(row.get("points")),
        str(row.get("note", "")),
        _expiry(row.get("expires_at")),
        row.get("needs_proof", True) is not False,
    )


def _points(value: object) -> Points | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CaseError(f"sender_lists: points: expected a number, found {value!r}")
    return Points(round(value * 100))


def _expiry(value: object) -> datetime | None:
    try:
        if value is None or isinstance(value, bool):
            return None
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(str(value))
        return moment.replace(tzinfo=moment.tzinfo or UTC)
    except (ValueError, OverflowError, OSError) as wrong:
        raise CaseError(f"sender_lists: expires_at: {value!r} is no time") from wrong
