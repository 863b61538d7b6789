"""Entries of the sender lists: the stored row, and the patterns by which entries are found.

A row has `scope` (`global`, `domain:example.com`, `mailbox:ann@example.com`) and `entry`, an action and a pattern such
as `block#*@spam.example`. Patterns are an address, `*@domain`, `*.domain` (every domain below), or a client network.

    EntryError    a row or pattern that cannot be used; the text says what would be right
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from ipaddress import ip_network

from postern.mime.domain_labels import to_ascii_domain
from postern.model import Points
from postern.networks import IPAddress
from postern.policy import MAX_POINTS, PolicyError

PREFIX_LENGTHS = {4: (32, 24, 16, 8), 6: (128, 64, 48, 32)}
"""The networks that entries can name, per IP version; each is one key, so that a look-up needs few."""

MAX_PATTERN_LENGTH = 320
MAX_PARENT_DOMAINS = 8


class EntryError(PolicyError):
    """A sender list's row that cannot be used."""


class ListAction(StrEnum):
    """What an entry does: `block` and `allow` count points, `refuse` is hard."""

    BLOCK = "block"
    ALLOW = "allow"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class SenderListEntry:
    """One entry. Implements `ports.ListEntry`.

    `points` is `None` for the default; `needs_proof=False` lets an allow entry count without authentication.
    """

    scope: str
    action: ListAction
    pattern: str
    points: Points | None = None
    note: str = ""
    expires_at: datetime | None = None
    needs_proof: bool = True

    @property
    def key(self) -> str:
        """The stored form of action and pattern: `block#*@spam.example`."""
        return f"{self.action}#{self.pattern}"


def read_entry(row: Mapping[str, object]) -> SenderListEntry:
    """The entry of a stored row. Raises `EntryError`."""
    scope, stored = row.get("scope"), row.get("entry")
    if not isinstance(scope, str) or not isinstance(stored, str):
        raise EntryError("a row of the sender lists needs scope and entry")
    action, separator, pattern = stored.partition("#")
    if not separator or action not in tuple(ListAction):
        choices = ", ".join(ListAction)
        raise EntryError(f"{stored[:80]!r}: write an action ({choices}), # and a pattern: block#*@spam.example")
    needs_proof = row.get("needs_proof", True)
    if not isinstance(needs_proof, bool):
        raise EntryError(f"{stored[:80]!r}: needs_proof is true or false")
    return SenderListEntry(
        scope=scope,
        action=ListAction(action),
        pattern=canonical_pattern(pattern),
        points=_read_points(row.get("points"), stored),
        note=str(row.get("note") or ""),
        expires_at=_read_time(row.get("expires_at"), stored),
        needs_proof=needs_proof,
    )


def canonical_pattern(text: str) -> str:
    """The pattern as it is stored: lower case, A-labels, networks without host bits. Raises `EntryError`."""
    pattern = text.strip().lower()
    if not pattern or len(pattern) > MAX_PATTERN_LENGTH:
        raise EntryError(f"a pattern has 1 to {MAX_PATTERN_LENGTH} characters")
    if "@" in pattern:
        local_part, _, domain = pattern.rpartition("@")
        if not local_part or ("*" in local_part and local_part != "*"):
            raise EntryError(f"{pattern!r}: before the @ stands a whole local part or *")
        return f"{local_part}@{_canonical_domain(domain, pattern)}"
    if pattern.startswith("*."):
        return f"*.{_canonical_domain(pattern[2:], pattern)}"
    return _canonical_network(pattern)


def address_patterns(local_part: str, domain: str) -> tuple[str, ...]:
    """The patterns that match an address; an empty `local_part` stands for one that is not known."""
    ascii_name = to_ascii_domain(domain)
    if not ascii_name:
        return ()
    # What is not printable, lone surrogates above all, is no key that anybody could have stored.
    exact = (f"{local_part.lower()}@{ascii_name}",) if local_part.isprintable() and local_part else ()
    labels = ascii_name.split(".")[-(MAX_PARENT_DOMAINS + 1) :]
    parents = (f"*.{'.'.join(labels[at:])}" for at in range(1, len(labels)))
    return tuple(pattern for pattern in (*exact, f"*@{ascii_name}", *parents) if len(pattern) <= MAX_PATTERN_LENGTH)


def client_patterns(client: IPAddress) -> tuple[str, ...]:
    """The patterns that match a client's address, which may be stored with or without its prefix length."""
    return (
        str(client),
        *(str(ip_network((client, prefix), strict=False)) for prefix in PREFIX_LENGTHS[client.version]),
    )


def _canonical_domain(domain: str, pattern: str) -> str:
    name = to_ascii_domain(domain)
    if not name:
        raise EntryError(f"{pattern!r}: {domain!r} is no domain")
    return name


def _canonical_network(pattern: str) -> str:
    try:
        network = ip_network(pattern, strict=False)
    except ValueError as wrong:
        raise EntryError(
            f"{pattern!r}: a pattern is ann@example.com, *@example.com, *.example.com or a network"
        ) from wrong
    if network.prefixlen not in PREFIX_LENGTHS[network.version]:
        choices = ", ".join(f"/{length}" for length in PREFIX_LENGTHS[network.version])
        raise EntryError(f"{pattern!r}: a network has one of the prefix lengths {choices}")
    return str(network) if network.num_addresses > 1 else str(network.network_address)


def _read_points(stored: object, entry: str) -> Points | None:
    if stored is None:
        return None
    try:
        hundredths = Decimal(str(stored)) * 100
    except InvalidOperation as wrong:
        raise EntryError(f"{entry[:80]!r}: points is a number, found {stored!r}") from wrong
    if isinstance(stored, bool) or not hundredths.is_finite() or abs(hundredths) > MAX_POINTS:
        raise EntryError(f"{entry[:80]!r}: points is a number between -100000 and 100000, found {stored!r}")
    return Points(int(hundredths.to_integral_value()))


def _read_time(stored: object, entry: str) -> datetime | None:
    """Seconds since 1970, as DynamoDB's expiry needs them, or an RFC 3339 time."""
    if stored is None:
        return None
    try:
        if isinstance(stored, str):
            moment = datetime.fromisoformat(stored)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(stored, int | float | Decimal) and not isinstance(stored, bool):
            return datetime.fromtimestamp(float(stored), UTC)
    except (ValueError, OverflowError, OSError) as wrong:
        raise EntryError(f"{entry[:80]!r}: expires_at {stored!r} is no time") from wrong
    raise EntryError(f"{entry[:80]!r}: expires_at is seconds since 1970 or an RFC 3339 time")
