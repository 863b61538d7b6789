"""Addresses and networks as people and messages write them."""

from __future__ import annotations

import pytest

from postern.networks import is_internal, is_within, known_address, read_address


@pytest.mark.parametrize(
    ("text", "internal"),
    [
        ("10.255.0.1", True),
        ("100.64.0.1", True),
        ("127.0.0.1", True),
        ("169.254.1.1", True),
        ("172.31.0.1", True),
        ("172.32.0.1", False),
        ("192.168.1.1", True),
        ("255.255.255.255", True),
        ("::1", True),
        ("fd00::1", True),
        ("fe80::1", True),
        ("::ffff:10.0.0.1", True),
        ("192.0.2.1", False),
        ("2001:db8::1", False),
        ("2606:4700::1", False),
    ],
)
def test_internal_addresses(text: str, internal: bool) -> None:
    assert is_internal(read_address(text)) is internal


def test_networks_that_are_none_hold_nobody() -> None:
    assert not is_within(read_address("192.0.2.1"), ("", "example.com", "192.0.2.0/99", "2001:db8::/32"))
    assert is_within(read_address("192.0.2.1"), ("nonsense", " 192.0.2.77/24 "))


@pytest.mark.parametrize("text", [None, "", "1.2.3", "192.0.2.1/32", "[192.0.2.1]", "host.example"])
def test_what_is_no_address(text: str | None) -> None:
    assert known_address(text) is None
