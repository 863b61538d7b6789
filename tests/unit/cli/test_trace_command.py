"""Tracing a message: its receipt, and where each copy is now."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from postern.exchange import Answer
from postern.message import parse_message
from postern.message_summary import summarize
from postern.model import (
    CheckResult,
    Disposition,
    DnsLookup,
    Finding,
    Points,
    Recipient,
    ResultWord,
    Route,
    Transaction,
)
from postern.wire import to_json
from postern_aws import clients
from postern_aws.due_rows import DueRows
from postern_aws.mailboxes import Delivered, DynamoMailboxes, Folder
from postern_aws.receipts import DynamoReceipts
from postern_aws.relay_rows import RelayCopy, RelayRows
from postern_cli.trace.command import id_in
from tests.unit.aws.commits import ANN, MESSAGE, decision, transaction
from tests.unit.cli.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("aws")

SPF: CheckResult[None] = CheckResult(
    "spf",
    ResultWord.FAIL,
    findings=(Finding("SPF_FAIL", "192.0.2.1 \x1b[2Jis not permitted", Points(300)),),
    reason="-all",
    lookups=(DnsLookup("sender.example", "TXT", "found", ("v=spf1 -all",)),),
    milliseconds=17,
)
BOB = Recipient("bob@example.com", "bob@example.com")
CAT = Recipient("cat@relayed.example", "cat@relayed.example", Route.RELAY)


def keep(received: Transaction, disposition: Disposition = Disposition.ACCEPT, **others: Disposition) -> None:
    answer = Answer(decision(received, disposition, **others), {"spf": to_json(SPF)})
    DynamoReceipts(clients.dynamodb(), "Receipts").keep(received, answer)


def test_a_receipt_is_explained_to_people(postern: CommandLine) -> None:
    keep(transaction("t1"))
    told = postern("trace", "t1").stdout
    expected = (
        "Accepted as t1",
        "192.0.2.1 (mail.sender.example)",
        "SPF_FAIL",
        "+3.0",
        "v=spf1 -all",
        "17",
        "policy v1",
    )
    assert [one for one in expected if one not in told] == []


def test_what_a_sender_wrote_does_not_move_the_cursor(postern: CommandLine) -> None:
    keep(transaction("t1"))
    assert "\x1b[2J" not in postern("trace", "t1").stdout


def test_a_whole_reply_names_its_message(postern: CommandLine) -> None:
    keep(transaction("t1"))
    assert postern.json("trace", "250 2.0.0 Accepted as t1")["transaction"]["transaction_id"] == "t1"
    assert id_in("550 5.7.1 Refused as spam (01JD-4Z)") == "01JD-4Z"


def test_a_message_nobody_knows_is_said_to_be_unknown(postern: CommandLine) -> None:
    assert "no receipt" in postern("trace", "nobody", code=1).stderr


def test_each_copy_is_found_where_it_is(postern: CommandLine) -> None:
    received = transaction("t1", (ANN, BOB, CAT))
    keep(received, bob=Disposition.DISCARD)
    copy = Delivered("t1", received.message, received.received_at, summarize(parse_message(MESSAGE)))
    DynamoMailboxes(clients.dynamodb(), "Mailboxes").add("ann@example.com", Folder.JUNK, copy)
    queued = RelayCopy("t1", CAT.address, None, received.message, received.received_at)
    RelayRows(DueRows(clients.dynamodb(), "Outbox")).add(queued)
    places = {one["address"]: one["place"] for one in postern.json("trace", "t1")["whereabouts"]}
    assert places == {
        "ann@example.com": "Junk, message 1",
        "bob@example.com": "discarded",
        "cat@relayed.example": "relay, waiting",
    }


def test_a_copy_that_is_not_there_yet_is_on_its_way(postern: CommandLine) -> None:
    keep(transaction("t1"), Disposition.QUARANTINE)
    assert "on its way" in postern("trace", "t1").stdout


@pytest.fixture
def several() -> Callable[[], None]:
    """Five messages, an hour apart, the odd ones to Bob."""

    def keep_them() -> None:
        for hour in range(5):
            received = transaction(f"t{hour}", (BOB if hour % 2 else ANN,))
            keep(replace(received, received_at=received.received_at + timedelta(hours=hour)))

    return keep_them


def test_the_last_messages_are_listed_newest_first(postern: CommandLine, several: Callable[[], None]) -> None:
    several()
    found = postern.json("trace", "--last", "2")
    assert [one["transaction"]["transaction_id"] for one in found] == ["t4", "t3"]
    assert "t4" in postern("trace").stdout


def test_messages_are_found_by_recipient_or_domain(postern: CommandLine, several: Callable[[], None]) -> None:
    several()
    for asked, ids in (("Bob@example.com", ["t3", "t1"]), ("example.com", ["t4", "t3", "t2", "t1", "t0"]), ("x.y", [])):
        found = postern.json("trace", "--recipient", asked)
        assert [one["transaction"]["transaction_id"] for one in found] == ids


def test_an_empty_service_says_so(postern: CommandLine) -> None:
    assert "No message" in postern("trace").stdout
    assert json.loads(postern("trace", "--json").stdout) == []
