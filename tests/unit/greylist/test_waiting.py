"""What an attempt is answered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postern.greylist.memory import MemoryGreylist
from postern.greylist.waiting import minutes, time_to_wait
from postern.ports import GreylistTimes, Sighting
from tests.transactions import RECEIVED_AT as START

TIMES = GreylistTimes(timedelta(minutes=15), timedelta(days=10), timedelta(days=36))
NONE = timedelta(0)


def waits(*offsets: timedelta) -> list[timedelta]:
    """How long each of several attempts is told to wait."""
    greylist = MemoryGreylist()
    moments = [START + offset for offset in offsets]
    return [time_to_wait(greylist.attempt("triplet", "ann", at, TIMES), at, TIMES) for at in moments]


def test_the_first_attempt_waits_and_a_later_one_passes() -> None:
    offsets = (NONE, timedelta(minutes=5), timedelta(minutes=14, seconds=59), timedelta(minutes=15))
    assert waits(*offsets) == [timedelta(minutes=15), timedelta(minutes=10), timedelta(seconds=1), NONE]


def test_coming_back_early_does_not_prolong_the_wait() -> None:
    every_minute = [timedelta(minutes=number) for number in range(16)]
    assert waits(*every_minute)[-1] == NONE


@pytest.mark.parametrize(("after", "wait"), [(timedelta(days=9), NONE), (timedelta(days=10), timedelta(minutes=15))])
def test_a_triplet_nobody_came_back_for_is_forgotten(after: timedelta, wait: timedelta) -> None:
    assert waits(NONE, after)[-1] == wait


@pytest.mark.parametrize(("after", "wait"), [(timedelta(days=35), NONE), (timedelta(days=36), timedelta(minutes=15))])
def test_a_used_triplet_lives_from_its_last_use(after: timedelta, wait: timedelta) -> None:
    used = (NONE, timedelta(minutes=20), timedelta(days=30))
    assert waits(*used, timedelta(days=30) + after) == [timedelta(minutes=15), NONE, NONE, wait]


def test_a_clock_that_is_behind_asks_for_no_more_than_the_delay() -> None:
    ahead = Sighting(START + timedelta(minutes=3), START + timedelta(minutes=3), 1)
    assert time_to_wait(ahead, START, TIMES) == TIMES.delay


@pytest.mark.parametrize(("period", "said"), [(NONE, 1), (timedelta(seconds=1), 1), (timedelta(seconds=61), 2)])
def test_minutes_are_rounded_up(period: timedelta, said: int) -> None:
    assert minutes(period) == said
