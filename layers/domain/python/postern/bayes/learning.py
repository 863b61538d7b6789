"""The set of learnt messages: exact, reversible, and the same whatever the order of learning.

A model is made from this set and nothing else, so learning a message twice changes nothing, relearning the other way
leaves no trace of the first, and unlearning works for as long as the message is in the set. A message that expires
leaves the set with all that it contributed: there is nothing left to undo.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from postern.bayes.examples import Example

MAX_EXAMPLES = 10_000
MIN_OF_EACH = 200
"""A site's own learning counts from so many ham and so many spam messages on."""


class Change(StrEnum):
    """What learning or unlearning did."""

    LEARNT = "learnt"
    RELEARNT = "relearnt"
    UNCHANGED = "unchanged"
    UNLEARNT = "unlearnt"
    UNKNOWN = "unknown"


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
    """Learnt messages by digest. Merging two sets gives the same result in either order: the later label wins."""

    def __init__(self, examples: Iterable[Example] = ()) -> None:
        self._examples: dict[bytes, Example] = {}
        for example in examples:
            self.merge(example)

    def __len__(self) -> int:
        return len(self._examples)

    def __contains__(self, digest: object) -> bool:
        return digest in self._examples

    def __iter__(self) -> Iterator[Example]:
        """In the order of their digests, which depends on nothing else."""
        return iter([self._examples[digest] for digest in sorted(self._examples)])

    def totals(self) -> Totals:
        """How many of each."""
        spams = sum(example.spam for example in self._examples.values())
        return Totals(len(self._examples) - spams, spams)

    def learn(self, example: Example) -> Change:
        """Learn a message; one that is known by the other label is unlearnt first."""
        known = self._examples.get(example.digest)
        if known and known.spam == example.spam:
            return Change.UNCHANGED
        self._examples[example.digest] = example
        return Change.RELEARNT if known else Change.LEARNT

    def unlearn(self, digest: bytes) -> Change:
        """Forget a message."""
        return Change.UNLEARNT if self._examples.pop(digest, None) else Change.UNKNOWN

    def merge(self, example: Example) -> None:
        """Take an example of another copy of the set."""
        known = self._examples.get(example.digest)
        if known is None or (known.learnt_at, known.spam) < (example.learnt_at, example.spam):
            self._examples[example.digest] = example

    def expire(self, most: int = MAX_EXAMPLES) -> tuple[bytes, ...]:
        """Forget the longest known messages beyond `most`, of the commoner label first; their digests."""
        excess = len(self._examples) - most
        if excess <= 0:
            return ()
        by_label = _oldest_first(self._examples.values())
        gone = []
        for _ in range(excess):
            commoner = max(by_label, key=lambda label: len(by_label[label]))
            gone.append(by_label[commoner].pop().digest)
        for digest in gone:
            del self._examples[digest]
        return tuple(gone)


def _oldest_first(examples: Iterable[Example]) -> dict[bool, list[Example]]:
    """The examples of each label, the oldest at the end, where it is taken from."""
    by_label: dict[bool, list[Example]] = {False: [], True: []}
    for example in sorted(examples, key=lambda one: (-one.learnt_at, one.digest)):
        by_label[example.spam].append(example)
    return by_label
