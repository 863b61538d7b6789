"""The table of correspondents."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from postern.ports import Correspondence, Unavailable
from postern_aws import clients
from postern_aws.correspondents import DynamoCorrespondents
from tests.transactions import RECEIVED_AT as NOW

pytestmark = pytest.mark.usefixtures("aws")

ANN, BEN = "ann@receiver.example", "ben@receiver.example"
LATER = NOW + timedelta(days=180)


def store(table: str = "Correspondents") -> DynamoCorrespondents:
    return DynamoCorrespondents(clients.dynamodb(), table)


def test_a_pair_is_known_to_its_own_mailbox_until_it_expires() -> None:
    known = Correspondence(ANN, "bob@example.com", LATER)
    store().remember([known, Correspondence(BEN, "eve@example.com", NOW)])
    asked = ((ANN, BEN), ("bob@example.com", "eve@example.com"))
    assert store().known(*asked, NOW) == (known,)
    assert store().known(*asked, LATER) == ()
    assert store().known((), ("bob@example.com",), NOW) == ()


def test_writing_again_prolongs() -> None:
    for days in (1, 2, 3):
        store().remember([Correspondence(ANN, "bob@example.com", NOW + timedelta(days=days))] * 2)
    (found,) = store().known((ANN,), ("bob@example.com",), NOW)
    assert found.expires_at == NOW + timedelta(days=3)


def test_more_than_one_batch_is_written_and_read() -> None:
    many = [Correspondence(ANN, f"u{number}@example.com", LATER) for number in range(230)]
    store().remember(many)
    found = store().known((ANN,), (one.address for one in many), NOW)
    assert {one.address for one in found} == {one.address for one in many}


def test_hundreds_of_writers_at_once_lose_nothing() -> None:
    def write(number: int) -> None:
        store().remember([Correspondence(ANN, f"u{number % 50}@example.com", LATER)])

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(write, range(300)))
    assert len(store().known((ANN,), (f"u{number}@example.com" for number in range(50)), NOW)) == 50


def test_what_dynamodb_did_not_get_to_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store().remember([Correspondence(ANN, "bob@example.com", LATER)])
    asked: list[Any] = []
    batch_get_item = clients.dynamodb().batch_get_item

    def half_done(**call: Any) -> Any:
        asked.append(call)
        if len(asked) == 1:
            return {"Responses": {}, "UnprocessedKeys": call["RequestItems"]}
        return batch_get_item(**call)

    monkeypatch.setattr(clients.dynamodb(), "batch_get_item", half_done)
    assert len(store().known((ANN,), ("bob@example.com",), NOW)) == 1
    assert len(asked) == 2


@pytest.mark.parametrize(
    "ask",
    [
        lambda: store("Gone").known((ANN,), ("bob@example.com",), NOW),
        lambda: store("Gone").remember([Correspondence(ANN, "bob@example.com", LATER)]),
    ],
)
def test_a_table_that_does_not_answer_is_our_trouble(ask: Callable[[], object]) -> None:
    with pytest.raises(Unavailable):
        ask()
