"""IP addresses and networks as policy and messages write them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

INTERNAL_NETWORKS: tuple[IPNetwork, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # RFC 1122 §3.2.1.3
        "10.0.0.0/8",  # RFC 1918
        "100.64.0.0/10",  # RFC 6598
        "127.0.0.0/8",
        "169.254.0.0/16",  # RFC 3927
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",  # multicast, reserved, broadcast
        "::/127",  # unspecified and loopback
        "fc00::/7",  # RFC 4193
        "fe80::/10",
        "ff00::/8",
    )
)
"""Where no client on the public Internet can be. Networks for documentation are not among them: nobody is there."""


def read_address(text: str) -> IPAddress:
    """The address; IPv4-mapped IPv6 is IPv4 (RFC 7208 §5). Raises `ValueError` for anything else."""
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def known_address(text: str | None) -> IPAddress | None:
    """As `read_address`; `None` for no text and for text that is no address."""
    try:
        return read_address(text) if text else None
    except ValueError:
        return None


def is_internal(address: IPAddress) -> bool:
    """Whether the address can only be inside somebody's own network."""
    return any(address in network for network in INTERNAL_NETWORKS)


def is_network(text: str) -> bool:
    """Whether the text is an address or a network in CIDR form."""
    return _read_network(text) is not None


def is_within(address: IPAddress, networks: Iterable[str]) -> bool:
    """Whether the address is in one of the networks in CIDR form; what is no network holds nothing."""
    return any(network is not None and address in network for network in map(_read_network, networks))


@lru_cache(maxsize=1024)
def _read_network(text: str) -> IPNetwork | None:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None
