"""Counting within a sliding window without a history: one number for each word in each tenth of the window.

A mark is a name such as `2026-10-01T12:34:30Z unknown`: when its tenth of the window began, and what is counted.
Marks of different windows can be mixed. A window is never longer than it says: a tenth that has begun before it
does not count, so nobody who kept within a limit is thought to have passed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

PARTS = 10
MAX_WORDS = 50
"""Different words in one addition; each is a name and a number in one DynamoDB expression."""

MAX_MARKS = 200
"""Additions that one row takes before its old marks are removed; keeps a row under 20 KB."""

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_WORD_AT = len("2026-10-01T12:34:30Z ")


def mark(word: str, now: datetime, window: timedelta) -> str:
    """The mark of a word at this time."""
    seconds = max(1, int(window.total_seconds()) // PARTS)
    began = int(now.timestamp()) // seconds * seconds
    return f"{_text(datetime.fromtimestamp(began, UTC))} {word}"


def is_within(name: str, now: datetime, window: timedelta) -> bool:
    """Whether a mark counts at this time. Any other name does not."""
    return _is_after(name, _text(now - window))


def is_mark(name: str) -> bool:
    """Whether a name is a mark of any time."""
    return name[_WORD_AT - 2 : _WORD_AT] == "Z "


def totals(marks: Mapping[str, int], now: datetime, window: timedelta) -> dict[str, int]:
    """How often each word was counted within the window."""
    begin = _text(now - window)
    found: dict[str, int] = {}
    for name, number in marks.items():
        if _is_after(name, begin):
            word = name[_WORD_AT:]
            found[word] = found.get(word, 0) + number
    return found


def outlived(marks: Iterable[str], now: datetime, window: timedelta) -> list[str]:
    """The marks that no longer count."""
    begin = _text(now - window)
    return [name for name in marks if not _is_after(name, begin)]


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):{_FORMAT}}"


def _is_after(name: str, begin: str) -> bool:
    """Times of this form are in the order of their text."""
    return is_mark(name) and name[: _WORD_AT - 1] > begin
