"""When what was counted is too much: one row per rule and side of its limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from postern.session import marks, subjects
from postern.session.bans import BanReason
from postern.session.counters import Counter, CounterKind, excess, window
from postern.session.memory import MemoryScreening
from postern.session.screening_policy import ScreeningPolicy

NOW = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
POLICY = ScreeningPolicy()
WRONG = {f"{number:012x}": 1 for number in range(20)}
FEW = dict(list(WRONG.items())[:4])
FIVE = dict(list(WRONG.items())[:5])


@pytest.mark.parametrize(
    ("kind", "part", "totals", "count"),
    [
        (CounterKind.CONNECTIONS, "smtp", {"taken": 60}, 0),
        (CounterKind.CONNECTIONS, "smtp", {"taken": 61}, 61),
        (CounterKind.CONNECTIONS, "imap", {"taken": 61}, 0),
        (CounterKind.CONNECTIONS, "imap", {"taken": 300}, 0),
        (CounterKind.CONNECTIONS, "pop3", {"taken": 301}, 301),
        (CounterKind.RECIPIENTS, "smtp", {"unknown": 9}, 0),
        (CounterKind.RECIPIENTS, "smtp", {"unknown": 10}, 10),
        (CounterKind.RECIPIENTS, "smtp", {"unknown": 10, "known": 9}, 10),
        (CounterKind.RECIPIENTS, "smtp", {"unknown": 10, "known": 10}, 0),
        (CounterKind.RECIPIENTS, "smtp", {"unknown": 4, "known": 90, "session": 1}, 4),
        (CounterKind.FAILED_LOGINS, "smtp", FEW, 0),
        (CounterKind.FAILED_LOGINS, "smtp", FIVE, 5),
        (CounterKind.FAILED_LOGINS, "smtp", {"000000000000": 1_000}, 0),
        (CounterKind.BANNED_ADDRESSES, "", {"203.0.113.1": 1, "203.0.113.2": 9, "203.0.113.3": 1}, 0),
        (CounterKind.BANNED_ADDRESSES, "", dict.fromkeys(("a", "b", "c", "d"), 1), 4),
        (CounterKind.SPF_PASSES, "", {"passed": 1_000}, 0),
        (CounterKind.LOGINS, "", {"passed": 1_000}, 0),
    ],
)
def test_the_limits(kind: CounterKind, part: str, totals: dict[str, int], count: int) -> None:
    found = excess(Counter(subjects.address("203.0.113.9"), kind, part), totals, POLICY)
    assert (found[1] if found else 0) == count


def test_neighbours_can_be_left_alone() -> None:
    counter = Counter(subjects.network("203.0.113.9"), CounterKind.BANNED_ADDRESSES)
    assert excess(counter, WRONG, ScreeningPolicy(neighbours=0)) is None
    assert excess(counter, WRONG, POLICY) == (BanReason.NEIGHBOURS, 20)


@pytest.mark.parametrize(("kind"), list(CounterKind))
def test_every_counter_has_a_window(kind: CounterKind) -> None:
    assert timedelta(minutes=1) <= window(kind, POLICY) <= timedelta(days=365)


@pytest.mark.parametrize(
    ("minutes", "counted"), [(0, 2), (4, 2), (4.5, 2), (5, 1), (5.5, 1), (9, 1), (9.9, 1), (10, 1), (60, 1)]
)
def test_a_window_slides_and_is_never_too_long(minutes: float, counted: int) -> None:
    """Two connections, `minutes` apart, in a window of five minutes."""
    store, counter = MemoryScreening(), Counter(subjects.address("203.0.113.9"), CounterKind.CONNECTIONS, "smtp")
    store.add(counter, {"taken": 1}, NOW, timedelta(minutes=5))
    later = NOW + timedelta(minutes=minutes)
    assert sum(store.add(counter, {"taken": 1}, later, timedelta(minutes=5)).values()) == counted


def test_marks_of_another_window_count_as_well() -> None:
    at = NOW + timedelta(minutes=1)
    row = {marks.mark("taken", at, timedelta(minutes=5)): 2, marks.mark("taken", at, timedelta(hours=1)): 3}
    assert marks.totals(row, at, timedelta(minutes=10)) == {"taken": 5}


def test_a_mark_says_what_it_is() -> None:
    assert marks.mark("unknown", NOW + timedelta(seconds=77), timedelta(minutes=5)) == "2026-10-01T12:01:00Z unknown"
    assert not marks.is_within("note", NOW, timedelta(minutes=5))


def test_a_row_does_not_grow_without_end() -> None:
    store, counter = MemoryScreening(), Counter(subjects.account("ann@example.com"), CounterKind.ACCOUNT_FAILURES)
    for number in range(1_000):
        store.add(counter, {f"{number:012x}": 1}, NOW + timedelta(seconds=number), timedelta(hours=24))
    assert len(store.rows[counter]) == marks.MAX_MARKS
    store.add(counter, {"again": 1}, NOW + timedelta(days=2), timedelta(hours=24))
    assert list(store.rows[counter].values()) == [1]
