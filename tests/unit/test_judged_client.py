"""Who is judged: the client, or who stands behind a trusted forwarder."""

from __future__ import annotations

import pytest

from postern.judged_client import MAX_HOPS, judged_client
from postern.message import Message, parse_message
from postern.networks import known_address
from tests.transactions import make_transaction, transaction_from_file

FORWARDERS = ("198.51.100.0/24", "2001:db8:f::/48", "no network")


def message(*received: str) -> Message:
    fields = "".join(f"Received: {value}\r\n" for value in received)
    return parse_message(f"{fields}Subject: x\r\n\r\n".encode())


def hop(client_ip: str, helo: str = "outside.example") -> str:
    return f"from {helo} (rdns.example [{client_ip}])\r\n by mx.forwarder.example; Sun, 22 Nov 2026 12:00:00 +0000"


@pytest.mark.parametrize(
    ("received", "client_ip", "helo", "hops"),
    [
        ((hop("192.0.2.7"),), "192.0.2.7", "outside.example", 1),
        ((hop("198.51.100.2"), hop("192.0.2.7")), "192.0.2.7", "outside.example", 2),
        ((hop("127.0.0.1"), hop("10.1.2.3"), hop("192.0.2.7")), "192.0.2.7", "outside.example", 3),
        (("by mx.forwarder.example with local", hop("192.0.2.7")), "192.0.2.7", "outside.example", 2),
        ((hop("192.0.2.7"), hop("203.0.113.9")), "192.0.2.7", "outside.example", 1),
        # it began at the forwarder
        ((), "198.51.100.1", "mail.example.com", 0),
        ((hop("10.1.2.3"),), "198.51.100.1", "mail.example.com", 0),
        ((hop("10.1.2.3"),) * (MAX_HOPS + 5), "198.51.100.1", "mail.example.com", 0),
    ],
)
def test_behind_a_trusted_forwarder(received: tuple[str, ...], client_ip: str, helo: str, hops: int) -> None:
    transaction = make_transaction(client_ip="198.51.100.1", trusted_forwarders=FORWARDERS)
    judged = judged_client(transaction, message(*received))
    assert (str(judged.address), judged.helo_identity, judged.hops) == (client_ip, helo, hops)


def test_fields_of_a_stranger_are_not_believed() -> None:
    transaction = make_transaction(client_ip="203.0.113.5", trusted_forwarders=FORWARDERS)
    assert judged_client(transaction, message(hop("192.0.2.7"))).address == known_address("203.0.113.5")


def test_an_unclear_field_means_that_nobody_is_judged() -> None:
    transaction = make_transaction(client_ip="2001:db8:f::1", trusted_forwarders=FORWARDERS)
    judged = judged_client(transaction, message("from x by y", hop("192.0.2.7")))
    assert judged.address is None
    assert "does not tell" in judged.reason


@pytest.mark.parametrize("client_ip", [None, "not an address", ""])
def test_without_an_address_nobody_is_judged(client_ip: str | None) -> None:
    assert judged_client(make_transaction(client_ip=client_ip), None).address is None


def test_a_message_from_a_file_has_no_client() -> None:
    assert judged_client(transaction_from_file(), None).address is None


def test_mapped_addresses_are_ipv4() -> None:
    judged = judged_client(make_transaction(client_ip="::ffff:192.0.2.7"), None)
    assert str(judged.address) == "192.0.2.7"
