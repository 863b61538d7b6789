"""Counting for DMARC reports: exact under any number of front ends, and only what nobody opted out of."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest

from postern.dmarc_reports.counting import AggregateRow, PublishedPolicy
from postern.evidence import DmarcPolicy
from postern.exchange import Answer
from postern.model import Decision, Disposition, Points, RecipientDecision
from postern.policy_compiler import Snapshot
from postern.ports import Unavailable
from postern.replies import Reply
from postern_aws import clients
from postern_aws.dmarc_rows import KEPT, DmarcCounter, DynamoDmarcRows
from postern_aws.items import epoch, scan
from tests.transactions import RECEIVED_AT, RECIPIENT, make_transaction

pytestmark = pytest.mark.usefixtures("aws")

DAY = date(2026, 11, 22)
AT_ONCE = 200
ROW = AggregateRow(
    published=PublishedPolicy("example.com", "reject", report_uris=("mailto:d@example.com",)),
    source_ip="192.0.2.1",
    author_domain="example.com",
    envelope_from="example.com",
    disposition=DmarcPolicy.REJECT,
    dkim_aligned=False,
    spf_aligned=False,
    spf_domain="example.com",
    spf_result="fail",
)
DMARC = {
    "check_id": "dmarc",
    "result": "fail",
    "properties": {
        "header.from": "example.com",
        "policy": "reject",
        "domains": {"policy": "example.com"},
        "published": {"p": "reject", "rua": ["mailto:d@example.com"]},
    },
}
REFUSED = Decision(
    "test-1",
    Reply(550, "5.7.1", "no"),
    (RecipientDecision(RECIPIENT, Disposition.REJECT, Disposition.REJECT, Points(0)),),
)


def table(name: str = "DmarcReports") -> DynamoDmarcRows:
    return DynamoDmarcRows(clients.dynamodb(), name)


@dataclass
class Snapshots:
    scopes: Mapping[str, Any]

    def current(self) -> Snapshot:
        return Snapshot("v1", self.scopes, {})


def keep(scopes: Mapping[str, Any] | None = None, dmarc: Mapping[str, Any] = DMARC) -> None:
    DmarcCounter(table(), Snapshots(scopes or {})).keep(make_transaction(), Answer(REFUSED, {"dmarc": dmarc}))


def test_many_front_ends_count_exactly() -> None:
    rows = [replace(ROW, source_ip=f"192.0.2.{number}") for number in range(4)]
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda number: table().count(rows[number % 4], RECEIVED_AT), range(AT_ONCE)))
    found = dict(table().rows(DAY))
    assert found == dict.fromkeys(rows, AT_ONCE // 4)


def test_a_day_is_a_day_of_utc_and_a_domain_can_be_asked_for() -> None:
    other = replace(ROW, published=replace(ROW.published, domain="example.net"))
    table().count(ROW, RECEIVED_AT)
    table().count(other, RECEIVED_AT)
    table().count(ROW, RECEIVED_AT + timedelta(days=1))
    assert dict(table().rows(DAY)) == {ROW: 1, other: 1}
    assert dict(table().rows(DAY, "example.net")) == {other: 1}
    assert dict(table().rows(DAY, "example")) == {}


def test_rows_are_words_for_people_and_expire() -> None:
    table().count(ROW, RECEIVED_AT)
    (row,) = scan(clients.dynamodb(), "DmarcReports")
    assert row["day"] == "2026-11-22"
    assert row["row"].startswith("example.com#")
    assert (row["messages"], row["source_ip"], row["disposition"]) == (1, "192.0.2.1", "reject")
    assert row["expires_at"] == epoch(RECEIVED_AT + KEPT)


def test_a_refused_message_is_counted() -> None:
    keep()
    keep()
    ((row, count),) = table().rows(DAY)
    assert (row.disposition, row.published.domain, count) == ("reject", "example.com", 2)


@pytest.mark.parametrize(
    "scopes",
    [
        {"global": {"dmarc_reports": {"count": False}}},
        {"domain:receiver.example": {"dmarc_reports": {"count": False}}},
        {"global": {"dmarc_reports": {"suppressed": ["example.com"]}}},
    ],
)
def test_whoever_opted_out_is_not_counted(scopes: Mapping[str, Any]) -> None:
    keep(scopes)
    assert list(table().rows(DAY)) == []


def test_trouble_is_told_and_does_not_stop_the_mail() -> None:
    told: list[tuple[str, Exception]] = []
    rows = DynamoDmarcRows(clients.dynamodb(), "Missing", lambda *trouble: told.append(trouble))
    DmarcCounter(rows, Snapshots({})).keep(make_transaction(), Answer(REFUSED, {"dmarc": DMARC}))
    ((transaction_id, trouble),) = told
    assert transaction_id == "test-1"
    assert isinstance(trouble, Unavailable)
    with pytest.raises(Unavailable):
        list(rows.rows(DAY))
