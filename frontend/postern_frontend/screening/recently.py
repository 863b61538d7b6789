"""What was done lately and need not be done again yet."""

from __future__ import annotations

from datetime import datetime, timedelta

MAX_REMEMBERED = 20_000


class Recently:
    """Times by name; the oldest make room for new ones."""

    def __init__(self) -> None:
        self._done: dict[str, datetime] = {}

    def has(self, name: str, now: datetime, period: timedelta) -> bool:
        """Whether this was done within the period; if not, it is done now."""
        done = self._done.get(name)
        if done is not None and now - done < period:
            return True
        self._done.pop(name, None)
        self._done[name] = now
        if len(self._done) > MAX_REMEMBERED:
            del self._done[next(iter(self._done))]
        return False

    def forget(self, name: str) -> None:
        """As if it was never done."""
        self._done.pop(name, None)
