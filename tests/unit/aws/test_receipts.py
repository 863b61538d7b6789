"""Receipts: every decision can be explained later, and a lost receipt loses no mail."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postern.exchange import Answer
from postern.model import Disposition, HeaderField, Recipient
from postern_aws import clients
from postern_aws.items import from_item
from postern_aws.receipts import MAX_CONTENT_OCTETS, DynamoReceipts, Receipt
from tests.unit.aws.commits import ANN, NOW, decision, transaction

pytestmark = pytest.mark.usefixtures("aws")
RESULTS: dict[str, Any] = {"spf": {"check_id": "spf", "result": "pass", "lookups": [{"name": "example.com"}]}}


def receipts(table: str = "Receipts", troubles: list[str] | None = None) -> DynamoReceipts:
    told = troubles if troubles is not None else []
    return DynamoReceipts(clients.dynamodb(), table, lambda transaction_id, _: told.append(transaction_id))


def row(transaction_id: str) -> dict[str, Any]:
    answer = clients.dynamodb().get_item(TableName="Receipts", Key={"transaction_id": {"S": transaction_id}})
    return from_item(answer["Item"])


def test_a_receipt_is_read_back_as_it_was() -> None:
    received = transaction()
    made = decision(received, Disposition.JUNK)
    receipts().keep(received, Answer(made, RESULTS))
    assert receipts().read("t1") == Receipt(received, made, RESULTS)
    assert receipts().read("t2") is None


def test_a_row_has_words_to_filter_on() -> None:
    received = transaction("t1", (ANN, Recipient("eve@example.com", "eve@example.com")))
    receipts().keep(received, Answer(decision(received, eve=Disposition.QUARANTINE), RESULTS))
    found = row("t1")
    assert found["recipient_domain"] == "example.com"
    assert found["received_at"] == "2026-11-22T12:00:00.000Z"
    assert found["recipients"] == ["ann@example.com", "eve@example.com"]
    assert found["disposition"] == "quarantine"
    assert found["score"] == "1.5"
    assert found["reply"].startswith("250 2.0.0 ")
    assert found["reverse_path"] == "bob@sender.example"
    assert found["direction"] == "inbound"
    assert int(found["expires_at"]) == (NOW + timedelta(days=90)).timestamp()


def test_the_newest_receipts_of_a_domain_come_first() -> None:
    for number in range(12):
        received = replace(transaction(f"t{number}"), received_at=NOW + timedelta(milliseconds=7 * number))
        receipts().keep(received, Answer(decision(received), {}))
    other = transaction("x1", (Recipient("a@example.net", "a@example.net"),))
    receipts().keep(other, Answer(decision(other), {}))
    assert receipts().newest("example.com", 3) == ("t11", "t10", "t9")
    assert receipts().newest("example.net", 3) == ("x1",)
    assert receipts().newest_of_all(2) == ("t11", "t10")


def test_a_receipt_too_large_for_a_row_is_cut_to_what_explains_the_decision() -> None:
    noise = hashlib.shake_256(b"noise").hexdigest(400_000)
    results = {"spf": {**RESULTS["spf"], "properties": {"noise": noise}, "reason": "why"}}
    received = transaction()
    made = decision(received)
    loud = replace(made.recipients[0], headers=(HeaderField("X-Spam-Report", noise),))
    receipts().keep(received, Answer(replace(made, recipients=(loud,)), results))
    assert len(row("t1")["content"]) < MAX_CONTENT_OCTETS
    found = receipts().read("t1")
    assert found is not None
    assert found.results["spf"] == {"check_id": "spf", "result": "pass", "reason": "why", "properties": {"cut": True}}


def test_a_receipt_that_cannot_be_kept_is_told_of_and_no_more() -> None:
    troubles: list[str] = []
    received = transaction()
    receipts("Gone", troubles).keep(received, Answer(decision(received), {}))
    assert troubles == ["t1"]


def test_hostile_text_is_kept_escaped() -> None:
    received = replace(transaction(), envelope=replace(transaction().envelope, reverse_path="b\udce9b@x.example"))  # type: ignore[type-var]
    receipts().keep(received, Answer(decision(received), {}))
    assert row("t1")["reverse_path"] == "b\\xe9b@x.example"
