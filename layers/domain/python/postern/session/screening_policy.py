"""The policy section `screening`: what is counted, how much of it is too much, and how long that shuts a client out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from postern.policy import setting

MAX_WINDOW_MINUTES = 1_440
MAX_BAN_MINUTES = 525_600


class ScreeningMode(StrEnum):
    """How far screening goes: nothing is counted, bans are only told, or clients are turned away."""

    OFF = "off"
    OBSERVE = "observe"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningPolicy:
    """Limits of a client's behaviour, over all protocols, and the bans that follow."""

    mode: ScreeningMode = setting(
        ScreeningMode.ENFORCE, "off counts nothing, observe counts and tells, enforce turns banned clients away"
    )
    allow: tuple[str, ...] = setting((), "networks that are never screened, in CIDR form")
    ban: tuple[str, ...] = setting((), "networks that are always turned away, in CIDR form, of any size")
    connections: int = setting(60, "SMTP connections of a client that are not too many", minimum=1, maximum=100_000)
    mailbox_connections: int = setting(
        300, "IMAP or POP3 connections of a client that are not too many", minimum=1, maximum=100_000
    )
    connection_minutes: int = setting(
        5, "minutes in which connections are counted", minimum=1, maximum=MAX_WINDOW_MINUTES
    )
    unknown_in_session: int = setting(
        3, "unknown recipients in one session that are not too many", minimum=1, maximum=1_000
    )
    unknown_recipients: int = setting(
        10, "unknown recipients that ban, when they are over half of all", minimum=1, maximum=1_000
    )
    unknown_minutes: int = setting(
        10, "minutes in which unknown recipients are counted", minimum=1, maximum=MAX_WINDOW_MINUTES
    )
    failed_logins: int = setting(
        5, "failed logins that ban; the same wrong password counts once", minimum=1, maximum=100
    )
    failed_login_minutes: int = setting(
        10, "minutes in which failed logins are counted", minimum=1, maximum=MAX_WINDOW_MINUTES
    )
    ban_minutes: int = setting(
        60, "minutes of a first ban; each repeat doubles them", minimum=1, maximum=MAX_BAN_MINUTES
    )
    longest_ban_minutes: int = setting(
        10_080, "minutes of the longest automatic ban", minimum=1, maximum=MAX_BAN_MINUTES
    )
    forget_days: int = setting(30, "days after a ban's end in which another one is a repeat", minimum=1, maximum=365)
    neighbours: int = setting(
        4, "banned addresses of a /24 or /64 that ban all of it; 0 never does", minimum=0, maximum=256
    )
    neighbour_hours: int = setting(24, "hours in which banned neighbours are counted", minimum=1, maximum=720)
    proven_days: int = setting(
        30, "days for which an SPF pass keeps its network from being banned", minimum=1, maximum=365
    )
    account_failures: int = setting(
        10, "failed logins in a row of an account of which the postmaster is told", minimum=1, maximum=100
    )
    account_hours: int = setting(24, "hours in which an account's failed logins are counted", minimum=1, maximum=168)
    ban_account: bool = setting(False, "ban the account as well then; whoever knows its name can bring that about")
    tell_ban_end: bool = setting(False, "tell the end of a ban, too")
    notices_per_hour: int = setting(
        6, "notices of a kind in an hour; then one says that there are more", minimum=1, maximum=1_000
    )

    @property
    def forget_after(self) -> timedelta:
        """How long after its end a ban is remembered."""
        return timedelta(days=self.forget_days)
