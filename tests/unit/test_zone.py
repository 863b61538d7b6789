"""A zone as data answers as the DNS would."""

from __future__ import annotations

import pytest

from postern.dns import DnsAnswer, DnsStatus, Question
from postern.zone import Zone, ZoneError, ZoneResolver

ZONE: Zone = {
    "Example.COM.": {"MX": ["10 Mail.Example.com."], "TXT": ["v=spf1 -all"], "AAAA": "TIMEOUT"},
    "www.example.com": {"CNAME": ["host.example.com"]},
    "host.example.com": {"A": ["192.0.2.1"], "*": "SERVFAIL"},
    "loop.example.com": {"CNAME": ["loop.example.com"]},
    "deep.under.example.org": {"A": ["192.0.2.2"]},
}


@pytest.mark.parametrize(
    ("name", "rdtype", "expected"),
    [
        ("example.com", "MX", DnsAnswer(DnsStatus.FOUND, ("10 mail.example.com",))),
        ("EXAMPLE.com", "A", DnsAnswer(DnsStatus.NO_DATA)),
        ("example.com", "AAAA", DnsAnswer(DnsStatus.TIMEOUT)),
        ("www.example.com", "A", DnsAnswer(DnsStatus.FOUND, ("192.0.2.1",))),
        ("www.example.com", "TXT", DnsAnswer(DnsStatus.SERVFAIL)),
        ("loop.example.com", "A", DnsAnswer(DnsStatus.SERVFAIL)),
        ("under.example.org", "A", DnsAnswer(DnsStatus.NO_DATA)),
        ("nowhere.example.org", "A", DnsAnswer(DnsStatus.NXDOMAIN)),
        (f"{'a' * 64}.example.com", "A", DnsAnswer(DnsStatus.INVALID_NAME)),
        ("double..dot", "A", DnsAnswer(DnsStatus.INVALID_NAME)),
    ],
)
def test_answers(name: str, rdtype: str, expected: DnsAnswer) -> None:
    assert ZoneResolver(ZONE).query(name, rdtype) == expected


def test_several_questions_are_answered_in_order() -> None:
    questions = [Question("host.example.com", "A"), Question("example.com", "TXT")]
    records = [answer.records for answer in ZoneResolver(ZONE).query_all(questions)]
    assert records == [("192.0.2.1",), ("v=spf1 -all",)]


@pytest.mark.parametrize("zone", [{"a.example": "x"}, {"a.example": {"A": "LATER"}}, {"a.example": {"A": [1]}}])
def test_a_malformed_zone_names_the_place(zone: dict[str, object]) -> None:
    with pytest.raises(ZoneError, match=r"a\.example"):
        ZoneResolver(zone)  # type: ignore[arg-type]
