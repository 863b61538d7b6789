"""Bans: who is shut out, why and until when; and how much longer the next time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from postern.session.screening_policy import ScreeningPolicy
from postern.session.subjects import Subject

_FOR_EVER = datetime.max.replace(tzinfo=UTC)
_MAX_DOUBLINGS = 20


class BanKind(StrEnum):
    """Who made a ban."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class BanReason(StrEnum):
    """Why there is a ban."""

    CONNECTIONS = "connections"
    UNKNOWN_RECIPIENTS = "unknown_recipients"
    FAILED_LOGINS = "failed_logins"
    NEIGHBOURS = "neighbours"
    POSTMASTER = "postmaster"

    @property
    def words(self) -> str:
        """The reason in words."""
        return _WORDS[self]


_WORDS = {
    BanReason.CONNECTIONS: "too many connections",
    BanReason.UNKNOWN_RECIPIENTS: "too many unknown recipients",
    BanReason.FAILED_LOGINS: "too many failed logins",
    BanReason.NEIGHBOURS: "too many banned addresses in one network",
    BanReason.POSTMASTER: "the postmaster's decision",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """A ban, in force or over. `until` is `None` for ever; `repeats` counts the bans before it.

    `count` is how many of what `reason` names there were, over `protocol` (empty for several).
    """

    subject: Subject
    since: datetime
    until: datetime | None
    kind: BanKind = BanKind.AUTOMATIC
    reason: BanReason = BanReason.POSTMASTER
    repeats: int = 0
    count: int = 0
    protocol: str = ""
    note: str = ""

    def is_in_force(self, now: datetime) -> bool:
        """Whether the ban counts."""
        return self.until is None or now < self.until


def next_ban_time(previous: Ban | None, now: datetime, policy: ScreeningPolicy) -> tuple[timedelta, int]:
    """How long a new automatic ban lasts, and which repeat it is."""
    repeats = previous.repeats + 1 if previous is not None and is_remembered(previous, now, policy) else 0
    doubled = timedelta(minutes=policy.ban_minutes) * 2 ** min(repeats, _MAX_DOUBLINGS)
    return min(doubled, timedelta(minutes=policy.longest_ban_minutes)), repeats


def is_remembered(ban: Ban, now: datetime, policy: ScreeningPolicy) -> bool:
    """Whether another ban would be a repeat of this one."""
    return ban.until is None or now < ban.until + policy.forget_after


def weightiest(bans: Iterable[Ban], now: datetime) -> Ban | None:
    """Of the bans in force the one that decides: a manual one, otherwise the one that ends last."""
    in_force = [ban for ban in bans if ban.is_in_force(now)]
    return max(in_force, key=lambda ban: (ban.kind is BanKind.MANUAL, ban.until or _FOR_EVER), default=None)
