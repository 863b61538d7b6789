"""The quarantine: what is held can be listed, found, and removed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from postern.model import MessageReference, Points, Route
from postern.ports import Unavailable
from postern_aws import clients
from postern_aws.items import from_item
from postern_aws.quarantine import DynamoQuarantine, HeldMessage
from tests.unit.aws.commits import NOW

pytestmark = pytest.mark.usefixtures("aws")
HELD = HeldMessage(
    "ann@example.com",
    "t1",
    NOW + timedelta(milliseconds=250),
    MessageReference("quarantine/ann@example.com/t1", 100, "0" * 64),
    Route.RELAY,
    "bob@sender.example",
    "Tea",
    "bob@sender.example",
    ("score 6.0 reaches 5.0",),
    Points(600),
)


def quarantine(table: str = "Quarantine") -> DynamoQuarantine:
    return DynamoQuarantine(clients.dynamodb(), table)


def test_a_held_message_is_read_back_as_it_was_and_held_once() -> None:
    quarantine().hold(HELD)
    quarantine().hold(HELD)
    assert quarantine().held("ann@example.com") == (HELD,)
    assert quarantine().find("ann@example.com", "t1") == HELD
    assert quarantine().find("ann@example.com", "t2") is None


def test_a_null_reverse_path_stays_one() -> None:
    quarantine().hold(replace(HELD, reverse_path=None))
    assert quarantine().held("ann@example.com")[0].reverse_path is None


def test_the_newest_come_first() -> None:
    for hour in range(5):
        quarantine().hold(replace(HELD, transaction_id=f"t{hour}", received_at=NOW + timedelta(hours=hour)))
    assert [one.transaction_id for one in quarantine().held("ann@example.com", 2)] == ["t4", "t3"]


def test_rows_are_readable_and_expire() -> None:
    quarantine().hold(HELD)
    (item,) = clients.dynamodb().scan(TableName="Quarantine")["Items"]
    row = from_item(item)
    assert (row["score"], row["subject"], row["item"]) == ("6.0", "Tea", "2026-11-22T12:00:00Z#t1")
    assert int(row["expires_at"]) > (NOW + timedelta(days=29)).timestamp()


def test_a_message_is_removed_once_or_twice() -> None:
    quarantine().hold(HELD)
    quarantine().remove(HELD)
    quarantine().remove(HELD)
    assert quarantine().held("ann@example.com") == ()


def test_a_table_that_is_gone_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        quarantine("Gone").hold(HELD)
    with pytest.raises(Unavailable):
        quarantine("Gone").held("ann@example.com")
    with pytest.raises(Unavailable):
        quarantine("Gone").remove(HELD)
