"""Protocols for every effect: what the domain asks of the world, and nothing about how it is done.

Adapters implement them (`postern_aws`), tests give them data. An adapter that cannot do what is asked raises
`Unavailable`; callers turn that into `temperror` or `451`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from postern.dns import DnsAnswer, Question
from postern.model import MessageReference, Points


class Unavailable(Exception):  # noqa: N818 - it states a condition of the world, not a mistake
    """An effect could not be had now: a store, a queue or a service did not answer. Always temporary."""


class Resolver(Protocol):
    """Asks the DNS. Never raises for what the DNS can answer; bounded by the transaction's deadline."""

    def query(self, name: str, rdtype: str) -> DnsAnswer:
        """Ask one question."""
        ...

    def query_all(self, questions: Sequence[Question]) -> tuple[DnsAnswer, ...]:
        """Ask several questions at once; the answers come in the order of the questions."""
        ...


class MessageSource(Protocol):
    """Reads raw messages back."""

    def read(self, reference: MessageReference) -> bytes:
        """The raw message; raises `Unavailable`."""
        ...


class ListEntry(Protocol):
    """One entry of a sender list, as stored: see `SenderListEntry`."""

    @property
    def scope(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def pattern(self) -> str: ...
    @property
    def points(self) -> Points | None: ...
    @property
    def note(self) -> str: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def needs_proof(self) -> bool: ...


class SenderLists(Protocol):
    """Looks up exact keys of the sender lists; patterns are turned into candidate keys by the caller."""

    def lookup(self, scopes: Iterable[str], patterns: Iterable[str]) -> tuple[ListEntry, ...]:
        """Every stored entry, of any action, at one of `scopes` whose pattern is one of `patterns`."""
        ...
