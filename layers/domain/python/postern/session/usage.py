"""What an account has sent within the window: the names and numbers of its row, the same in memory and in a table.

Beside the numbers by which it is judged a row holds what people ask afterwards: the first message of each tenth of
the window, the last one, and the client addresses. All of it is bounded by its names: addresses share some slots.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from postern.session import marks
from postern.session.hijack_policy import Limits

CLIENT_SLOTS = 32
MAX_OUTLIVED = 60
"""Marks that no longer count and may stay in a row; some 3 KB."""

LAST = "last"
TOLD_AT = "told_at"
_FIRST = "first"
_CLIENT = "client#"


class Sent(StrEnum):
    """What is counted. `looked_at` recipients were looked up, `unseen` of them had never been written to.

    `refused` copies were refused for good by the servers of their recipients.
    """

    MESSAGES = "messages"
    RECIPIENTS = "recipients"
    LOOKED_AT = "looked_at"
    UNSEEN = "unseen"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A message that an account wants to send. `transaction_id` is the one it would be accepted under."""

    account: str
    transaction_id: str
    recipients: int
    client_ip: str = ""
    looked_at: int = 0
    unseen: int = 0


@dataclass(frozen=True, slots=True)
class Sighted:
    """A message and when it was sent."""

    transaction_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an account has sent within the window, the message just counted included."""

    messages: int = 0
    recipients: int = 0
    looked_at: int = 0
    unseen: int = 0
    refused: int = 0
    first: Sighted | None = None
    last: Sighted | None = None
    clients: tuple[str, ...] = ()

    def is_within(self, limits: Limits) -> bool:
        """Whether that is not too much."""
        return self.messages <= limits.messages and self.recipients <= limits.recipients

    def share_of(self, limits: Limits) -> float:
        """How much of its limits is used: 1.0 for all of one of them."""
        return max(self.messages / max(1, limits.messages), self.recipients / max(1, limits.recipients))


def numbers(attempt: Attempt, now: datetime, window: timedelta) -> dict[str, int]:
    """What a message adds to the numbers of the row, by name."""
    counted = {
        Sent.MESSAGES: 1,
        Sent.RECIPIENTS: attempt.recipients,
        Sent.LOOKED_AT: attempt.looked_at,
        Sent.UNSEEN: attempt.unseen,
    }
    return {marks.mark(word.value, now, window): number for word, number in counted.items() if number}


def refusals(number: int, now: datetime, window: timedelta) -> dict[str, int]:
    """What copies that were refused add to the numbers of the row, by name."""
    return {marks.mark(Sent.REFUSED.value, now, window): number}


def sights(attempt: Attempt, now: datetime) -> dict[str, str]:
    """What a message writes into the row, over what was there."""
    sight = _sight(attempt.transaction_id, now)
    if not attempt.client_ip:
        return {LAST: sight}
    slot = zlib.crc32(attempt.client_ip.encode()) % CLIENT_SLOTS
    return {LAST: sight, f"{_CLIENT}{slot:02}": _sight(attempt.client_ip, now)}


def first_sight(attempt: Attempt, now: datetime, window: timedelta) -> tuple[str, str]:
    """What a message writes into the row unless something is there: its name, and the text."""
    return marks.mark(_FIRST, now, window), _sight(attempt.transaction_id, now)


def usage_of(row: Mapping[str, object], now: datetime, window: timedelta) -> Usage:
    """What a row says at this time."""
    counted = {name: number for name, number in row.items() if not isinstance(number, str)}
    totals = marks.totals({name: int(str(number)) for name, number in counted.items()}, now, window)
    firsts = [row[name] for name in sorted(row) if name.endswith(f" {_FIRST}") and marks.is_within(name, now, window)]
    clients = (_sighted(text) for name, text in sorted(row.items()) if name.startswith(_CLIENT))
    return Usage(
        **{word.value: totals.get(word.value, 0) for word in Sent},
        first=_sighted(firsts[0]) if firsts else None,
        last=_sighted(row.get(LAST)),
        clients=tuple(seen.transaction_id for seen in clients if seen is not None and seen.at > now - window),
    )


def superfluous(names: Iterable[str], now: datetime, window: timedelta) -> list[str]:
    """The marks that can go, when there are enough of them to be worth the while."""
    old = [name for name in names if marks.is_mark(name) and not marks.is_within(name, now, window)]
    return old if len(old) > MAX_OUTLIVED else []


def _sight(what: str, at: datetime) -> str:
    return f"{what} {at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _sighted(text: object) -> Sighted | None:
    what, _, at = str(text or "").partition(" ")
    try:
        return Sighted(what, datetime.fromisoformat(at))
    except ValueError:
        return None
