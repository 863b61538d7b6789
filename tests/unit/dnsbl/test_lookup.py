"""Asking lists: names, answers, and their health by the points of RFC 5782 §5."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest

from postern.dns import DnsAnswer, DnsStatus
from postern.dnsbl.lists import DnsList
from postern.dnsbl.lookup import ListHealth, ListState, ask_lists, health_questions, judge_health, question, read_answer
from postern.model import Points
from postern.networks import read_address
from postern.zone import ZoneResolver
from tests.material import vectors

CODES = MappingProxyType({"127.0.0.2": Points(300), "127.0.0.4": Points(100), "&64": Points(-200)})
LIST = DnsList(name="own", zone="bl.example", codes=CODES, refusals=("127.0.0.255",))


def found(*records: str) -> DnsAnswer:
    return DnsAnswer(DnsStatus.FOUND, records)


ABSENT = DnsAnswer(DnsStatus.NXDOMAIN)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.99", "99.2.0.192.bl.example"),
        (
            "2001:db8:1:2:3:4:567:89ab",
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example",
        ),
    ],
)
def test_octets_and_nibbles_are_reversed(address: str, name: str) -> None:
    assert question(read_address(address), LIST).name == name


@pytest.mark.parametrize(
    ("answer", "state", "points"),
    [
        (found("127.0.0.2"), ListState.BLOCKS, 300),
        (found("127.0.0.4", "127.0.0.2"), ListState.BLOCKS, 300),
        (found("127.0.0.64"), ListState.ALLOWS, -200),
        (found("127.0.0.3"), ListState.SILENT, 0),  # not declared
        (ABSENT, ListState.SILENT, 0),
        (DnsAnswer(DnsStatus.NO_DATA), ListState.SILENT, 0),
        (found("127.255.255.254"), ListState.REFUSES_US, 0),
        (found("127.0.0.2", "127.255.255.252"), ListState.REFUSES_US, 0),
        (found("127.0.0.1"), ListState.REFUSES_US, 0),
        (found("127.0.0.255"), ListState.REFUSES_US, 0),  # this list's own word for it
        (found("203.0.113.1"), ListState.BROKEN, 0),  # a parked domain answers everything
        (found("nonsense"), ListState.BROKEN, 0),
        (DnsAnswer(DnsStatus.TIMEOUT), ListState.TEMPERROR, 0),
        (DnsAnswer(DnsStatus.SERVFAIL), ListState.TEMPERROR, 0),
    ],
)
def test_what_an_answer_means(answer: DnsAnswer, state: ListState, points: int) -> None:
    read = read_answer(LIST, answer)
    assert (read.state, read.points) == (state, points)


def test_a_list_that_lists_everything_is_broken() -> None:
    zone = {"99.2.0.192.bl.example": {"A": ["127.0.0.2"]}, "1.0.0.127.bl.example": {"A": ["127.0.0.2"]}}
    (answer,) = ask_lists(read_address("192.0.2.99"), [LIST], ZoneResolver(zone))
    assert (answer.state, answer.points) == (ListState.BROKEN, 0)


def test_the_points_that_are_asked_are_those_of_the_rfc() -> None:
    points = json.loads(vectors("dnsbl", "rfc5782.json").read_text("utf-8"))
    for version, family in ((4, "ipv4"), (6, "ipv6")):
        listed, unlisted = health_questions(LIST, version)
        assert listed.name.removesuffix(".bl.example") == _reversed(points[family]["listed"])
        assert unlisted.name.removesuffix(".bl.example") == _reversed(points[family]["not_listed"])


def _reversed(address: str) -> str:
    if ":" not in address:
        return ".".join(reversed(address.split(".")))
    groups = address.strip(":").split(":")
    digits = "".join(group.rjust(4, "0") for group in groups).rjust(32, "0").lower()
    return ".".join(reversed(digits))


@pytest.mark.parametrize(
    ("listed", "unlisted", "health"),
    [
        (found("127.0.0.2"), ABSENT, ListHealth.HEALTHY),
        (ABSENT, ABSENT, ListHealth.LISTS_NOTHING),
        (found("127.0.0.2"), found("127.0.0.2"), ListHealth.LISTS_EVERYTHING),
        (found("203.0.113.1"), found("203.0.113.1"), ListHealth.LISTS_EVERYTHING),
        (found("127.255.255.254"), found("127.255.255.254"), ListHealth.REFUSES_US),
        (DnsAnswer(DnsStatus.TIMEOUT), ABSENT, ListHealth.UNREACHABLE),
        (found("127.0.0.2"), DnsAnswer(DnsStatus.SERVFAIL), ListHealth.UNREACHABLE),
    ],
)
def test_health(listed: DnsAnswer, unlisted: DnsAnswer, health: ListHealth) -> None:
    assert judge_health(listed, unlisted) is health
