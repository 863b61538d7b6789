"""When a copy that was not taken is tried again (RFC 5321 §4.5.4.1), and when it is given up."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST_PAUSE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=1)
LIFETIME = timedelta(days=5)


def next_attempt(attempts: int, queued_at: datetime, now: datetime, lifetime: timedelta = LIFETIME) -> datetime | None:
    """The time of the next attempt after so many; `None` when the copy's time is over."""
    end = queued_at + lifetime
    if now >= end:
        return None
    # Beyond a few doublings the pause is the longest anyway; do not compute with huge powers.
    doublings = min(max(attempts - 1, 0), 10)
    return min(now + min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE), end)
