"""What screening remembers: the port of its table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from postern.session.bans import Ban
from postern.session.counters import Counter, Totals
from postern.session.subjects import Subject


class ScreeningStore(Protocol):
    """Counts and bans. Every method is one atomic step for all front ends; all block and raise `Unavailable`."""

    def add(self, counter: Counter, words: Mapping[str, int], now: datetime, window: timedelta) -> Totals:
        """Add to a counter; how often each word was counted within the window, this addition included.

        A row that is full takes no more: its totals are long past any limit.
        """
        ...

    def totals(self, counter: Counter, now: datetime, window: timedelta) -> Totals:
        """How often each word was counted within the window."""
        ...

    def clear(self, counter: Counter) -> bool:
        """Begin to count anew; whether there was anything."""
        ...

    def bans(self, subjects: Iterable[Subject]) -> tuple[Ban, ...]:
        """The bans of these subjects, also those that are over and still remembered."""
        ...

    def impose(self, ban: Ban, replacing: Ban | None, forget_at: datetime | None) -> bool:
        """Ban, unless the subject's ban is no longer the one that is `replacing`; whether it was done.

        Of several that do so at the same time, exactly one succeeds.
        """
        ...
