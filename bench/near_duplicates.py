"""Messages that are nearly the same, found by how many numbered tokens they share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from postern.bayes.hashing import Ids

SKETCH = 150
INDEXED = 40
ALIKE = 0.4
COMMON = 60
"""A token that so many messages have makes none of them candidates."""


def duplicate_groups(contents: Sequence[Ids]) -> list[int]:
    """A group for every message: those that share more than 40 % of their tokens, directly or by way of others."""
    sketches = [frozenset(ids[:SKETCH].tolist()) for ids in contents]
    parent = list(range(len(contents)))
    for one, other in _candidates(contents):
        a, b = sketches[one], sketches[other]
        if a and len(a & b) > ALIKE * len(a | b):
            parent[_root(parent, one)] = _root(parent, other)
    return [_root(parent, index) for index in range(len(contents))]


def _candidates(contents: Sequence[Ids]) -> Iterator[tuple[int, int]]:
    holders: dict[int, list[int]] = defaultdict(list)
    for index, ids in enumerate(contents):
        for number in ids[:INDEXED].tolist():
            holders[number].append(index)
    pairs = {pair for index in holders.values() if len(index) <= COMMON for pair in combinations(index, 2)}
    yield from sorted(pairs)


def _root(parent: list[int], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = parent[index]
    return index
