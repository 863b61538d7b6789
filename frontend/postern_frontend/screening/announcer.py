"""Tells people: a log line for every event, notices for as many as people can read."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import Callable
from datetime import datetime

from postern.ports import Unavailable
from postern.session.bans import Ban
from postern.session.screening import Event, EventKind, Screener
from postern.session.screening_notices import ScreeningNotices, notice_of, printable
from postern.session.screening_policy import ScreeningPolicy
from postern_frontend.pools import Runner
from postern_frontend.session_log import log_event

MAX_ENDINGS = 1_000
MAX_TELLING = 100

_log = logging.getLogger("postern.screening")


class Announcer:
    """Announces events of this process, without keeping anybody waiting."""

    def __init__(self, screener: Screener, notices: ScreeningNotices, run: Runner, hostname: Callable[[], str]) -> None:
        self._screener = screener
        self._notices = notices
        self._run = run
        self._hostname = hostname
        self._telling: set[asyncio.Task[None]] = set()
        self._endings: list[tuple[datetime, int, Event]] = []
        self._number = itertools.count()

    def announce(self, event: Event, policy: ScreeningPolicy) -> None:
        """Log the event and begin to tell it."""
        log_event(
            _log,
            logging.WARNING,
            event.kind.value,
            subject=printable(str(event.subject)),
            client_ip=event.client_ip,
            protocol=event.protocol,
            count=event.count,
            reason=event.ban.reason.value if event.ban else None,
            until=event.ban.until if event.ban else None,
        )
        if policy.tell_ban_end and event.ban and event.ban.until and len(self._endings) < MAX_ENDINGS:
            heapq.heappush(self._endings, (event.ban.until, next(self._number), event))
        self._begin(lambda: self._tell(event, event.at, policy))

    def look_for_endings(self, now: datetime, policy: ScreeningPolicy) -> None:
        """Begin to tell the end of bans that were made here."""
        while self._endings and self._endings[0][0] <= now:
            _, _, event = heapq.heappop(self._endings)
            if event.ban is not None:
                self._begin(lambda event=event, ban=event.ban: self._tell_end(event, ban, now, policy))  # type: ignore[misc]

    async def finish(self) -> None:
        """Wait for what is being told."""
        await asyncio.gather(*self._telling)

    def _begin(self, work: Callable[[], None]) -> None:
        if len(self._telling) < MAX_TELLING:
            task = asyncio.get_running_loop().create_task(self._do(work))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _do(self, work: Callable[[], None]) -> None:
        try:
            await self._run(work)
        except Unavailable as trouble:
            _log.warning("a notice was not given: %s", trouble)

    def _tell_end(self, event: Event, ban: Ban, now: datetime, policy: ScreeningPolicy) -> None:
        """Blocking. A ban that was lifted, or has become longer, has not come to its end."""
        if self._screener.is_over(ban, now):
            ended = Event(kind=EventKind.BAN_ENDED, at=now, subject=event.subject, count=0, ban=ban)
            self._tell(ended, now, policy)

    def _tell(self, event: Event, now: datetime, policy: ScreeningPolicy) -> None:
        """Blocking."""
        tell, last = self._screener.may_tell(event, now, policy)
        if tell:
            self._notices.tell(notice_of(event, self._hostname(), last_for_now=last))
