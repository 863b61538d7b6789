"""What counts as the same attempt."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from postern.greylist.triplet import MAX_OCTETS, client_network, permitted_hosts, triplet


@pytest.mark.parametrize(
    ("client", "network"),
    [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64")],
)
def test_neighbours_count_as_one(client: str, network: str) -> None:
    assert client_network(ip_address(client)) == network


def test_a_triplet_is_readable() -> None:
    assert triplet("192.0.2.0/24", "Bob@Example.com", "ann@example.org") == (
        "192.0.2.0/24 bob@example.com ann@example.org"
    )
    assert triplet(permitted_hosts("Example.com"), None, "ann@example.org") == "spf:example.com <> ann@example.org"


def test_a_triplet_fits_into_a_key_and_survives_what_is_no_text() -> None:
    long = triplet("192.0.2.0/24", "\u00fc" * 900 + "@example.com", "a" * 900 + "@example.org")
    assert len(long.encode()) <= MAX_OCTETS
    assert long != triplet("192.0.2.0/24", "\u00fc" * 900 + "@example.com", "b" * 900 + "@example.org")
    assert triplet("192.0.2.0/24", "bob\udcff@example.com", "ann@example.org").encode()
