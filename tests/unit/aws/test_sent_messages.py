"""The ledger of sent messages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from postern.ports import Unavailable
from postern_aws import clients
from postern_aws.sent_messages import DynamoSentMessages
from tests.transactions import RECEIVED_AT as NOW

pytestmark = pytest.mark.usefixtures("aws")

LATER = NOW + timedelta(days=14)


def ledger(table: str = "SentMessages") -> DynamoSentMessages:
    return DynamoSentMessages(clients.dynamodb(), table)


def test_who_sent_a_message_is_known_until_it_expires() -> None:
    ledger().record("<1@ses.example>", "ann@example.com", LATER)
    asked = ("<1@ses.example>", "<2@ses.example>", "<1@ses.example>")
    assert ledger().senders(asked, NOW) == {"ann@example.com"}
    assert ledger().senders(asked, LATER) == frozenset()
    assert ledger().senders((), NOW) == frozenset()


def test_hundreds_of_messages_sent_at_once_are_all_recorded() -> None:
    numbers = range(300)
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda at: ledger().record(f"<{at}@ses.example>", f"user{at}@example.com", LATER), numbers))
    asked = [f"<{at}@ses.example>" for at in numbers]
    assert ledger().senders(asked, NOW) == {f"user{at}@example.com" for at in numbers}


def test_a_table_that_does_not_answer_is_our_trouble() -> None:
    with pytest.raises(Unavailable):
        ledger("Gone").senders(("<1@ses.example>",), NOW)
    with pytest.raises(Unavailable):
        ledger("Gone").record("<1@ses.example>", "ann@example.com", LATER)
