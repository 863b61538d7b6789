"""`check_host`: limits, DNS trouble and hostile input beyond the published suite (RFC 7208 §4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from postern.dns import DnsAnswer, Question
from postern.model import ResultWord
from postern.networks import read_address
from postern.spf.evaluator import MAX_EXPLANATION_LENGTH, Verdict, check_host
from postern.spf.identity import SpfRequest
from postern.zone import Zone, ZoneResolver


def request(client_ip: str = "192.0.2.1", domain: str = "example.com", local_part: str = "bob") -> SpfRequest:
    return SpfRequest(
        client_ip=read_address(client_ip),
        helo_identity="mail.example.com",
        local_part=local_part,
        domain=domain,
        receiver="mx.receiver.example",
        asked_at=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
    )


def verdict(zone: Zone, **arguments: str) -> Verdict:
    return check_host(request(**arguments), ZoneResolver(zone))


class CountingResolver(ZoneResolver):
    """Counts the questions that are asked."""

    def __init__(self, zone: Zone) -> None:
        super().__init__(zone)
        self.asked: list[str] = []

    def query(self, name: str, rdtype: str) -> DnsAnswer:
        self.asked.append(name)
        return super().query(name, rdtype)

    def query_all(self, questions: Sequence[Question]) -> tuple[DnsAnswer, ...]:
        return super().query_all(questions)


@pytest.mark.parametrize(
    "domain", ["", "localhost", "[192.0.2.1]", "a b.example.com", "a\0.example.com", "x..example", "münchen", "x" * 300]
)
def test_a_domain_that_cannot_have_a_policy_has_none(domain: str) -> None:
    resolver = CountingResolver({})
    assert check_host(request(domain=domain), resolver).result is ResultWord.NONE
    assert resolver.asked == []


@pytest.mark.parametrize("trouble", ["TIMEOUT", "SERVFAIL"])
@pytest.mark.parametrize(
    "term", ["a:broken.example", "mx:broken.example", "exists:broken.example", "include:broken.example"]
)
def test_dns_trouble_is_temperror(term: str, trouble: str) -> None:
    zone: Zone = {"example.com": {"TXT": [f"v=spf1 {term} -all"]}, "broken.example": {"*": trouble}}
    assert verdict(zone).result is ResultWord.TEMPERROR


def test_trouble_with_pointers_only_means_no_match() -> None:
    zone: Zone = {"example.com": {"TXT": ["v=spf1 ptr -all"]}, "1.2.0.192.in-addr.arpa": {"PTR": "SERVFAIL"}}
    assert verdict(zone).result is ResultWord.FAIL


def test_a_match_outweighs_another_exchange_that_cannot_be_asked() -> None:
    zone: Zone = {
        "example.com": {"TXT": ["v=spf1 mx -all"], "MX": ["10 dead.example.com", "20 live.example.com"]},
        "dead.example.com": {"A": "TIMEOUT"},
        "live.example.com": {"A": ["192.0.2.1"]},
    }
    assert verdict(zone).result is ResultWord.PASS


def test_a_term_counts_once_as_void_however_many_exchanges_are_missing() -> None:
    exchanges = [f"{n} gone{n}.example.com" for n in range(10)]
    zone: Zone = {"example.com": {"TXT": ["v=spf1 mx a:gone.example.com -all"], "MX": exchanges}}
    assert verdict(zone).result is ResultWord.FAIL


@pytest.mark.parametrize(("voids", "result"), [(2, ResultWord.FAIL), (3, ResultWord.PERMERROR)])
def test_two_terms_may_ask_for_what_does_not_exist(voids: int, result: ResultWord) -> None:
    terms = " ".join(f"exists:gone{n}.example.com" for n in range(voids))
    assert verdict({"example.com": {"TXT": [f"v=spf1 {terms} -all"]}}).result is result


def test_the_macro_p_counts_as_a_lookup_the_first_time() -> None:
    a_terms = "a " * 8
    zone: Zone = {"example.com": {"TXT": [f"v=spf1 {a_terms} exists:%{{p}}.example.com ?all"], "A": ["203.0.113.1"]}}
    assert verdict(zone).result is ResultWord.NEUTRAL
    one_more = {"example.com": {**zone["example.com"], "TXT": [f"v=spf1 a {a_terms} exists:%{{p}}.example.com ?all"]}}
    assert verdict(one_more).result is ResultWord.PERMERROR


def test_include_loops_end_after_ten_lookups() -> None:
    resolver = CountingResolver({"example.com": {"TXT": ["v=spf1 include:example.com -all"]}})
    assert check_host(request(), resolver).result is ResultWord.PERMERROR
    assert len(resolver.asked) == 11


def test_non_ascii_local_parts_match_nothing() -> None:
    resolver = CountingResolver({"example.com": {"TXT": ["v=spf1 exists:%{l}.allow.example.com -all"]}})
    assert check_host(request(local_part="bücher"), resolver).result is ResultWord.FAIL
    assert resolver.asked == ["example.com"]


def test_an_explanation_is_bounded_and_printable() -> None:
    zone: Zone = {
        "example.com": {"TXT": ["v=spf1 -all exp=why.example.com"]},
        "why.example.com": {"TXT": ["%{l} was here " * 100]},
    }
    explanation = verdict(zone, local_part="evil\r\n").explanation
    assert len(explanation) == MAX_EXPLANATION_LENGTH
    assert explanation.startswith("evil?? was here ")


def test_macros_know_time_receiver_and_client() -> None:
    zone: Zone = {
        "example.com": {"TXT": ["v=spf1 -all exp=why.example.com"]},
        "why.example.com": {"TXT": ["%{c} at %{t} by %{r}, %{h}"]},
    }
    said = verdict(zone, client_ip="2001:db8::1").explanation
    assert said == "2001:db8::1 at 1795348800 by mx.receiver.example, mail.example.com"


def test_a_record_of_garbage_addresses_matches_nobody() -> None:
    zone: Zone = {"example.com": {"TXT": ["v=spf1 a/0 -all"], "A": ["not an address", "2001:db8::1"]}}
    assert verdict(zone).result is ResultWord.FAIL


def test_the_name_that_is_asked_keeps_its_right_end() -> None:
    label = "x" * 60
    resolver = CountingResolver(
        {"example.com": {"TXT": [f"v=spf1 exists:%{{l}}.{label}.{label}.{label}.example.com -all"]}}
    )
    check_host(request(local_part=f"one.two.{'y' * 61}"), resolver)
    assert resolver.asked[1] == f"{label}.{label}.{label}.example.com"
