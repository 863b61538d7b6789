"""What learning asks of storage. Adapters raise `ports.Unavailable` when they cannot answer.

A lesson is first written to the journal, durably and on its own: learners cannot lose each other's work. From time to
time what waits there is taken into the learnt set, a model is made, and both become the next snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postern.bayes.lessons import Lesson

SNAPSHOTS_KEPT = 10


class SnapshotReplaced(Exception):  # noqa: N818 - it states what happened meanwhile
    """Another snapshot was taken into use since this one began; begin again from that."""


@dataclass(frozen=True, slots=True)
class HeldLesson:
    """A lesson that the guard did not let through, and why."""

    lesson: Lesson
    reason: str


class Journal(Protocol):
    """Lessons since the last snapshot, one per message: of two the one that outranks the other stays."""

    def note(self, lessons: Iterable[Lesson]) -> None:
        """Write lessons durably; writing one again changes nothing."""
        ...

    def waiting(self) -> Iterator[Lesson]:
        """What no snapshot has yet, in any order; what is held is left out."""
        ...

    def held(self) -> Iterator[HeldLesson]:
        """What the guard did not let through."""
        ...

    def settle(self, lessons: Iterable[Lesson]) -> None:
        """Remove these, except where a lesson has come since that outranks the one given."""
        ...

    def hold(self, lessons: Iterable[Lesson], reason: str) -> None:
        """Keep these out of snapshots until they are let through, or expire; with the same exception."""
        ...


@dataclass(frozen=True, slots=True)
class About:
    """What a snapshot is. `reason` says why it was made, for people."""

    version: str
    made_at: datetime
    hams: int
    spams: int
    has_model: bool
    reason: str = ""

    @property
    def messages(self) -> int:
        """How many messages it knows."""
        return self.hams + self.spams


@dataclass(frozen=True, slots=True)
class Current:
    """The snapshot in use. `token` changes whenever another one is taken into use."""

    about: About
    token: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a snapshot holds, as octets: the learnt set, and the model made of it, if it is enough for one."""

    lessons: bytes
    model: bytes | None


class Snapshots(Protocol):
    """Versions of the learnt set with their models. Versions sort by age."""

    def current(self) -> Current | None:
        """The snapshot in use, or `None` before the first."""
        ...

    def lessons(self, version: str) -> bytes:
        """The learnt set of a snapshot (see `archive`)."""
        ...

    def model(self, version: str) -> bytes:
        """The model of a snapshot that has one (see `codec`)."""
        ...

    def publish(self, about: About, content: Content, replacing: Current | None) -> None:
        """Keep a snapshot and take it into use, all or nothing, and drop the oldest beyond `SNAPSHOTS_KEPT`.

        Raises `SnapshotReplaced` when what it replaces is no longer in use.
        """
        ...

    def versions(self) -> tuple[About, ...]:
        """What is kept, newest first."""
        ...

    def use(self, version: str) -> About | None:
        """Take a kept snapshot into use; `None` when there is no such version."""
        ...
