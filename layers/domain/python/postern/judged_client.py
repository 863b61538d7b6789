"""Whom SPF, reverse look-ups and blocklists judge: the client, or who stands behind a trusted forwarder.

A trusted forwarder hands on other people's mail, so its own address says nothing. The Received fields that it and
its internal hosts wrote are believed, from the top down to the first client that is neither.
"""

from __future__ import annotations

from dataclasses import dataclass

from postern.message import Message
from postern.model import Transaction
from postern.networks import IPAddress, is_internal, is_within, known_address
from postern.received_hop import read_hop

MAX_HOPS = 10


@dataclass(frozen=True, slots=True)
class JudgedClient:
    """The client to judge. `address` is `None` when nobody knows it, and `reason` says why.

    `hops` is how many Received fields were looked behind; 0 is the client of the session itself.
    """

    address: IPAddress | None
    helo_identity: str
    hops: int = 0
    reason: str = ""


def judged_client(transaction: Transaction, message: Message | None) -> JudgedClient:
    """The last untrusted hop; the session's client where it is no trusted forwarder, or where mail began at one."""
    client = known_address(transaction.client_ip)
    forwarders = transaction.site.trusted_forwarders
    if client is None:
        return JudgedClient(None, transaction.helo_identity, reason="the client's address is not known")
    if not is_within(client, forwarders):
        return JudgedClient(client, transaction.helo_identity)
    for hops, field in enumerate(message.fields("received")[:MAX_HOPS] if message else (), start=1):
        hop = read_hop(field.unfolded)
        if hop is None:
            return JudgedClient(None, "", hops, "a Received field of a trusted forwarder does not tell the client")
        address = known_address(hop.client_ip)
        if address is not None and not is_within(address, forwarders) and not is_internal(address):
            return JudgedClient(address, hop.helo_identity, hops)
    return JudgedClient(client, transaction.helo_identity)
