"""The greylist in DynamoDB: whoever asks at the same time gets the same answer, and one call is enough."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from postern.greylist.waiting import time_to_wait
from postern.ports import GreylistTimes, Sighting, Unavailable
from postern_aws import clients
from postern_aws.greylist import DynamoGreylist
from postern_aws.items import epoch, from_item, to_item
from tests.transactions import RECEIVED_AT as START

pytestmark = pytest.mark.usefixtures("aws")

TIMES = GreylistTimes(timedelta(minutes=15), timedelta(days=10), timedelta(days=36))
KEY, ANN = "192.0.2.0/24 bob@example.com ann@receiver.example", "ann@receiver.example"
AT_ONCE = 300


def greylist(table: str = "Greylist") -> DynamoGreylist:
    return DynamoGreylist(clients.dynamodb(), table)


def attempt(at: datetime, key: str = KEY) -> Sighting | None:
    return greylist().attempt(key, ANN, at, TIMES)


def row(key: str = KEY) -> dict[str, Any]:
    answer = clients.dynamodb().get_item(TableName="Greylist", Key=to_item({"triplet": key}), ConsistentRead=True)
    return from_item(answer["Item"])


def at_once(work: Callable[[int], Sighting | None]) -> list[Sighting | None]:
    with ThreadPoolExecutor(32) as pool:
        return list(pool.map(work, range(AT_ONCE)))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the calls to DynamoDB that write."""
    made: list[str] = []
    update_item = clients.dynamodb().update_item

    def counted(**call: Any) -> Any:
        made.append("update_item")
        return update_item(**call)

    monkeypatch.setattr(clients.dynamodb(), "update_item", counted)
    return made


def test_one_call_answers_an_attempt(calls: list[str]) -> None:
    assert attempt(START) is None
    early = attempt(START + timedelta(minutes=5))
    assert early == Sighting(START, START, 1)
    back = attempt(START + timedelta(minutes=20))
    assert back == Sighting(START, START + timedelta(minutes=5), 2)
    assert attempt(START + timedelta(days=30)) is not None
    assert len(calls) == 4
    assert row()["expires_at"] == epoch(START + timedelta(days=66))
    assert row()["recipient"] == ANN


@pytest.mark.parametrize(
    ("used", "days", "known"), [(False, 9, True), (False, 10, False), (True, 35, True), (True, 36, False)]
)
def test_a_row_that_was_not_removed_yet_is_forgotten_all_the_same(used: bool, days: int, known: bool) -> None:
    attempt(START)
    last = START + timedelta(hours=1) if used else START
    if used:
        attempt(last)
    again = last + timedelta(days=days)
    assert (attempt(again) is not None) is known
    if not known:
        assert row() | {"wait_until": 0} == {
            "triplet": KEY,
            "recipient": ANN,
            "first_seen": epoch(again),
            "last_attempt": epoch(again),
            "attempts": 1,
            "wait_until": 0,
            "expires_at": epoch(again + TIMES.used),
        }


def test_hundreds_of_first_attempts_at_once_are_one_first_attempt() -> None:
    found = at_once(lambda number: attempt(START + timedelta(seconds=number % 3)))
    assert found.count(None) == 1
    assert row()["attempts"] == AT_ONCE
    assert {one.first_seen for one in found if one} == {datetime.fromtimestamp(int(row()["first_seen"]), START.tzinfo)}


def test_hundreds_of_retries_at_once_all_pass() -> None:
    attempt(START)
    now = START + timedelta(minutes=15)
    found = at_once(lambda _: attempt(now))
    assert {time_to_wait(before, now, TIMES) for before in found} == {timedelta(0)}
    assert row()["attempts"] == AT_ONCE + 1


def test_hundreds_of_attempts_at_once_on_a_forgotten_row_all_wait() -> None:
    attempt(START)
    now = START + timedelta(days=11)
    found = at_once(lambda _: attempt(now))
    assert found.count(None) == 1
    assert {time_to_wait(before, now, TIMES) for before in found} == {TIMES.delay}
    assert row()["attempts"] == AT_ONCE


def test_a_window_is_open_until_it_closes() -> None:
    greylist().open(ANN, START + timedelta(minutes=10))
    both = (ANN, "ben@receiver.example")
    assert greylist().open_mailboxes(both, START) == {ANN}
    assert greylist().open_mailboxes(both, START + timedelta(minutes=10)) == frozenset()
    assert greylist().open_mailboxes((), START) == frozenset()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: greylist("Gone").attempt(KEY, ANN, START, TIMES),
        lambda: greylist("Gone").open_mailboxes((ANN,), START),
        lambda: greylist("Gone").open(ANN, START),
    ],
)
def test_a_table_that_does_not_answer_is_our_trouble(ask: Callable[[], object]) -> None:
    with pytest.raises(Unavailable):
        ask()
