"""What an attempt is answered, from what was known of its triplet before.

An attempt is counted first and judged by what was there before it. So one atomic update is all that a store does, and
front ends that see the same attempt at the same time agree without asking each other.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from postern.ports import GreylistTimes, Sighting

NO_TIME = timedelta(0)
_MINUTE = timedelta(minutes=1)


def time_to_wait(before: Sighting | None, now: datetime, times: GreylistTimes) -> timedelta:
    """How long the client still has to wait; zero when it may pass. `before` is what was known before this attempt."""
    if before is None:
        return times.delay
    # A front end whose clock is behind must not ask for more than the whole delay.
    return min(max(before.first_seen + times.delay - now, NO_TIME), times.delay)


def is_used(known: Sighting, times: GreylistTimes) -> bool:
    """Whether the client came back in time: an attempt passed."""
    return known.last_attempt - known.first_seen >= times.delay


def is_forgotten(known: Sighting, now: datetime, times: GreylistTimes) -> bool:
    """Whether the triplet's time is over."""
    if is_used(known, times):
        return now - known.last_attempt >= times.used
    return now - known.first_seen >= times.unused


def minutes(period: timedelta) -> int:
    """Whole minutes, rounded up, at least one: what the reply says."""
    return max(1, -(-period // _MINUTE))
