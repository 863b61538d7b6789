"""The watch over DNS lists, against real calls of DynamoDB and SNS and DNS as zone data."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from postern.checks.dnsbl import DnsblPolicy
from postern.checks.uribl import UriblPolicy
from postern.policy_book import PolicyBook
from postern.policy_compiler import Snapshot, StoredRows, compile_snapshot
from postern.zone import Zone, ZoneResolver
from postern_aws import clients
from postern_aws.dns_list_watch import DnsListWatch
from postern_aws.items import scan
from postern_aws.notices import SnsNotices
from postern_aws.switched_lists import SwitchedListsRow
from tests.embedded_aws import Installation

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
CODES = {"127.0.0.2": 3}
LISTS = [
    {"name": "good", "zone": "good.example", "codes": CODES},
    {"name": "refusing", "zone": "refusing.example", "codes": CODES, "refusals": ["127.0.0.255"]},
    {"name": "parked", "zone": "parked.example", "codes": CODES},
]
BOOK = PolicyBook(
    "v1",
    {
        "global": {
            "dnsbl": {"shipped": [], "lists": LISTS},
            "uribl": {"shipped": [], "lists": [{"name": "names", "zone": "names.example", "codes": CODES}]},
        }
    },
)
GOOD = {"A": ["127.0.0.2"]}
SICK: Zone = {
    "2.0.0.127.good.example": GOOD,
    "2.0.0.127.refusing.example": {"A": ["127.0.0.255"]},
    "2.0.0.127.parked.example": GOOD,
    "1.0.0.127.parked.example": GOOD,
    "test.names.example": GOOD,
    "invalid.names.example": GOOD,
}
WELL: Zone = {
    **{f"2.0.0.127.{name}.example": GOOD for name in ("good", "refusing", "parked")},
    "test.names.example": GOOD,
}
SWITCHED = ["refusing", "parked", "names"]


@pytest.fixture
def notices(aws: Installation) -> Installation:
    aws.notices()
    return aws


def watch(zone: Zone, aws: Installation) -> DnsListWatch:
    row = SwitchedListsRow(clients.dynamodb(), "Policy")
    return DnsListWatch(ZoneResolver(zone), row, SnsNotices(clients.sns(), aws.topic_arn))


def observed() -> tuple[str, ...]:
    """What the checks would only observe after the rows as they are now are compiled."""
    rows = StoredRows(policy=scan(clients.dynamodb(), "Policy"))
    compiled = compile_snapshot(rows, Snapshot())
    assert compiled.problems == ()
    book = compiled.snapshot.book
    return book.section("dnsbl", DnsblPolicy).observed + book.section("uribl", UriblPolicy).observed


def events(aws: Installation) -> list[str]:
    return [notice["MessageAttributes"]["event"]["Value"] for notice in aws.notices()]


def test_sick_lists_are_switched_told_once_and_switched_back(notices: Installation) -> None:
    found: Any = watch(SICK, notices).run(BOOK, NOW)
    assert [(one["name"], one["health"]) for one in found["lists"]] == [
        ("good", "healthy"),
        ("refusing", "refuses us"),
        ("parked", "lists everything"),
        ("names", "lists everything"),
    ]
    assert [one["name"] for one in found["switched"]] == SWITCHED
    assert [one["section"] for one in found["switched"]] == ["dnsbl", "dnsbl", "uribl"]
    assert observed() == tuple(SWITCHED)
    (told,) = notices.notices()
    assert told["MessageAttributes"]["event"]["Value"] == "dns_list_switched"
    assert "refusing: refuses us" in told["Message"]
    assert [one["name"] for one in json.loads(told["MessageAttributes"]["facts"]["Value"])["lists"]] == SWITCHED

    watch(SICK, notices).run(BOOK, NOW)
    assert events(notices) == []

    assert watch(WELL, notices).run(BOOK, NOW)["switched"] == []
    assert observed() == ()
    assert events(notices) == ["dns_list_recovered"]


def test_a_list_that_cannot_be_reached_changes_nothing(notices: Installation) -> None:
    watch(SICK, notices).run(BOOK, NOW)
    notices.notices()
    nobody: Zone = {name: {"A": "TIMEOUT"} for name in SICK}
    watch(nobody, notices).run(BOOK, NOW)
    assert (observed(), events(notices)) == (tuple(SWITCHED), [])


def test_of_several_looks_at_once_one_tells(notices: Installation) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: watch(SICK, notices).run(BOOK, NOW), range(8)))
    assert all(len(one["switched"]) == 3 for one in answers)
    assert (observed(), events(notices)) == (tuple(SWITCHED), ["dns_list_switched"])


def test_a_row_that_somebody_made_unreadable_is_written_anew(notices: Installation) -> None:
    row = {"scope": {"S": "global"}, "section": {"S": "dnsbl_health"}, "switched": {"S": "nonsense"}}
    clients.dynamodb().put_item(TableName="Policy", Item=row)
    watch(SICK, notices).run(BOOK, NOW)
    assert observed() == tuple(SWITCHED)
