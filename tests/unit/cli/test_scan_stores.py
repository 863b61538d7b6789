"""Cases of a scan bring along what the tables would hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from postern.backscatter.keys import BatvKey
from postern.backscatter.tags import day_number, signed
from tests.unit.cli.test_scan_batch import SESSION, answer, case

NOW = datetime.fromisoformat(str(SESSION["now"]))
UNKNOWN = {"client_ip": "203.0.113.9", "zone": {"example.com": {"A": ["192.0.2.1"]}}}
TRIPLET = "203.0.113.0/24 bob@example.com ann@receiver.example"
KEY = BatvKey(0, b"secret", NOW)
POLICY = {
    "backscatter": {"mode": "enforce", "domains": [{"domain": "receiver.example", "signing_since": "2025-01-01"}]}
}


def report(rcpt_to: str, **others: Any) -> dict[str, Any]:
    told = answer(case(mail_from="", rcpt_to=[rcpt_to], policy=POLICY, batv_keys={"0": "secret"}, **others))
    assert "error" not in told
    return told


def test_a_message_that_is_looked_at_afterwards_does_not_wait() -> None:
    assert answer(case(**UNKNOWN))["disposition"] == "accept"


@pytest.mark.parametrize(("age", "disposition"), [(None, "defer"), (60, "defer"), (3600, "accept")])
def test_a_case_can_say_what_the_greylist_knows(age: int | None, disposition: str) -> None:
    rows = [] if age is None else [{"triplet": TRIPLET, "first_seen": NOW.timestamp() - age}]
    told = answer(case(**UNKNOWN, greylist=rows))
    assert told["disposition"] == disposition
    assert ("451 4.7.1 Greylisted" in told["reply"]) is (disposition == "defer")


def test_a_known_correspondent_gets_credit_and_does_not_wait() -> None:
    known = [{"mailbox": "ann@receiver.example", "address": "Bob@example.com"}]
    told = answer(case(correspondents=known, greylist=[], policy={"greylisting": {"applies_to": "all"}}))
    assert told["disposition"] == "accept"
    assert [one["symbol"] for one in told["results"]["correspondents"]["findings"]] == ["KNOWN_CORRESPONDENT"]


def test_a_report_needs_a_tag() -> None:
    tagged = signed("ann@receiver.example", KEY, day_number(NOW))
    assert tagged is not None
    assert report(tagged)["disposition"] == "accept"
    refused = report("ann@receiver.example")
    assert refused["disposition"] == "reject"
    assert refused["reply"].startswith("550 5.7.1 This reports about a message that was not sent from here")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("greylist", [{"triplet": "x"}]),
        ("greylist", {}),
        ("greylist", [{"triplet": "x", "first_seen": True}]),
        ("correspondents", "x"),
        ("batv_keys", ["secret"]),
        ("batv_keys", {"10": "secret"}),
        ("sent_messages", 1),
    ],
)
def test_what_is_no_row_is_said(key: str, value: object) -> None:
    assert key.partition("_")[0] in answer(case(**{key: value}))["error"]
