from __future__ import annotations

import pytest

from postern.model import Recipient
from postern_frontend.data_scanner import TextFacts
from postern_frontend.incoming import MAX_TRANSACTION_RECIPIENTS, IncomingTransaction, Observed, observed_in
from postern_frontend.spool import SpoolBudget, SpoolFullError


def recipients(*numbers: int) -> tuple[Recipient, ...]:
    return tuple(Recipient(f"user{number}@example.com", "list@example.com") for number in numbers)


def test_each_address_is_kept_once_in_the_order_given() -> None:
    incoming = IncomingTransaction(SpoolBudget(100), None)
    assert incoming.add(recipients(2, 1))
    assert incoming.add(recipients(1, 3))
    assert incoming.recipients == recipients(2, 1, 3)


def test_too_many_are_refused_together() -> None:
    incoming = IncomingTransaction(SpoolBudget(100), None)
    assert incoming.add(recipients(*range(MAX_TRANSACTION_RECIPIENTS - 1)))
    assert not incoming.add(recipients(1_000, 1_001))
    assert len(incoming.recipients) == MAX_TRANSACTION_RECIPIENTS - 1
    assert incoming.add(recipients(1_000))


def test_a_message_that_does_not_fit_frees_its_room() -> None:
    budget = SpoolBudget(10)
    incoming = IncomingTransaction(budget, None)
    incoming.keep(b"12345")
    with pytest.raises(SpoolFullError):
        incoming.keep(b"1234567")
    assert budget.used == 0


def test_a_message_handed_over_outlives_the_transaction() -> None:
    budget = SpoolBudget(10)
    incoming = IncomingTransaction(budget, None)
    incoming.keep(b"12345")
    spool = incoming.take_message()
    incoming.clear()
    assert spool.open().read() == b"12345"
    spool.close()
    assert budget.used == 0


def test_what_is_unusual_is_named() -> None:
    assert observed_in(TextFacts(0, 0, 0)) == ()
    assert observed_in(TextFacts(2, 0, 1)) == (Observed.BARE_LINE_END, Observed.LONG_LINE)
