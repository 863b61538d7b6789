"""What this process knows of bans: for a minute each, that there is none as well as that there is one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from postern.session.bans import Ban, weightiest
from postern.session.subjects import Subject

BELIEVED = timedelta(minutes=1)
"""After which the table is asked again: a ban that was lifted, or made elsewhere, counts by then."""

BELIEVED_IN_TROUBLE = timedelta(seconds=10)
MAX_KNOWN = 50_000


class KnownBans:
    """Bans by subject, each believed for a while; the oldest make room for new ones."""

    def __init__(self) -> None:
        self._known: dict[Subject, tuple[datetime, Ban | None]] = {}

    def ban_of(self, whom: Iterable[Subject], now: datetime) -> Ban | None:
        """The ban that is known to shut out one of these."""
        return weightiest((ban for ban in self._believed(whom, now) if ban is not None), now)

    def knows(self, whom: tuple[Subject, ...], now: datetime) -> bool:
        """Whether nothing needs to be asked about these."""
        believed = self._believed(whom, now)
        return len(believed) == len(whom) or any(ban is not None for ban in believed)

    def keep(self, whom: Iterable[Subject], bans: Iterable[Ban], now: datetime, believed: timedelta = BELIEVED) -> None:
        """These are all the bans of these subjects."""
        found = {ban.subject: ban for ban in bans}
        for subject in whom:
            self._known.pop(subject, None)
            self._known[subject] = (now + believed, found.get(subject))
        while len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]

    def _believed(self, whom: Iterable[Subject], now: datetime) -> list[Ban | None]:
        found = (self._known.get(subject) for subject in whom)
        return [entry[1] for entry in found if entry is not None and now < entry[0]]
