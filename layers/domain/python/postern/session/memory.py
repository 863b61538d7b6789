"""Counts and bans in memory: for tests, simulations, and a front end without a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postern.session import marks
from postern.session.bans import Ban
from postern.session.counters import Counter, Totals
from postern.session.subjects import Subject


@dataclass(frozen=True, slots=True)
class MemoryScreening:
    """Implements `ScreeningStore`, for one thread at a time."""

    rows: dict[Counter, dict[str, int]] = field(default_factory=dict)
    banned: dict[Subject, Ban] = field(default_factory=dict)

    def add(self, counter: Counter, words: Mapping[str, int], now: datetime, window: timedelta) -> Totals:
        """Add to a counter; the totals within the window."""
        row = self.rows.setdefault(counter, {})
        if len(row) >= marks.MAX_MARKS:
            for name in marks.outlived(row, now, window):
                del row[name]
        if len(row) < marks.MAX_MARKS:
            for word, number in tuple(words.items())[: marks.MAX_WORDS]:
                name = marks.mark(word, now, window)
                row[name] = row.get(name, 0) + number
        return marks.totals(row, now, window)

    def totals(self, counter: Counter, now: datetime, window: timedelta) -> Totals:
        """The totals within the window."""
        return marks.totals(self.rows.get(counter, {}), now, window)

    def clear(self, counter: Counter) -> bool:
        """Forget a counter."""
        return self.rows.pop(counter, None) is not None

    def bans(self, subjects: Iterable[Subject]) -> tuple[Ban, ...]:
        """The bans of these subjects."""
        return tuple(self.banned[subject] for subject in subjects if subject in self.banned)

    def impose(self, ban: Ban, replacing: Ban | None, forget_at: datetime | None) -> bool:
        """Ban, unless something else has happened meanwhile."""
        del forget_at
        if self.banned.get(ban.subject) != replacing:
            return False
        self.banned[ban.subject] = ban
        return True
