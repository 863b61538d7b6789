"""Aliases that would lead in a circle, found before they are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from postern.recipients import MAX_ALIAS_LEVELS

MAX_FOLLOWED = 2_000
"""Addresses that are looked up; a list of lists with more is not followed to its end."""

TargetsOf = Callable[[str], Sequence[str]]
"""Where an address leads, as it would be with the new alias; empty when it is no alias."""


def find_cycle(address: str, targets_of: TargetsOf) -> tuple[str, ...]:
    """The way by which `address` leads to an address a second time; empty when it does not."""
    ways: list[tuple[str, ...]] = [(address,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        reached = way[-1]
        if reached in way[:-1]:
            return way
        if reached in seen or len(way) > MAX_ALIAS_LEVELS or len(seen) > MAX_FOLLOWED:
            continue
        seen.add(reached)
        ways += [(*way, target) for target in targets_of(reached)]
    return ()
