"""The policy section `hijack`: how much an account may send, and what follows when it sends more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from postern.accounts import SendingLimits
from postern.policy import setting


class HijackMode(StrEnum):
    """What follows for an account that sends too much: nothing is counted, it is told, put off, or frozen."""

    OFF = "off"
    OBSERVE = "observe"
    LIMIT = "limit"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True)
class Limits:
    """What an account may send within the window."""

    messages: int
    recipients: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HijackPolicy:
    """How much mail of one account is not too much. An account's own limits win over these."""

    mode: HijackMode = setting(
        HijackMode.DISABLE,
        "off counts nothing, observe tells, limit puts off with 452, disable freezes the account with 552",
    )
    messages: int = setting(
        200, "messages of an account within the window that are not too many", minimum=1, maximum=1_000_000
    )
    recipients: int = setting(
        500, "recipients of an account within the window that are not too many", minimum=1, maximum=1_000_000
    )
    window_minutes: int = setting(60, "minutes in which both are counted", minimum=10, maximum=1_440)
    link_hours: int = setting(
        72, "hours in which the link in a notice lets the account send again; 0 gives no link", minimum=0, maximum=720
    )

    @property
    def window(self) -> timedelta:
        """The time in which messages and recipients are counted."""
        return timedelta(minutes=self.window_minutes)

    def limits(self, own: SendingLimits) -> Limits:
        """What counts for an account with these limits of its own."""
        return Limits(
            self.messages if own.messages is None else own.messages,
            self.recipients if own.recipients is None else own.recipients,
        )
