"""Which servers a domain has, from zone data: order, implicit MX, null MX, loops, and what is never connected to."""

from __future__ import annotations

import pytest

from postern.outgoing.mail_hosts import MAX_ADDRESSES, MAX_HOSTS, HostFinder, MailHost, NoHosts
from postern.zone import Zone, ZoneResolver

OURS = frozenset({"mx.example.com"})


def find(
    zone: Zone, domain: str = "remote.example", spread: str = "t1", *, private: bool = False
) -> tuple[MailHost, ...] | NoHosts:
    return HostFinder(ZoneResolver(zone), OURS, takes_private=private).find(domain, spread)


def names(found: tuple[MailHost, ...] | NoHosts) -> list[str]:
    assert not isinstance(found, NoHosts), found
    return [host.name for host in found]


def test_servers_come_by_preference_with_all_their_addresses() -> None:
    zone = {
        "remote.example": {"MX": ["20 b.remote.example", "10 a.remote.example"]},
        "a.remote.example": {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"]},
        "b.remote.example": {"A": ["192.0.2.3"]},
    }
    assert find(zone) == (
        MailHost("a.remote.example", ("192.0.2.1", "192.0.2.2", "2001:db8::1")),
        MailHost("b.remote.example", ("192.0.2.3",)),
    )


def test_equal_servers_share_the_load() -> None:
    zone: Zone = {
        "remote.example": {"MX": [f"10 {name}.remote.example" for name in "abc"]},
        **{f"{name}.remote.example": {"A": ["192.0.2.1"]} for name in "abc"},
    }
    orders = {tuple(names(find(zone, spread=f"t{number}"))) for number in range(60)}
    assert len(orders) == 6
    assert names(find(zone, spread="t7")) == names(find(zone, spread="t7"))


def test_a_domain_without_mx_is_its_own_server() -> None:
    assert find({"remote.example": {"A": ["192.0.2.1"]}}) == (MailHost("remote.example", ("192.0.2.1",)),)
    assert find({"remote.example": {"AAAA": ["2001:db8::1"]}}) == (MailHost("remote.example", ("2001:db8::1",)),)


@pytest.mark.parametrize(
    ("zone", "reply", "is_final"),
    [
        ({"remote.example": {"MX": ["0 ."]}}, "556 5.1.10", True),
        ({"other.example": {"A": ["192.0.2.1"]}}, "550 5.1.2", True),
        ({"remote.example": {"TXT": ["nothing else"]}}, "550 5.4.4", True),
        ({"remote.example": {"MX": ["10 a.remote.example"]}}, "550 5.4.4", True),
        ({"remote.example": {"MX": "TIMEOUT"}}, "451 4.4.3", False),
        ({"remote.example": {"MX": "SERVFAIL", "A": ["192.0.2.1"]}}, "451 4.4.3", False),
        ({"remote.example": {"MX": ["10 a.remote.example"]}, "a.remote.example": {"*": "TIMEOUT"}}, "451 4.4.3", False),
        ({"remote.example": {"MX": ["10 mx.example.com"]}}, "554 5.4.6", True),
    ],
)
def test_a_domain_without_servers_says_why(zone: Zone, reply: str, is_final: bool) -> None:
    found = find(zone)
    assert isinstance(found, NoHosts)
    assert found.reply.startswith(reply)
    assert found.is_final is is_final


def test_only_servers_preferred_to_us_are_tried() -> None:
    zone = {
        "remote.example": {"MX": ["10 a.remote.example", "20 MX.Example.COM", "20 b.remote.example", "30 c.example"]},
        **{f"{name}.remote.example": {"A": ["192.0.2.1"]} for name in "ab"},
        "c.example": {"A": ["192.0.2.1"]},
    }
    assert names(find(zone)) == ["a.remote.example"]


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "::1", "fd00::1", "::ffff:127.0.0.1"]
)
def test_nobody_makes_us_talk_to_our_own_network(address: str) -> None:
    rdtype = "AAAA" if ":" in address else "A"
    zone = {"remote.example": {rdtype: [address]}}
    assert isinstance(find(zone), NoHosts)
    assert names(find(zone, private=True)) == ["remote.example"]
    mixed: Zone = {"remote.example": {rdtype: [address], ("A" if rdtype == "AAAA" else "AAAA"): []}}
    assert isinstance(find(mixed), NoHosts)


def test_a_private_address_beside_a_public_one_is_left_out() -> None:
    assert find({"remote.example": {"A": ["10.0.0.1", "192.0.2.1"]}}) == (MailHost("remote.example", ("192.0.2.1",)),)


def test_what_a_domain_can_make_us_try_is_bounded() -> None:
    zone: Zone = {
        "remote.example": {"MX": [f"{number} h{number}.remote.example" for number in range(40)]},
        **{f"h{number}.remote.example": {"A": [f"192.0.2.{last}" for last in range(1, 20)]} for number in range(40)},
    }
    found = find(zone)
    assert names(found) == [f"h{number}.remote.example" for number in range(MAX_HOSTS)]
    assert not isinstance(found, NoHosts)
    assert {len(host.addresses) for host in found} == {MAX_ADDRESSES}


@pytest.mark.parametrize(("literal", "address"), [("[192.0.2.7]", "192.0.2.7"), ("[IPv6:2001:db8::7]", "2001:db8::7")])
def test_an_address_literal_is_its_own_server(literal: str, address: str) -> None:
    assert find({}, literal) == (MailHost(literal, (address,)),)


@pytest.mark.parametrize("literal", ["[127.0.0.1]", "[IPv6:::1]", "[192.0.2.7", "[example.com]", "[]", "["])
def test_a_literal_that_is_no_public_address_is_refused(literal: str) -> None:
    found = find({}, literal)
    assert isinstance(found, NoHosts)
    assert found.is_final
