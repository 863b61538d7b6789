"""A domain's DNS for mail: what is missing, what is wrong, and what to publish."""

from __future__ import annotations

import pytest

from postern.zone import ZoneResolver
from postern_cli.dns.examination import State, examine, is_ready

KEY = "A" * 392
GOOD = {
    "example.com": {"MX": ["10 mx.example.com"], "TXT": ["v=spf1 mx -all", "unrelated"]},
    "mx.example.com": {"A": ["192.0.2.1"]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mx.example.com"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject; rua=mailto:postmaster@example.com"]},
    "s1._domainkey.example.com": {"TXT": [f"v=DKIM1; p={KEY}"]},
}


def states(zone: dict[str, object]) -> dict[str, State]:
    subjects = examine("Example.com.", ZoneResolver(zone), ("s1",))  # type: ignore[arg-type]
    return {subject.name: subject.state for subject in subjects}


def test_a_domain_that_publishes_everything_is_ready() -> None:
    subjects = examine("example.com", ZoneResolver(GOOD), ("s1",))
    assert [subject.state for subject in subjects] == [State.GOOD] * 5
    assert is_ready(subjects)


def test_a_domain_without_anything_is_told_what_to_publish() -> None:
    subjects = examine("example.com", ZoneResolver({}))
    assert [subject.publish.split(" ")[0] for subject in subjects] == [
        "example.com.",
        "example.com.",
        "_dmarc.example.com.",
    ]
    assert not is_ready(subjects)


@pytest.mark.parametrize(
    ("name", "records", "subject", "state"),
    [
        ("example.com", {"MX": "TIMEOUT"}, "MX", State.UNKNOWN),
        ("example.com", {"MX": ["0 ."]}, "MX", State.ADVICE),
        ("mx.example.com", {}, "address of mx.example.com", State.MISSING),
        ("1.2.0.192.in-addr.arpa", {}, "PTR of 192.0.2.1", State.MISSING),
        ("1.2.0.192.in-addr.arpa", {"PTR": ["else.example.com"]}, "PTR of 192.0.2.1", State.WRONG),
        ("example.com", {"TXT": ["v=spf1 -all", "v=spf1 mx"]}, "SPF", State.WRONG),
        ("example.com", {"TXT": ["v=spf1 +all"]}, "SPF", State.WRONG),
        ("example.com", {"TXT": ["v=spf1 mx:::"]}, "SPF", State.WRONG),
        ("example.com", {"TXT": ["v=spf1 mx"]}, "SPF", State.ADVICE),
        ("s1._domainkey.example.com", {"TXT": ["v=DKIM1; p="]}, "DKIM s1", State.WRONG),
        ("s1._domainkey.example.com", {"TXT": ["v=DKIM1; p=abc"]}, "DKIM s1", State.WRONG),
        ("s1._domainkey.example.com", {}, "DKIM s1", State.MISSING),
        ("_dmarc.example.com", {"TXT": ["v=DMARC1; p=none; rua=mailto:a@b.c"]}, "DMARC", State.ADVICE),
        ("_dmarc.example.com", {"TXT": ["v=DMARC1; p=block"]}, "DMARC", State.WRONG),
    ],
)
def test_each_fault_is_found(name: str, records: dict[str, object], subject: str, state: State) -> None:
    assert states({**GOOD, name: records})[subject] is state
