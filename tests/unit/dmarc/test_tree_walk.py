"""The tree walk: which names, where it ends, and what the organization is (RFC 9989 §4.10, Appendix B.4)."""

from __future__ import annotations

import pytest

from postern.dmarc.tree_walk import MAX_QUERIES, TreeWalker, walk_names
from postern.runner import RecordingResolver
from postern.zone import Zone, ZoneResolver

RECORD = "v=DMARC1; p=none"


def walker(**records: str) -> TreeWalker:
    zone = {f"_dmarc.{name.replace('__', '.')}": {"TXT": [text]} for name, text in records.items()}
    return TreeWalker(ZoneResolver(zone))


def test_names_of_a_short_walk() -> None:
    assert walk_names("a.mail.example.com") == ("a.mail.example.com", "mail.example.com", "example.com", "com")
    assert walk_names("com") == ("com",)


@pytest.mark.parametrize("labels", range(1, 40))
def test_a_walk_has_at_most_eight_names_and_ends_at_the_top(labels: int) -> None:
    domain = ".".join(f"l{number}" for number in range(labels))
    names = walk_names(domain)
    assert len(names) == min(labels, MAX_QUERIES)
    assert names[0] == domain
    assert names[-1] == domain.rpartition(".")[2]
    assert len({name.count(".") for name in names}) == len(names)


@pytest.mark.parametrize(
    ("records", "domain", "organization"),
    [
        ({}, "a.example.com", "a.example.com"),
        ({"example__com": RECORD}, "a.b.example.com", "example.com"),
        ({"mail__example__com": RECORD, "example__com": RECORD}, "a.mail.example.com", "example.com"),
        ({"mail__example__com": f"{RECORD}; psd=n", "example__com": RECORD}, "a.mail.example.com", "mail.example.com"),
        ({"com": f"{RECORD}; psd=y"}, "a.mail.example.com", "example.com"),
        ({"bank__example": f"{RECORD}; psd=y"}, "mail.mega.bank.example", "mega.bank.example"),
        ({"bank__example": f"{RECORD}; psd=y"}, "bank.example", "bank.example"),
        ({"com": RECORD}, "a.example.com", "com"),
        ({"com": f"{RECORD}; psd=y"}, "a.b.c.d.e.f.g.h.i.example.com", "example.com"),
    ],
)
def test_the_organizational_domain(records: dict[str, str], domain: str, organization: str) -> None:
    assert walker(**records).walk(domain).organizational_domain() == organization


def test_several_records_cancel_each_other_on_the_way() -> None:
    zone = {
        "_dmarc.mail.example.com": {"TXT": [RECORD, RECORD]},
        "_dmarc.example.com": {"TXT": ["v=spf1 -all", RECORD]},
    }
    walk = TreeWalker(ZoneResolver(zone)).walk("mail.example.com")
    assert walk.start.several
    assert walk.record_at("mail.example.com") is None
    assert walk.organizational_domain() == "example.com"


def test_trouble_above_the_end_of_the_walk_does_not_matter() -> None:
    above: Zone = {"_dmarc.com": {"TXT": "TIMEOUT"}}
    ended: Zone = {"_dmarc.example.com": {"TXT": [f"{RECORD}; psd=n"]}, **above}
    open_ended: Zone = {"_dmarc.example.com": {"TXT": [RECORD]}, **above}
    assert not TreeWalker(ZoneResolver(ended)).walk("example.com").failed
    assert TreeWalker(ZoneResolver(open_ended)).walk("example.com").failed


def test_no_name_is_asked_for_twice() -> None:
    resolver = RecordingResolver(ZoneResolver({}))
    subject = TreeWalker(resolver)
    for domain in ("a.example.com", "example.com", "b.example.com", "a.example.com"):
        subject.walk(domain)
    asked = [lookup.name for lookup in resolver.lookups]
    assert asked == [
        "_dmarc.a.example.com",
        "_dmarc.example.com",
        "_dmarc.com",
        "_dmarc.b.example.com",
    ]


@pytest.mark.parametrize(
    ("zone", "exists"),
    [
        ({}, False),
        ({"a.example.com": {"MX": ["10 mx.example.com"]}}, True),
        ({"below.a.example.com": {"A": ["192.0.2.1"]}}, True),
        ({"a.example.com": {"*": "TIMEOUT"}}, True),
        ({"_dmarc.a.example.com": {"TXT": ["hello"]}}, True),
    ],
)
def test_whether_a_domain_exists(zone: dict[str, dict[str, list[str] | str]], *, exists: bool) -> None:
    subject = TreeWalker(ZoneResolver(zone))
    subject.walk("a.example.com")
    assert subject.exists("a.example.com") is exists
