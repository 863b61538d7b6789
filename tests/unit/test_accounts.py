"""Rows of the table of accounts, as people write them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from postern.accounts import Account, AccountError, AppPassword, Freeze, SendingLimits, read_account

HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"
ANN = {"address": "ann@example.com"}


def test_an_address_alone_is_an_account_that_only_receives() -> None:
    assert read_account({**ANN, "note": "new", "anything": [1]}) == Account("ann@example.com")


def test_a_full_row() -> None:
    row = {
        **ANN,
        "password": HASH,
        "app_passwords": {"phone": {"password": HASH, "starts": "abcde"}},
        "last_used": {"phone": "2026-11-22T18:00:00+00:00", "gone": "2026-11-22T18:00:00+00:00"},
        "identities": ["Sales@Example.com", "*@shop.example"],
        "limit_messages": Decimal(50),
        "limit_recipients": "70",
        "frozen_since": "2026-11-22",
        "frozen_reason": "runaway",
    }
    since = datetime(2026, 11, 22, tzinfo=UTC)
    assert read_account(row) == Account(
        "ann@example.com",
        HASH,
        (AppPassword("phone", HASH, "abcde", datetime(2026, 11, 22, 18, tzinfo=UTC)),),
        ("sales@example.com", "*@shop.example"),
        SendingLimits(50, 70),
        Freeze(since, "runaway"),
    )


@pytest.mark.parametrize(
    "written", [{"b@x.example", "a@x.example"}, "a@x.example, b@x.example", "a@x.example b@x.example"]
)
def test_identities_may_be_a_set_or_a_text(written: object) -> None:
    assert read_account({**ANN, "identities": written}).identities == ("a@x.example", "b@x.example")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"address": "ann"}, "address"),
        ({"address": 7}, "address"),
        ({"password": "secret"}, "password"),
        ({"password": 7}, "password"),
        ({"password": HASH.replace("argon2id", "argon2i")}, "password"),
        ({"password": HASH.replace("m=19456", "m=4194304")}, "memory"),
        ({"password": HASH.replace("t=2", "t=99")}, "time"),
        ({"app_passwords": []}, "app_passwords"),
        ({"app_passwords": {"phone": HASH}}, "app_passwords.phone"),
        ({"app_passwords": {"phone": {"password": HASH}}}, "app_passwords.phone"),
        ({"app_passwords": {"phone": {"password": "x", "starts": "a"}}}, "app_passwords.phone.password"),
        ({"app_passwords": {str(at): {"password": HASH, "starts": "a"} for at in range(51)}}, "at most 50"),
        ({"identities": ["example.com"]}, "identities"),
        ({"identities": 7}, "identities"),
        ({"identities": ["a@b.example"] * 201}, "at most 200"),
        ({"limit_messages": "many"}, "limit_messages"),
        ({"limit_messages": True}, "limit_messages"),
        ({"limit_messages": Decimal("1.5")}, "limit_messages"),
        ({"limit_recipients": -1}, "limit_recipients"),
        ({"frozen_since": "yesterday"}, "frozen_since"),
    ],
)
def test_what_is_wrong_with_a_row_is_said(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(AccountError, match=told):
        read_account({**ANN, **wrong})


def test_as_whom_an_account_may_send() -> None:
    account = Account("ann@example.com", identities=("sales@example.com", "*@shop.example"))
    assert account.may_send_as("ann@example.com")
    assert account.may_send_as("sales@example.com")
    assert account.may_send_as("x@shop.example")
    assert not account.may_send_as("x@sub.shop.example")
    assert not account.may_send_as("bob@example.com")
    assert Account("a@b.example", identities=("*",)).may_send_as("x@y.example")
