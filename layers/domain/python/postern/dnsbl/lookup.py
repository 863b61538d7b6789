"""Asking lists about an address, and about their health (RFC 5782 §2.1, §2.4, §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from postern.dns import DnsAnswer, Question
from postern.dnsbl.codes import LOOPBACK_OCTET, REFUSALS, ReturnCode
from postern.dnsbl.lists import DnsList
from postern.model import Points
from postern.networks import IPAddress
from postern.ports import Resolver

_TEST_POINTS: dict[int, tuple[IPAddress, IPAddress]] = {
    4: (IPv4Address("127.0.0.2"), IPv4Address("127.0.0.1")),
    6: (IPv6Address("::ffff:7f00:2"), IPv6Address("::ffff:7f00:1")),
}
"""Per IP version, the address that every list must list and the one that none may (RFC 5782 §5)."""

_NO_POINTS = Points(0)
_MAX_CODES = 16


class ListState(StrEnum):
    """What a list's answer means."""

    BLOCKS = "blocks"
    ALLOWS = "allows"
    SILENT = "not listed"
    REFUSES_US = "refuses us"
    BROKEN = "broken"
    TEMPERROR = "temperror"


class ListHealth(StrEnum):
    """What the two test points say about a list."""

    HEALTHY = "healthy"
    LISTS_EVERYTHING = "lists everything"
    LISTS_NOTHING = "lists nothing"
    REFUSES_US = "refuses us"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """A list, what it said as return codes, and what that means; `points` are those of the strongest code."""

    dns_list: DnsList
    state: ListState
    codes: tuple[str, ...] = ()
    points: Points = _NO_POINTS


def question(address: IPAddress, dns_list: DnsList) -> Question:
    """What a list is asked: the octets (IPv4) or nibbles (IPv6) in reverse before its zone."""
    reverse = address.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
    return dns_list.question(reverse)


def health_questions(dns_list: DnsList, version: int = 4) -> tuple[Question, Question]:
    """The test points that must and must not be listed, for `judge_health`."""
    listed, unlisted = _TEST_POINTS[version]
    return question(listed, dns_list), question(unlisted, dns_list)


def judge_health(listed_test: DnsAnswer, unlisted_test: DnsAnswer, refusals: Sequence[ReturnCode] = ()) -> ListHealth:
    """The health of a list from the answers to `health_questions` (RFC 5782 §5); `refusals` are its own codes."""
    if any(_refuses(answer, refusals) for answer in (listed_test, unlisted_test)):
        return ListHealth.REFUSES_US
    if unlisted_test.records:
        return ListHealth.LISTS_EVERYTHING
    if listed_test.failed or unlisted_test.failed:
        return ListHealth.UNREACHABLE
    return ListHealth.HEALTHY if listed_test.records else ListHealth.LISTS_NOTHING


def ask_lists(address: IPAddress, lists: Sequence[DnsList], resolver: Resolver) -> tuple[ListAnswer, ...]:
    """What each list says about `address`, in the order of `lists`.

    A list that names the address is asked for 127.0.0.1 as well: one that lists everything, as lists do when they are
    abandoned, is broken.
    """
    answers = resolver.query_all([question(address, one) for one in lists])
    read = [read_answer(one, answer) for one, answer in zip(lists, answers, strict=True)]
    doubted = [one.dns_list for one in read if one.points and one.dns_list.test_point]
    test_point = _TEST_POINTS[address.version][1]
    tests = resolver.query_all([question(test_point, one) for one in doubted]) if doubted else ()
    broken = {one.name for one, test in zip(doubted, tests, strict=True) if test.records}
    return tuple(_broken(one) if one.dns_list.name in broken else one for one in read)


def read_answer(dns_list: DnsList, answer: DnsAnswer) -> ListAnswer:
    """What one answer of a list means."""
    if answer.failed:
        return ListAnswer(dns_list, ListState.TEMPERROR)
    codes = answer.records[:_MAX_CODES]
    if _refuses(answer, dns_list.refusal_codes()):
        return ListAnswer(dns_list, ListState.REFUSES_US, codes)
    if not all(_is_loopback(code) for code in codes):
        return ListAnswer(dns_list, ListState.BROKEN, codes)
    points = _points(dns_list, codes)
    state = ListState.BLOCKS if points > 0 else ListState.ALLOWS if points < 0 else ListState.SILENT
    return ListAnswer(dns_list, state, codes, points)


def _broken(answer: ListAnswer) -> ListAnswer:
    return replace(answer, state=ListState.BROKEN, points=_NO_POINTS)


def _refuses(answer: DnsAnswer, own: Sequence[ReturnCode]) -> bool:
    return any(
        code.matches(IPv4Address(record))
        for record in answer.records
        if _is_loopback(record)
        for code in (*REFUSALS, *own)
    )


def _points(dns_list: DnsList, codes: Sequence[str]) -> Points:
    counted = [points for code in codes for known, points in dns_list.declared() if known.matches(IPv4Address(code))]
    return max(counted, key=abs, default=_NO_POINTS)


def _is_loopback(text: str) -> bool:
    try:
        return IPv4Address(text).packed[0] == LOOPBACK_OCTET
    except ValueError:
        return False
