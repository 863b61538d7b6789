"""What greylisting counts as the same: client network, reverse-path and recipient (RFC 6647 §2.2)."""

from __future__ import annotations

import hashlib
from ipaddress import ip_network

from postern.networks import IPAddress
from postern.reverse_path_tags import untagged
from postern.wire import clean_text

NETWORK_BITS = {4: 24, 6: 64}
"""Large senders retry from a neighbour; what they have in common is a network of this many bits."""

MAX_OCTETS = 1024
"""Of a triplet; a key of DynamoDB holds 2048."""

NULL_REVERSE_PATH = "<>"


def client_network(client: IPAddress) -> str:
    """The network by which a client is known: `192.0.2.0/24`."""
    return str(ip_network((client, NETWORK_BITS[client.version]), strict=False))


def permitted_hosts(domain: str) -> str:
    """All hosts that SPF permits for a domain, counted as one network: `spf:example.com`."""
    return f"spf:{domain.lower()}"


def triplet(network: str, reverse_path: str | None, recipient: str) -> str:
    """The key, as people read it: `192.0.2.0/24 bob@example.com ann@example.org`."""
    path = NULL_REVERSE_PATH if reverse_path is None else untagged(reverse_path)
    key = clean_text(f"{network} {path} {recipient}")
    octets = key.encode("utf-8")
    if len(octets) <= MAX_OCTETS:
        return key
    return f"{clean_text(network)} sha256:{hashlib.sha256(octets).hexdigest()}"
