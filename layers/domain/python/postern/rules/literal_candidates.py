"""Which patterns may match where, told by the literals they need: nothing has to be prepared or installed for it.

All texts of a message are laid end to end and looked up at once. Patterns that repeat something are tried where it
occurs often enough; patterns against disguised words over paragraphs without what disguises; a few always.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

from postern.rules.literal_index import LiteralIndex
from postern.rules.literals import (
    MIN_LENGTH,
    NOT_WORD,
    Counted,
    counted_literals,
    required_literals,
    squeezed_literals,
)
from postern.rules.matchers import Matcher
from postern.rules.targets import BODY, Finding, Target, Texts

FEW_LITERALS = 24
"""Of patterns with more literals than these it is also weighed how often they must occur."""

LEAST_COUNTED = 3
"""Patterns that repeat something so often are only tried where its literals occur so often."""

_COUNTED = Target("counted")
"""The body again, for patterns whose literals are counted."""

_ONE_EMPTY = (b"",)


class LiteralCandidates:
    """The patterns by their literals."""

    def __init__(self, patterns: Iterable[tuple[Matcher, Target]]) -> None:
        self._slots: dict[bytes, dict[Target, list[Matcher]]] = {}
        self._counted: list[tuple[Matcher, Counted]] = []
        self._squeezed_slots: dict[bytes, list[Matcher]] = {}
        self._squeezed: list[Matcher] = []
        self._always: list[tuple[Matcher, Target]] = []
        for matcher, target in patterns:
            self._sort(matcher, target)
        self._index = LiteralIndex(self._slots)
        self._numbered = tuple(self._slots.values())
        self._squeezed_index = LiteralIndex(self._squeezed_slots)
        self._squeezed_numbered = tuple(self._squeezed_slots.values())

    def find(self, texts: Texts) -> Mapping[Matcher, Finding]:
        """Every pattern that may match, with the texts in which it may."""
        found: dict[Matcher, Finding] = {}
        for matcher, target in self._always:
            if texts[target] != _ONE_EMPTY or matcher.matches_nothing:
                found[matcher] = Finding(texts[target])
        found.update(self._by_literal(texts))
        found.update(self._by_squeezed(texts.get(BODY, ())))
        return found

    def _sort(self, matcher: Matcher, target: Target) -> None:
        tree = matcher.tree()
        literals = required_literals(tree) if tree else frozenset()
        counted = counted_literals(tree) if tree and not 0 < len(literals) <= FEW_LITERALS else None
        if target == BODY and counted is not None and counted[1] >= LEAST_COUNTED:
            self._counted.append((matcher, counted))
            for literal in counted[0]:
                if len(literal) >= MIN_LENGTH:
                    self._slots.setdefault(literal, {}).setdefault(_COUNTED, []).append(matcher)
        elif literals:
            for literal in literals:
                self._slots.setdefault(literal, {}).setdefault(target, []).append(matcher)
        else:
            squeezed = squeezed_literals(tree) if tree and target == BODY else frozenset()
            if squeezed is not None and not squeezed:
                self._always.append((matcher, target))
                return
            self._squeezed.append(matcher)
            for literal in squeezed or ():
                self._squeezed_slots.setdefault(literal, []).append(matcher)

    def _by_literal(self, texts: Texts) -> Iterator[tuple[Matcher, Finding]]:
        places = [(target, text) for target, some in texts.items() for text in some]
        starts = _starts(text for _, text in places)
        wanted: dict[Matcher, dict[int, None]] = {}
        counts: dict[tuple[Matcher, int], int] = {}
        seen: set[tuple[int, int]] = set()
        for number, position in self._index.find(b"\0".join(text for _, text in places).lower()):
            place = bisect_right(starts, position) - 1
            slots, target = self._numbered[number], places[place][0]
            if target == BODY:
                for matcher in slots.get(_COUNTED, ()):
                    counts[matcher, place] = counts.get((matcher, place), 0) + 1
            if (number, place) not in seen:
                seen.add((number, place))
                for matcher in slots.get(target, ()):
                    wanted.setdefault(matcher, {})[place] = None
        for matcher, some in wanted.items():
            yield matcher, Finding([places[place][1] for place in sorted(some)])
        yield from self._by_count([(at, text) for at, (target, text) in enumerate(places) if target == BODY], counts)

    def _by_count(
        self, lines: Sequence[tuple[int, bytes]], counts: Mapping[tuple[Matcher, int], int]
    ) -> Iterator[tuple[Matcher, Finding]]:
        """Patterns that repeat something: the paragraphs that have enough of it."""
        lower = [(place, text, text.lower()) for place, text in lines] if self._counted else []
        for matcher, (literals, least) in self._counted:
            short = [literal for literal in literals if len(literal) < MIN_LENGTH]
            likely = [
                text
                for place, text, same in lower
                if counts.get((matcher, place), 0) + sum(same.count(literal) for literal in short) >= least
            ]
            if likely:
                yield matcher, Finding(likely)

    def _by_squeezed(self, lines: Sequence[bytes]) -> Iterator[tuple[Matcher, Finding]]:
        """The same over squeezed paragraphs; those that are not ASCII may have anything."""
        if not self._squeezed or not lines:
            return
        foreign = [line for line in lines if not line.isascii()]
        plain = [line for line in lines if line.isascii()]
        squeezed = [line.lower().translate(None, NOT_WORD) for line in plain]
        starts = _starts(squeezed)
        wanted: dict[Matcher, dict[int, None]] = {}
        for number, position in self._squeezed_index.find(b"\0".join(squeezed)):
            for matcher in self._squeezed_numbered[number]:
                wanted.setdefault(matcher, {})[bisect_right(starts, position) - 1] = None
        for matcher in self._squeezed if foreign else wanted:
            places = sorted(wanted.get(matcher, ()))
            yield matcher, Finding([*(plain[place] for place in places), *foreign])


def _starts(texts: Iterable[bytes]) -> list[int]:
    """Where each text begins when they are laid end to end with one octet between them."""
    starts, at = [], 0
    for text in texts:
        starts.append(at)
        at += len(text) + 1
    return starts
