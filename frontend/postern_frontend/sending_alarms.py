"""What follows when an account sends too much, while its client has long had its answer: hold its mail, tell people."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from postern.ports import SiteSource, Unavailable
from postern.session import thaw_link
from postern.session.hijack import Alarm, SendingWatch
from postern.session.hijack_evidence import evidence_of
from postern.session.hijack_notices import EVENTS, HijackNotices, Link, notices_of
from postern.session.hijack_policy import HijackMode, HijackPolicy
from postern.session.screening_notices import ScreeningNotice
from postern.session.thaw_link import ThawTicket
from postern.session.thaw_page import TOKEN
from postern.session.thawing import HeldMail
from postern_frontend.pools import Runner
from postern_frontend.session_log import log_event

PAUSES = (0.0, 1.0, 5.0, 30.0, 120.0)
"""Seconds before each attempt at what follows."""

STOP_SECONDS = 3.0

T = TypeVar("T")

_log = logging.getLogger("postern.hijack")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmEffects:
    """What an alarm asks of the world. Without `thaw_url` notices have no link."""

    watch: SendingWatch
    mail: HeldMail
    notices: HijackNotices
    sites: SiteSource
    run: Runner
    thaw_url: str = ""
    thaw_key: Callable[[], bytes] = lambda: b""


class SendingAlarms:
    """The alarms of this process. Each is one of a kind: no other front end has it."""

    def __init__(self, effects: AlarmEffects) -> None:
        self._effects = effects
        self._tasks: set[asyncio.Task[None]] = set()

    def sound(self, alarm: Alarm, policy: HijackPolicy) -> None:
        """Log it, and begin to do what follows."""
        log_event(
            _log,
            logging.WARNING,
            EVENTS[alarm.mode],
            account=alarm.account,
            client_ip=alarm.attempt.client_ip,
            messages=alarm.usage.messages,
            recipients=alarm.usage.recipients,
            transaction_id=alarm.attempt.transaction_id,
        )
        self._spawn(self._follow(alarm, policy))

    async def stop(self) -> None:
        """Wait a moment for what is being done."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*self._tasks)
        for task in tuple(self._tasks):
            task.cancel()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, alarm: Alarm, policy: HijackPolicy) -> None:
        """Hold, gather the evidence, tell: tried again until it is done, and each topic told once."""
        held = await self._hold(alarm) if alarm.mode is HijackMode.DISABLE else 0
        notices = await self._insistently(alarm, lambda: self._notices_of(alarm, policy, held))
        for notice in notices or ():
            await self._insistently(alarm, lambda notice=notice: self._effects.notices.tell(notice))  # type: ignore[misc]

    async def _hold(self, alarm: Alarm) -> int:
        """How much mail is held. What cannot be held now is held a little later; people are told meanwhile."""
        try:
            return await self._effects.run(lambda: self._effects.mail.hold_account(alarm.account))
        except Unavailable as trouble:
            _log.warning("mail of %s is not held yet: %s", alarm.account, trouble)
            self._spawn(self._hold_later(alarm))
            return 0

    async def _hold_later(self, alarm: Alarm) -> None:
        await self._insistently(alarm, lambda: self._hold_if_frozen(alarm))

    async def _insistently(self, alarm: Alarm, work: Callable[[], T]) -> T | None:
        """The result of what blocks, once it could be done; `None` when it never could."""
        for pause in PAUSES:
            await asyncio.sleep(pause)
            try:
                return await self._effects.run(work)
            except Unavailable as trouble:
                _log.warning("what follows from an alarm about %s is not done yet: %s", alarm.account, trouble)
        return None

    # --- blocking -------------------------------------------------------------------------------------

    def _notices_of(self, alarm: Alarm, policy: HijackPolicy, held: int) -> tuple[ScreeningNotice, ...]:
        evidence = evidence_of(alarm, self._effects.watch.store.networks(alarm.account), held)
        return notices_of(alarm, evidence, self._effects.sites.site().hostname, self._link(alarm, policy))

    def _link(self, alarm: Alarm, policy: HijackPolicy) -> Link | None:
        if alarm.mode is not HijackMode.DISABLE or not policy.link_hours or not self._effects.thaw_url:
            return None
        until = alarm.at.replace(microsecond=0) + timedelta(hours=policy.link_hours)
        token = thaw_link.sign(ThawTicket(alarm.account, alarm.at, until), self._effects.thaw_key())
        return Link(f"{self._effects.thaw_url}?{TOKEN}={token}", until)

    def _hold_if_frozen(self, alarm: Alarm) -> None:
        """An account that was thawed meanwhile keeps its mail going."""
        account = self._effects.watch.accounts.account(alarm.account)
        if account is not None and account.frozen is not None:
            self._effects.mail.hold_account(alarm.account)
