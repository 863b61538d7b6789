"""Whom screening means, and whom it never does."""

from __future__ import annotations

import pytest

from postern.session import subjects
from postern.session.subjects import SubjectError


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("203.0.113.9", "ip:203.0.113.9"),
        (" 203.0.113.9 ", "ip:203.0.113.9"),
        ("203.0.113.9/32", "ip:203.0.113.9"),
        ("::ffff:203.0.113.9", "ip:203.0.113.9"),
        ("203.0.113.77/24", "net:203.0.113.0/24"),
        ("2001:DB8::1", "ip:2001:db8::1"),
        ("2001:db8:0:1::/64", "net:2001:db8:0:1::/64"),
        ("Ann@Example.com", "account:ann@example.com"),
    ],
)
def test_what_a_person_writes(text: str, key: str) -> None:
    found = subjects.named(text)
    assert str(found) == key
    assert subjects.parse(key) == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("203.0.113.0/16", "screening.ban"),
        ("2001:db8::/48", "screening.ban"),
        ("mx.example.com", "is no address"),
        ("203.0.113.999", "is no address"),
        ("", "is no address"),
    ],
)
def test_what_cannot_be_banned_is_told(text: str, told: str) -> None:
    with pytest.raises(SubjectError, match=told):
        subjects.named(text)


@pytest.mark.parametrize(
    ("client_ip", "screened"),
    [
        ("203.0.113.9", True),
        ("2001:db8::9", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.31.255.255", False),
        ("192.168.1.1", False),
        ("169.254.1.1", False),
        ("100.64.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("nowhere", False),
    ],
)
def test_private_addresses_are_never_screened(client_ip: str, screened: bool) -> None:
    assert subjects.is_screened(client_ip) is screened


def test_an_account_name_is_bounded() -> None:
    assert len(subjects.account("a" * 10_000).name) == 320


def test_neighbours_share_a_network() -> None:
    assert str(subjects.network("203.0.113.9")) == "net:203.0.113.0/24"
    assert str(subjects.network("2001:db8:0:1:2:3:4:5")) == "net:2001:db8:0:1::/64"
