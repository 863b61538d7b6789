"""The ARC sets of a message: three fields per server, put together and checked for structure (RFC 8617 §4, §5.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from postern.dkim.rejection import SignatureRejected
from postern.dkim.signature import read_tags
from postern.message import HeaderField, Message
from postern.model import ResultWord

MAX_SETS = 50  # RFC 8617 §4.2.1

RESULTS = "arc-authentication-results"
MESSAGE_SIGNATURE = "arc-message-signature"
SEAL = "arc-seal"

_INSTANCE = re.compile(r"[0-9]{1,3}")
_RESULTS_INSTANCE = re.compile(rb"[ \t\r\n]*+i[ \t\r\n]*+=[ \t\r\n]*+([0-9]{1,3})[ \t\r\n]*+;")


@dataclass(frozen=True, slots=True)
class ArcSet:
    """What one server added: its results, its signature of the message, its seal of the chain so far."""

    instance: int
    results: HeaderField
    message_signature: HeaderField
    signature_tags: Mapping[str, str]
    seal: HeaderField
    seal_tags: Mapping[str, str]

    @property
    def fields(self) -> tuple[HeaderField, HeaderField, HeaderField]:
        """The three fields in the order they are sealed in (RFC 8617 §5.1.1)."""
        return (self.results, self.message_signature, self.seal)


def rejected(reason: str) -> SignatureRejected:
    """A chain that is broken: `fail`, the only word ARC has for it."""
    return SignatureRejected(reason, ResultWord.FAIL)


def read_sets(message: Message) -> tuple[ArcSet, ...]:
    """The sets in order of instance; empty without any ARC field. Raises `SignatureRejected` for a broken chain."""
    fields = [message.fields(name) for name in (RESULTS, MESSAGE_SIGNATURE, SEAL)]
    count = max(map(len, fields))
    if count > MAX_SETS:
        raise rejected("too many ARC sets")
    results, signatures, seals = (_by_instance(group) for group in fields)
    for instance in range(1, count + 1):
        if not (instance in results and instance in signatures and instance in seals):
            raise rejected(f"ARC set {instance} is not complete")
    sets = tuple(
        ArcSet(
            instance,
            results[instance].field,
            signatures[instance].field,
            signatures[instance].tags,
            seals[instance].field,
            seals[instance].tags,
        )
        for instance in range(1, count + 1)
    )
    _check_chain_values(sets)
    return sets


@dataclass(frozen=True, slots=True)
class _Read:
    field: HeaderField
    tags: Mapping[str, str]


def _by_instance(fields: Sequence[HeaderField]) -> dict[int, _Read]:
    found: dict[int, _Read] = {}
    for instance, one in _instances(fields):
        if instance in found:
            raise rejected(f"ARC set {instance} has a field twice")
        found[instance] = one
    return found


def _instances(fields: Sequence[HeaderField]) -> Iterator[tuple[int, _Read]]:
    for field in fields:
        if field.key == RESULTS:
            match = _RESULTS_INSTANCE.match(field.raw_value)
            tags: Mapping[str, str] = {}
            text = match[1].decode("ascii") if match else ""
        else:
            tags = read_tags(field.raw_value)
            text = tags.get("i", "")
        if not _INSTANCE.fullmatch(text):
            raise rejected(f"{field.name} without an instance")
        yield int(text), _Read(field, tags)


def _check_chain_values(sets: Sequence[ArcSet]) -> None:
    """The first seal says that there was no chain, every later one that it was whole (RFC 8617 §5.2, step 3)."""
    for one in sets:
        if one.seal_tags.get("cv", "").lower() != ("none" if one.instance == 1 else "pass"):
            raise rejected(f"ARC set {one.instance} says that the chain is broken")
