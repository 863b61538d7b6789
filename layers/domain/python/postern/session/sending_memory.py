"""What accounts send, counted in memory: for tests, simulations, and a front end without a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postern.session.usage import Attempt, Usage, first_sight, numbers, refusals, sights, superfluous, usage_of

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class MemorySending:
    """Implements `postern.session.hijack.SendingStore`, for one thread at a time."""

    rows: dict[str, Row] = field(default_factory=dict)
    told: dict[str, datetime] = field(default_factory=dict)
    seen_from: dict[str, dict[str, datetime]] = field(default_factory=dict)

    def add(self, attempt: Attempt, now: datetime, window: timedelta) -> Usage:
        """Count a message."""
        row = self.rows.setdefault(attempt.account, {})
        self._change(row, numbers(attempt, now, window), 1)
        row.update(sights(attempt, now))
        row.setdefault(*first_sight(attempt, now, window))
        for name in superfluous(row, now, window):
            del row[name]
        return usage_of(row, now, window)

    def give_back(self, attempt: Attempt, now: datetime, window: timedelta) -> None:
        """Count it no more."""
        self._change(self.rows.setdefault(attempt.account, {}), numbers(attempt, now, window), -1)

    def note_refused(self, account: str, number: int, now: datetime, window: timedelta) -> None:
        """Count what was refused."""
        self._change(self.rows.setdefault(account, {}), refusals(number, now, window), 1)

    def claim_notice(self, account: str, now: datetime, quiet: timedelta) -> bool:
        """Whether to tell."""
        told = self.told.get(account)
        if told is not None and told > now - quiet:
            return False
        self.told[account] = now
        return True

    def note_network(self, account: str, network: str, now: datetime) -> None:
        """Remember a network."""
        self.seen_from.setdefault(account, {}).setdefault(network, now)

    def networks(self, account: str) -> Mapping[str, datetime]:
        """The networks."""
        return dict(self.seen_from.get(account, {}))

    def reset(self, account: str) -> None:
        """Begin anew."""
        self.rows.pop(account, None)
        self.told.pop(account, None)

    @staticmethod
    def _change(row: Row, changes: Mapping[str, int], sign: int) -> None:
        for name, number in changes.items():
            row[name] = int(str(row.get(name, 0))) + sign * number
