"""The table of accounts, as front ends read and write it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from postern.accounts import AccountError, Freeze
from postern.ports import Unavailable
from postern_aws import clients
from postern_aws.accounts import DynamoAccounts

pytestmark = pytest.mark.usefixtures("aws")
NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
FREEZE = Freeze(NOW, "runaway")
ANN = "ann@example.com"
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"


def table() -> Any:
    return boto3.resource("dynamodb").Table("Accounts")


def store(report: Any = lambda address, trouble: None) -> DynamoAccounts:
    return DynamoAccounts(clients.dynamodb(), "Accounts", report)


def test_a_row_that_cannot_be_used_is_no_account_is_told_and_locks_nobody_else_out() -> None:
    table().put_item(Item={"address": ANN, "password": "secret"})
    table().put_item(Item={"address": "bob@example.com", "password": HASH})
    told: list[tuple[str, AccountError]] = []
    accounts = store(lambda address, trouble: told.append((address, trouble)))
    assert accounts.account(ANN) is None
    bob = accounts.account("bob@example.com")
    assert bob is not None
    assert bob.hashed == HASH
    assert accounts.account("nobody@example.com") is None
    assert [address for address, _ in told] == [ANN]


def test_of_several_that_freeze_one_did() -> None:
    table().put_item(Item={"address": ANN, "frozen_since": ""})
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: store().freeze(ANN, FREEZE), range(8))) == 1
    account = store().account(ANN)
    assert account is not None
    assert account.frozen == FREEZE
    assert store().thaw(ANN)
    assert not store().thaw(ANN)
    assert table().scan()["Items"] == [{"address": ANN}]


def test_what_is_no_account_is_not_made_one() -> None:
    assert not store().freeze(ANN, FREEZE)
    assert not store().thaw(ANN)
    store().note_use(ANN, "phone", NOW)
    assert table().scan()["Items"] == []


def test_uses_of_app_passwords_are_noted_side_by_side() -> None:
    table().put_item(Item={"address": ANN})
    store().note_use(ANN, "phone", NOW)
    store().note_use(ANN, "laptop", NOW)
    store().note_use(ANN, "phone", NOW.replace(hour=19))
    assert table().scan()["Items"][0]["last_used"] == {
        "phone": "2026-11-22T19:00:00+00:00",
        "laptop": "2026-11-22T18:00:00+00:00",
    }


def test_a_table_that_cannot_be_asked_is_unavailable() -> None:
    missing = DynamoAccounts(clients.dynamodb(), "NoSuchTable")
    with pytest.raises(Unavailable):
        missing.account(ANN)
    with pytest.raises(Unavailable):
        missing.freeze(ANN, FREEZE)
