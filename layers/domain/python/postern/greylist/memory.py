"""A greylist in memory: for scans, simulations and sample events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from postern.greylist.waiting import is_forgotten
from postern.ports import GreylistTimes, Sighting


@dataclass(frozen=True, slots=True)
class MemoryGreylist:
    """Triplets and open mailboxes by name. Implements `ports.Greylist`."""

    sightings: dict[str, Sighting] = field(default_factory=dict)
    windows: dict[str, datetime] = field(default_factory=dict)

    def attempt(self, key: str, recipient: str, now: datetime, times: GreylistTimes) -> Sighting | None:
        """Count an attempt; what was known before it."""
        before = self.sightings.get(key)
        if before is not None and is_forgotten(before, now, times):
            before = None
        first_seen, attempts = (before.first_seen, before.attempts) if before else (now, 0)
        self.sightings[key] = Sighting(first_seen, now, attempts + 1)
        return before

    def open_mailboxes(self, mailboxes: Iterable[str], now: datetime) -> frozenset[str]:
        """Those whose window is open."""
        return frozenset(mailbox for mailbox in mailboxes if mailbox in self.windows and self.windows[mailbox] > now)


@dataclass(frozen=True, slots=True)
class EveryoneReturned:
    """The greylist of somebody who looks at a message afterwards: it was tried before, long enough ago.

    Implements `ports.Greylist`.
    """

    def attempt(self, key: str, recipient: str, now: datetime, times: GreylistTimes) -> Sighting | None:
        """A first attempt that has waited."""
        return Sighting(now - times.delay, now - times.delay, 1)

    def open_mailboxes(self, mailboxes: Iterable[str], now: datetime) -> frozenset[str]:
        """None; nobody needs to wait."""
        return frozenset()
