"""The screen between the Internet and the sessions of this process: one for all listeners and protocols.

Everything here runs on the event loop and answers from memory; the table is read and written in a pool of its own.
When the table cannot be asked nobody is turned away: screening protects the service, mail does not depend on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from postern.ports import SiteSource, Unavailable
from postern.session import screening, subjects
from postern.session.bans import Ban, BanKind
from postern.session.counters import MailProtocol
from postern.session.failed_login import digest_key
from postern.session.screening import Event, Report, Screener
from postern.session.screening_notices import ScreeningNotices
from postern.session.screening_policy import ScreeningMode, ScreeningPolicy
from postern.session.subjects import Subject
from postern_frontend.pools import Runner
from postern_frontend.screening.announcer import Announcer
from postern_frontend.screening.known_bans import BELIEVED_IN_TROUBLE, KnownBans
from postern_frontend.screening.pending import PendingReports
from postern_frontend.screening.recently import Recently
from postern_frontend.screening.refusal import Refusal
from postern_frontend.screening.standing import Standing, Standings

REPORT_SECONDS = 0.5
"""How often reports are told; those that ban somebody go at once."""

PATIENCE_SECONDS = 2.0
"""How long a client waits for its look-up; then it is let in."""

STOP_SECONDS = 3.0
BATCH = 25
BATCHES_AT_ONCE = 4
MAX_LOOK_UPS = 500

_log = logging.getLogger("postern.screening")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningEffects:
    """What the screen asks of the world. `secret` is one that all front ends share; `run` has threads of its own."""

    screener: Screener
    notices: ScreeningNotices
    policy: Callable[[], ScreeningPolicy]
    sites: SiteSource
    run: Runner
    secret: Callable[[], bytes]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Screen:
    """See the module. `start` it on the event loop; without that nothing is reported."""

    def __init__(self, effects: ScreeningEffects) -> None:
        self._effects = effects
        self._standings = Standings(effects.sites)
        self._known = KnownBans()
        self._pending = PendingReports()
        self._recently = Recently()
        self._announcer = Announcer(
            effects.screener, effects.notices, effects.run, lambda: effects.sites.site().hostname
        )
        self._look_ups: dict[tuple[Subject, ...], asyncio.Task[None]] = {}
        self._clearing: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._reporting: asyncio.Task[None] | None = None

    # --- life -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to report."""
        self._reporting = asyncio.get_running_loop().create_task(self._report_for_ever())

    async def stop(self) -> None:
        """Report what is left, for a moment at most."""
        if self._reporting is not None:
            self._reporting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reporting
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self.report()
                await self._announcer.finish()

    async def report(self) -> None:
        """Report all that is due now."""
        for _ in range(-(-len(self._pending) // BATCH)):
            batches = [batch for _ in range(BATCHES_AT_ONCE) if (batch := self._pending.take(BATCH))]
            if not batches:
                return
            await asyncio.gather(*map(self._tell, batches))

    # --- who may come in ------------------------------------------------------------------------------

    def connected(self, client_ip: str | None, protocol: MailProtocol) -> Refusal | None:
        """Count a connection, unless its client is known to be banned; whether it is known to be shut out."""
        policy, now = self._effects.policy(), self._effects.now()
        standing = self._standings.of(client_ip, policy, now)
        if standing is not Standing.SCREENED or client_ip is None:
            return _of_list(standing)
        ban = self._known.ban_of(_subjects_of(client_ip), now)
        if ban is None and self._pending.add(screening.connections_report(client_ip, protocol, 1), now, policy):
            self._wake.set()
        return _refusal(ban, policy)

    def refusal(self, client_ip: str | None) -> Refusal | None:
        """Whether the client is known to be shut out."""
        policy, now = self._effects.policy(), self._effects.now()
        standing = self._standings.of(client_ip, policy, now)
        if standing is not Standing.SCREENED or client_ip is None:
            return _of_list(standing)
        return _refusal(self._known.ban_of(_subjects_of(client_ip), now), policy)

    async def look_up(self, client_ip: str | None) -> Refusal | None:
        """Whether the client is shut out; the table is asked at most once a minute."""
        if client_ip is not None and self._is_screened(client_ip):
            await self._know(_subjects_of(client_ip))
        return self.refusal(client_ip)

    async def is_account_banned(self, account: str) -> bool:
        """Whether nobody may log in to an account."""
        policy = self._effects.policy()
        if policy.mode is ScreeningMode.OFF:
            return False
        whom = (subjects.account(account),)
        await self._know(whom)
        return _refusal(self._known.ban_of(whom, self._effects.now()), policy) is not None

    # --- what they do ---------------------------------------------------------------------------------

    def recipient_given(self, client_ip: str | None, *, unknown: bool) -> None:
        """Count a recipient."""
        if client_ip is not None and self._is_screened(client_ip):
            self._add(screening.recipients_report(client_ip, known=int(not unknown), unknown=int(unknown)))

    def too_many_unknown(self, client_ip: str | None, in_session: int) -> bool:
        """Whether a session has given too many unknown recipients; its client is banned then."""
        policy = self._effects.policy()
        if client_ip is None or not self._is_screened(client_ip):
            return False
        if not screening.session_limit_passed(in_session, policy):
            return False
        self._add(screening.recipients_report(client_ip, session=True))
        return policy.mode is ScreeningMode.ENFORCE

    def login_failed(self, client_ip: str | None, protocol: MailProtocol, account: str, wrong_password: str) -> None:
        """Count a failed login of the client and of the account."""
        policy = self._effects.policy()
        if policy.mode is ScreeningMode.OFF:
            return
        self._recently.forget(f"cleared {account.lower()}")
        screened = client_ip if client_ip is not None and self._is_screened(client_ip) else None
        for report in screening.failed_login_reports(screened, protocol, account, wrong_password):
            self._add(report, policy)

    def logged_in(self, client_ip: str | None, protocol: MailProtocol, account: str) -> None:
        """A login succeeded: its client may connect often, and the account's failures are in a row no more."""
        now = self._effects.now()
        if client_ip is not None and self._is_screened(client_ip):
            minute = timedelta(minutes=1)
            if not self._recently.has(f"login {client_ip}", now, minute):
                self._add(screening.login_report(client_ip, protocol))
        if not self._recently.has(f"cleared {account.lower()}", now, timedelta(minutes=1)):
            task = asyncio.get_running_loop().create_task(self._clear(subjects.account(account)))
            self._clearing.add(task)
            task.add_done_callback(self._clearing.discard)

    def spf_passed(self, client_ip: str | None) -> None:
        """Mail of this client passed SPF and was accepted."""
        if client_ip is not None and self._is_screened(client_ip):
            report = screening.spf_pass_report(client_ip)
            if not self._recently.has(f"spf {report.counter.subject}", self._effects.now(), timedelta(days=1)):
                self._add(report)

    def digest_key(self) -> bytes:
        """The key for digests of wrong passwords."""
        return digest_key(self._effects.secret())

    # --- inside ---------------------------------------------------------------------------------------

    def _is_screened(self, client_ip: str) -> bool:
        return self._standings.of(client_ip, self._effects.policy(), self._effects.now()) is Standing.SCREENED

    def _add(self, report: Report, policy: ScreeningPolicy | None = None) -> None:
        if self._pending.add(report, self._effects.now(), policy or self._effects.policy()):
            self._wake.set()

    async def _know(self, whom: tuple[Subject, ...]) -> None:
        """Ask the table, unless it was asked lately, or others are asking just now."""
        if self._known.knows(whom, self._effects.now()):
            return
        if whom not in self._look_ups and len(self._look_ups) < MAX_LOOK_UPS:
            task = asyncio.get_running_loop().create_task(self._look_up(whom))
            self._look_ups[whom] = task
            task.add_done_callback(lambda _: self._look_ups.pop(whom, None))
        if whom in self._look_ups:
            await asyncio.wait([self._look_ups[whom]], timeout=PATIENCE_SECONDS)

    async def _look_up(self, whom: tuple[Subject, ...]) -> None:
        try:
            bans = await self._effects.run(lambda: self._effects.screener.store.bans(whom))
        except Unavailable as trouble:
            self._known.keep(whom, (), self._effects.now(), BELIEVED_IN_TROUBLE)
            self._complain(trouble)
        else:
            self._known.keep(whom, bans, self._effects.now())

    async def _clear(self, account: Subject) -> None:
        try:
            await self._effects.run(lambda: self._effects.screener.logged_in(account))
        except Unavailable as trouble:
            self._complain(trouble)

    async def _report_for_ever(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REPORT_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            await self.report()
            self._announcer.look_for_endings(self._effects.now(), self._effects.policy())

    async def _tell(self, batch: list[Report]) -> None:
        """Report a batch, learn of the bans it makes, and announce them. What cannot be told now is kept."""
        policy, now = self._effects.policy(), self._effects.now()
        try:
            events, untold = await self._effects.run(lambda: _record(self._effects.screener, batch, now, policy))
        except Unavailable as trouble:
            events, untold = [], batch
            self._complain(trouble)
        for event in events:
            if event.ban is not None:
                self._known.keep((event.ban.subject,), (event.ban,), now)
            self._announcer.announce(event, policy)
        for report in untold:
            self._pending.add(report, now, policy)

    def _complain(self, trouble: Unavailable) -> None:
        if not self._recently.has("trouble", self._effects.now(), timedelta(minutes=1)):
            _log.warning("screening is blind: %s", trouble)


def _record(
    screener: Screener, batch: list[Report], now: datetime, policy: ScreeningPolicy
) -> tuple[list[Event], list[Report]]:
    """Blocking: the events of the reports that could be told, and the reports that could not."""
    events: list[Event] = []
    for at, report in enumerate(batch):
        try:
            events += screener.record(report, now, policy)
        except Unavailable:
            return events, batch[at:]
    return events, []


def _subjects_of(client_ip: str) -> tuple[Subject, ...]:
    return (subjects.address(client_ip), subjects.network(client_ip))


def _of_list(standing: Standing) -> Refusal | None:
    return Refusal.FOR_GOOD if standing is Standing.LISTED else None


def _refusal(ban: Ban | None, policy: ScreeningPolicy) -> Refusal | None:
    """What a ban means: an automatic one only defers, and only when policy enforces it."""
    if ban is None:
        return None
    if ban.kind is BanKind.MANUAL:
        return Refusal.FOR_GOOD
    return Refusal.FOR_NOW if policy.mode is ScreeningMode.ENFORCE else None
