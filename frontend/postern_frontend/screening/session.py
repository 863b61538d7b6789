"""Screening as one session, or one listener, sees it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from postern.model import Site
from postern.session.counters import MailProtocol
from postern.session.failed_login import log_line, password_digest
from postern.session.memory import MemoryScreening
from postern.session.screening import Screener
from postern.session.screening_notices import ScreeningNotice
from postern.session.screening_policy import ScreeningMode, ScreeningPolicy
from postern_frontend.screening.refusal import Refusal
from postern_frontend.screening.screen import Screen, ScreeningEffects
from postern_frontend.session_log import AUTHENTICATION_LOG

T = TypeVar("T")

_authentication_log = logging.getLogger(AUTHENTICATION_LOG)


@dataclass(frozen=True, slots=True)
class ScreenedDoor:
    """The door of a listener. Implements `postern_frontend.screening.refusal.Door`."""

    screen: Screen
    protocol: MailProtocol

    def knock(self, client_ip: str | None) -> Refusal | None:
        """Count the connection."""
        return self.screen.connected(client_ip, self.protocol)

    async def ask(self, client_ip: str | None) -> Refusal | None:
        """Look the client up."""
        return await self.screen.look_up(client_ip)


class SessionScreen:
    """What one client does in one session."""

    def __init__(self, screen: Screen, protocol: MailProtocol, client_ip: str | None) -> None:
        self._screen = screen
        self._protocol = protocol
        self._client_ip = client_ip
        self._unknown = 0

    @property
    def is_banned(self) -> bool:
        """Whether the client was banned since it came in."""
        return self._screen.refusal(self._client_ip) is not None

    def recipient_given(self, *, unknown: bool) -> bool:
        """Count a recipient; whether the session has given too many unknown ones and is to end."""
        self._unknown += unknown
        self._screen.recipient_given(self._client_ip, unknown=unknown)
        return unknown and self._screen.too_many_unknown(self._client_ip, self._unknown)

    async def may_log_in(self, account: str) -> bool:
        """Whether this client may try to log in to this account; to be asked before a password is looked at."""
        return not self.is_banned and not await self._screen.is_account_banned(account)

    def login_failed(self, account: str, password: str) -> None:
        """A login failed: it is logged in the form other programs know, and counted. The password is not kept."""
        _authentication_log.warning(log_line(self._protocol, self._client_ip, account))
        digest = password_digest(self._screen.digest_key(), account, password)
        self._screen.login_failed(self._client_ip, self._protocol, account, digest)

    def logged_in(self, account: str) -> None:
        """A login succeeded."""
        self._screen.logged_in(self._client_ip, self._protocol, account)


class _Nowhere:
    """A site without facts, and nobody to tell."""

    def site(self) -> Site:
        return Site("", "")

    def tell(self, notice: ScreeningNotice) -> None:
        del notice


async def _directly(work: Callable[[], T]) -> T:
    return work()


@cache
def no_screen() -> Screen:
    """A screen that is switched off."""
    nowhere = _Nowhere()
    return Screen(
        ScreeningEffects(
            screener=Screener(MemoryScreening()),
            notices=nowhere,
            policy=lambda: ScreeningPolicy(mode=ScreeningMode.OFF),
            sites=nowhere,
            run=_directly,
            secret=lambda: secrets.token_bytes(32),
        )
    )
