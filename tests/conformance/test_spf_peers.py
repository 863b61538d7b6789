"""Our SPF beside pyspf: its own test file, and both evaluators over every domain of the RFC 7208 suite."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from typing import Any

import pytest

from postern.networks import read_address
from postern.spf.evaluator import check_host
from postern.spf.identity import SpfRequest
from postern.zone import Zone, ZoneResolver
from tests.conformance.spf_suite import SpfCase, read_suite
from tests.conformance.test_spf_vectors import assert_as_the_suite_says, judge
from tests.material import vectors

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pyspf's text has escapes that newer Pythons warn of when they compile it
    import spf as pyspf

EXTRA = read_suite(vectors("spf", "pyspf-extra-test.yml"))
DEPARTURES = {
    "default-modifier": "pyspf's lax mode honours default= of drafts before RFC 4408; to RFC 7208 §6 it is unknown",
    "default-modifier-harsh": "`ambiguous` is a result of pyspf's own, for people who write records",
}


@pytest.mark.parametrize("case", [case for case in EXTRA if case.name not in DEPARTURES], ids=lambda case: case.name)
def test_pyspf_s_own_cases(case: SpfCase) -> None:
    assert_as_the_suite_says(case, judge(case, ZoneResolver(case.zone)))


@pytest.mark.parametrize("name", DEPARTURES)
def test_unknown_modifiers_leave_the_result_neutral(name: str) -> None:
    (case,) = [case for case in EXTRA if case.name == name]
    assert judge(case, ZoneResolver(case.zone)).result.value == "neutral"


ZONES = {id(case.zone): case.zone for case in read_suite(vectors("spf", "rfc7208-tests.yml"))}
CLIENTS = ("1.2.3.4", "192.168.218.42", "cafe:babe::1", "2001:db8::1")
PEER_DEPARTURES = {
    # pyspf counts the empty PTR answer of each %{p} as a void lookup; §4.6.4 counts terms, and this one asks nothing
    # that its publisher could have avoided.
    "e7.example.com": ("permerror", "neutral"),
}


@pytest.mark.parametrize("zone", ZONES.values(), ids=lambda zone: next(iter(zone)))
def test_both_evaluators_agree(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = ZoneResolver(zone)
    monkeypatch.setattr(pyspf, "DNSLookup", _Lookup(resolver))
    for domain in zone:
        for client_ip in CLIENTS:
            theirs = _theirs(client_ip, domain)
            ours = _ours(client_ip, domain, resolver)
            departs = PEER_DEPARTURES.get(domain) == (theirs, ours)
            assert theirs == ours or departs, (domain, client_ip)


def _ours(client_ip: str, domain: str, resolver: ZoneResolver) -> str:
    request = SpfRequest(
        client_ip=read_address(client_ip),
        helo_identity="mail.example.com",
        local_part="strong-bad",
        domain=domain,
        receiver="mx.receiver.example",
        asked_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    return check_host(request, resolver).result.value


def _theirs(client_ip: str, domain: str) -> str:
    query = pyspf.query(
        i=client_ip, s=f"strong-bad@{domain}", h="mail.example.com", strict=1, receiver="mx.receiver.example"
    )
    result: str = query.check()[0]
    return result


class _Lookup:
    """The DNS as pyspf asks for it."""

    def __init__(self, resolver: ZoneResolver) -> None:
        self._resolver = resolver

    def __call__(self, name: str, rdtype: str, *_: Any, **__: Any) -> list[tuple[tuple[str, str], Any]]:
        answer = self._resolver.query(name, rdtype)
        if answer.failed:
            raise pyspf.TempError(f"DNS {answer.status}")
        return [((name, rdtype), _value(rdtype, record)) for record in answer.records]


def _value(rdtype: str, record: str) -> Any:
    if rdtype == "TXT":
        return (record.encode("latin-1"),)
    if rdtype == "MX":
        preference, _, exchange = record.partition(" ")
        return int(preference), exchange.removesuffix(".")
    return record
