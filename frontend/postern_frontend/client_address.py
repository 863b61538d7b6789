"""Client addresses: one canonical spelling, and the network a client is counted with."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from postern.networks import read_address

IPV4_NETWORK_BITS = 24
IPV6_NETWORK_BITS = 64

REMEMBERED = 4096
"""Clients come back, often at once; reading an address costs as much as several commands."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who is at the other end; `ip` is canonical, or `None` when a balancer does not say."""

    ip: str | None
    port: int = 0


@lru_cache(maxsize=REMEMBERED)
def canonical_ip(text: str) -> str:
    """The canonical spelling; an IPv4-mapped IPv6 address becomes IPv4, a zone id is dropped.

    Raises ValueError when `text` is no address.
    """
    return str(read_address(text.partition("%")[0]))


@lru_cache(maxsize=REMEMBERED)
def client_network(client_ip: str) -> str:
    """The /24 or /64 that holds the client, in CIDR form: neighbours share limits."""
    bits = IPV6_NETWORK_BITS if ":" in client_ip else IPV4_NETWORK_BITS
    return str(ipaddress.ip_network(f"{client_ip}/{bits}", strict=False))
