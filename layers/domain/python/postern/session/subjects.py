"""Whom screening counts and bans: a client address, its network, an account.

SubjectError    a text names none of them
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, ip_network

from postern.networks import is_internal, known_address, read_address
from postern.policy import PolicyError
from postern.wire import clean_text

NETWORK_BITS = {4: 24, 6: 64}
MAX_ACCOUNT_CHARACTERS = 320
REMEMBERED = 4096


class SubjectError(PolicyError):
    """A text that names no address, network or account; it says what would."""


class SubjectKind(StrEnum):
    """What a subject is, as its key begins."""

    ADDRESS = "ip"
    NETWORK = "net"
    ACCOUNT = "account"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class Subject:
    """One client address, network or account; as text, its key: `ip:203.0.113.9`, `net:203.0.113.0/24`."""

    kind: SubjectKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.name}"


SITE = Subject(SubjectKind.SITE, "notices")
"""The installation itself, of which notices are counted."""


@lru_cache(maxsize=REMEMBERED)
def address(client_ip: str) -> Subject:
    """The subject of a client address. Raises `ValueError` when it is none."""
    return Subject(SubjectKind.ADDRESS, str(read_address(client_ip)))


@lru_cache(maxsize=REMEMBERED)
def network(client_ip: str) -> Subject:
    """The /24 or /64 that holds the client. Raises `ValueError`."""
    client = read_address(client_ip)
    return Subject(SubjectKind.NETWORK, str(ip_network((client, NETWORK_BITS[client.version]), strict=False)))


def account(name: str) -> Subject:
    """The subject of an account, whatever a client calls it."""
    return Subject(SubjectKind.ACCOUNT, clean_text(name.lower())[:MAX_ACCOUNT_CHARACTERS])


def is_screened(client_ip: str) -> bool:
    """Whether a client may be counted at all: never one whose address is private (or unknown)."""
    client = known_address(client_ip)
    return client is not None and not is_internal(client)


def parse(key: str) -> Subject:
    """The subject of a stored key. Raises `SubjectError`."""
    kind, _, name = key.partition(":")
    try:
        return Subject(SubjectKind(kind), name)
    except ValueError as wrong:
        raise SubjectError(f"{key!r} is no subject; one begins with ip:, net: or account:") from wrong


def named(text: str) -> Subject:
    """What a person means: an address, a /24 or /64, or an account. Raises `SubjectError`."""
    text = text.strip()
    if "@" in text:
        return account(text)
    try:
        if "/" not in text:
            return address(text)
        meant = ip_network(text, strict=False)
    except ValueError as wrong:
        raise SubjectError(f"{text!r} is no address, network or account") from wrong
    if meant.prefixlen == meant.max_prefixlen:
        return address(str(meant.network_address))
    if meant.prefixlen != NETWORK_BITS[meant.version]:
        usual = 24 if isinstance(meant.network_address, IPv4Address) else 64
        raise SubjectError(f"{meant}: networks are banned as /{usual} here; any other size goes into screening.ban")
    return Subject(SubjectKind.NETWORK, str(meant))
