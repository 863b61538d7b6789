"""The set of learnt messages: exact, reversible, and the same whatever the order of learning.

A model is made from this set and nothing else, so learning a message twice changes nothing, relearning the other way
leaves no trace of the first, and unlearning works for as long as the message is in the set. A message that expires
leaves the set with all that it contributed: there is nothing left to undo.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from postern.bayes.lessons import Lesson
from postern.bayes.requests import Label

MAX_LEARNT = 10_000
MAX_OCTETS = 150 << 20
"""What the packed features of all messages may take together."""

MIN_OF_EACH = 200
"""A site's own learning counts from so many ham and so many spam messages on."""

FORGETTING_KEPT = 30 * 86_400_000
"""How long a message is known to be forgotten (ms), so that an older lesson that comes late does not revive it."""


class Change(StrEnum):
    """What a lesson did."""

    LEARNT = "learnt"
    RELEARNT = "relearnt"
    UNCHANGED = "unchanged"
    UNLEARNT = "unlearnt"
    OUTRANKED = "outranked"
    """A later lesson, or one by a person, says otherwise."""

    UNKNOWN = "unknown"
    """What was to be forgotten had not been learnt."""


CHANGES = frozenset({Change.LEARNT, Change.RELEARNT, Change.UNLEARNT})
"""Those after which a model is not what it was."""


@dataclass(frozen=True, slots=True)
class Totals:
    """How many messages of each kind are in a set."""

    hams: int
    spams: int

    @property
    def enough(self) -> bool:
        """Whether a site's learning counts."""
        return min(self.hams, self.spams) >= MIN_OF_EACH


class LearntMessages:
    """Learnt messages by digest. Merging two sets gives the same result in either order."""

    def __init__(self, lessons: Iterable[Lesson] = ()) -> None:
        self._lessons: dict[bytes, Lesson] = {}
        for lesson in lessons:
            self.take(lesson)

    def __len__(self) -> int:
        return sum(self.totals_by_label().values())

    def __contains__(self, digest: object) -> bool:
        return isinstance(digest, bytes) and self.label(digest) is not None

    def __iter__(self) -> Iterator[Lesson]:
        """What is learnt, in the order of digests, which depends on nothing else."""
        return (lesson for lesson in self.every() if lesson.label is not Label.FORGOTTEN)

    def every(self) -> Iterator[Lesson]:
        """What is learnt and what is known to be forgotten, in the order of digests."""
        return iter([self._lessons[digest] for digest in sorted(self._lessons)])

    def label(self, digest: bytes) -> Label | None:
        """As what a message is learnt, or `None`."""
        lesson = self.lesson(digest)
        return lesson.label if lesson else None

    def lesson(self, digest: bytes) -> Lesson | None:
        """What a message teaches, or `None` when it is not learnt."""
        lesson = self._lessons.get(digest)
        return lesson if lesson and lesson.label is not Label.FORGOTTEN else None

    def totals(self) -> Totals:
        """How many of each."""
        counted = self.totals_by_label()
        return Totals(counted[Label.HAM], counted[Label.SPAM])

    def totals_by_label(self) -> dict[Label, int]:
        """How many messages are learnt as each."""
        counted = {Label.HAM: 0, Label.SPAM: 0}
        for lesson in self._lessons.values():
            if lesson.label is not Label.FORGOTTEN:
                counted[lesson.label] += 1
        return counted

    def take(self, lesson: Lesson) -> Change:
        """Take a lesson, unless another about the same message outranks it."""
        before = self._lessons.get(lesson.digest)
        if before is not None and before.rank > lesson.rank:
            return Change.UNCHANGED if before.label is lesson.label else Change.OUTRANKED
        self._lessons[lesson.digest] = lesson
        return _change(before, lesson)

    def expire(self, now: int, most: int = MAX_LEARNT, octets: int = MAX_OCTETS) -> tuple[bytes, ...]:
        """Drop what is too much, and old forgettings; the digests of learnt messages that went.

        Of the commoner label first what nobody taught, then what was taught longest ago. `now` is in milliseconds.
        """
        for lesson in [one for one in self._lessons.values() if one.label is Label.FORGOTTEN]:
            if lesson.taught_at < now - FORGETTING_KEPT:
                del self._lessons[lesson.digest]
        learnt = list(self)
        excess = max(len(learnt) - most, _too_many(learnt, octets))
        if excess <= 0:
            return ()
        by_label = _cheapest_last(learnt)
        gone = []
        for _ in range(excess):
            commoner = max(by_label, key=lambda label: len(by_label[label]))
            gone.append(by_label[commoner].pop().digest)
        for digest in gone:
            del self._lessons[digest]
        return tuple(gone)


def _change(before: Lesson | None, lesson: Lesson) -> Change:
    known = before is not None and before.label is not Label.FORGOTTEN
    if lesson.label is Label.FORGOTTEN:
        return Change.UNLEARNT if known else Change.UNKNOWN
    if before is None or not known:
        return Change.LEARNT
    return Change.UNCHANGED if before.label is lesson.label else Change.RELEARNT


def _too_many(learnt: list[Lesson], octets: int) -> int:
    """How many messages of average size are above the limit."""
    size = sum(len(lesson.packed) for lesson in learnt)
    return -(-(size - octets) * len(learnt) // size) if size > octets else 0


def _cheapest_last(learnt: Iterable[Lesson]) -> dict[bool, list[Lesson]]:
    """The lessons of each label, the first to go at the end, where it is taken from."""
    by_label: dict[bool, list[Lesson]] = {False: [], True: []}
    for lesson in sorted(learnt, key=lambda one: (-one.rank, one.digest)):
        by_label[lesson.spam].append(lesson)
    return by_label
