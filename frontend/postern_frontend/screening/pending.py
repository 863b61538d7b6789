"""What is still to be reported: gathered here, so that a flood costs few writes and a quiet client none.

Connections of a client wait until there are some: a front end keeps a few to itself, and tells at once when they are
too many. Known recipients wait for an unknown one, since only their proportion counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from postern.session import marks
from postern.session.counters import Counter, CounterKind, Word, connection_limit, window
from postern.session.screening import Report
from postern.session.screening_policy import ScreeningPolicy

LEAST_CONNECTIONS = 5
"""Connections that are worth a write. Each front end may know of one less that nobody else knows of."""

MAX_PENDING = 20_000


@dataclass(slots=True)
class _Gathered:
    """Of one counter: the latest report, the words since the last one was taken, and the sum that was taken before."""

    latest: Report
    since: datetime
    words: dict[str, int] = field(default_factory=dict)
    taken: int = 0


class PendingReports:
    """Reports of this process by counter; the oldest make room for new ones."""

    def __init__(self) -> None:
        self._gathered: dict[Counter, _Gathered] = {}
        self._due: dict[Counter, None] = {}

    def __len__(self) -> int:
        return len(self._due)

    def add(self, report: Report, now: datetime, policy: ScreeningPolicy) -> bool:
        """Gather a report; whether it must be told without delay."""
        counter = report.counter
        gathered = self._gathered.get(counter)
        if gathered is None or now - gathered.since >= window(counter.kind, policy):
            gathered = self._begin(report, now)
        gathered.latest = report
        _merge(gathered.words, report)
        if _is_due(gathered, policy):
            self._due[counter] = None
        return _is_urgent(gathered, policy)

    def take(self, most: int) -> list[Report]:
        """The reports that are due, at most so many; they count as told."""
        chosen = list(self._due)[:most]
        return [self._take(counter) for counter in chosen]

    def _take(self, counter: Counter) -> Report:
        del self._due[counter]
        gathered = self._gathered[counter]
        words, gathered.words = gathered.words, {}
        gathered.taken += sum(words.values())
        return replace(gathered.latest, words=words)

    def _begin(self, report: Report, now: datetime) -> _Gathered:
        self._forget(report.counter)
        while len(self._gathered) >= MAX_PENDING:
            self._forget(next(iter(self._gathered)))
        gathered = self._gathered[report.counter] = _Gathered(report, now)
        return gathered

    def _forget(self, counter: Counter) -> None:
        self._gathered.pop(counter, None)
        self._due.pop(counter, None)


def _merge(words: dict[str, int], report: Report) -> None:
    for word, number in report.words.items():
        if word in words or len(words) < marks.MAX_WORDS:
            words[word] = words.get(word, 0) + number


def _is_due(gathered: _Gathered, policy: ScreeningPolicy) -> bool:
    match gathered.latest.counter.kind:
        case CounterKind.CONNECTIONS:
            return sum(gathered.words.values()) >= LEAST_CONNECTIONS or _is_urgent(gathered, policy)
        case CounterKind.RECIPIENTS:
            return Word.UNKNOWN in gathered.words
        case _:
            return True


def _is_urgent(gathered: _Gathered, policy: ScreeningPolicy) -> bool:
    match gathered.latest.counter.kind:
        case CounterKind.CONNECTIONS:
            limit = connection_limit(gathered.latest.counter.part, policy)
            return gathered.taken + sum(gathered.words.values()) > limit
        case CounterKind.FAILED_LOGINS:
            return True
        case CounterKind.RECIPIENTS:
            return Word.SESSION in gathered.words
        case _:
            return False
