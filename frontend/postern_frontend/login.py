"""Logging in, for every protocol: the screen is asked, the account read, the password verified, the outcome told.

Passwords are verified in two threads of their own, so that guessing costs the event loop and its other sessions
nothing, and 38 MiB at most. Clients of one network wait for each other; too many who wait hear a temporary reply.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from postern import replies
from postern.accounts import Account
from postern.ports import AccountStore, Unavailable
from postern.replies import Reply
from postern.session.authentication import Attempt, Outcome, Verify, account_address, attempt
from postern_frontend.network_slots import NetworkSlots
from postern_frontend.pools import Runner
from postern_frontend.screening.session import SessionScreen
from postern_frontend.session_log import SessionLog
from postern_frontend.smtp.events import LoginGiven

VERIFIED_AT_ONCE = 2
WAITING = 30
"""Verifications that wait: the last of them for less than half a second of computing."""

PER_NETWORK = 2
PATIENCE_SECONDS = 5.0
USE_NOTED_EVERY = timedelta(hours=1)
"""A program may log in every minute; when it last did is not needed as precisely as that."""

_REPLIES = {Outcome.WRONG: replies.LOGIN_FAILED, Outcome.FROZEN: replies.ACCOUNT_DISABLED}


@dataclass(frozen=True, slots=True)
class Login:
    """The reply to an attempt, and the account when it succeeded."""

    reply: Reply
    account: Account | None = None


def _slots() -> NetworkSlots:
    return NetworkSlots(per_network=PER_NETWORK, wait_seconds=PATIENCE_SECONDS)


@dataclass(frozen=True, slots=True)
class Logins:
    """What the sessions of all listeners share. `run` reads and writes accounts, `run_verify` verifies passwords."""

    accounts: AccountStore
    verify: Verify
    run: Runner
    run_verify: Runner
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    slots: NetworkSlots = field(default_factory=_slots)

    async def try_login(
        self, given: LoginGiven, client_ip: str | None, screen: SessionScreen, log: SessionLog
    ) -> Login:
        """Try to log in; never raises `Unavailable`."""
        if screen.is_banned:
            return Login(replies.BANNED_MEANWHILE)
        if not await screen.may_log_in(given.name):
            return Login(replies.LOGIN_UNAVAILABLE)
        try:
            async with self.slots.slot(client_ip):
                account = await self._account(given)
                made = await self.run_verify(lambda: attempt(account, given.password, self.verify))
        except Unavailable as trouble:
            log.warning("login not checked", reason=str(trouble))
            return Login(replies.LOGIN_UNAVAILABLE)
        if account is None or made.outcome is not Outcome.ACCEPTED:
            return _refused(given, made.outcome, screen, log)
        screen.logged_in(given.name)
        log.info("logged in", account=account.address, app_password=made.label or None)
        await self._note_use(account, made, log)
        return Login(replies.LOGGED_IN, account)

    async def _account(self, given: LoginGiven) -> Account | None:
        """The account, unless somebody wants to act as somebody else with it. Raises `Unavailable`."""
        address = account_address(given.name)
        if not address or (given.authorization and account_address(given.authorization) != address):
            return None
        return await self.run(lambda: self.accounts.account(address))

    async def _note_use(self, account: Account, made: Attempt, log: SessionLog) -> None:
        used = next((one.last_used for one in account.app_passwords if one.label == made.label), None)
        now = self.now()
        if not made.label or (used is not None and now - used < USE_NOTED_EVERY):
            return
        try:
            await self.run(lambda: self.accounts.note_use(account.address, made.label, now))
        except Unavailable as trouble:
            log.warning("use of an app password not noted", reason=str(trouble))


def _refused(given: LoginGiven, outcome: Outcome, screen: SessionScreen, log: SessionLog) -> Login:
    """Somebody who knows the password is no guesser: a frozen account's owner is told, and not counted."""
    if outcome is Outcome.FROZEN:
        log.info("login to a frozen account", account=account_address(given.name))
    else:
        screen.login_failed(given.name, given.password)
    return Login(_REPLIES.get(outcome, replies.LOGIN_FAILED))
