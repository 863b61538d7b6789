"""The most telling tokens of a message in words: numbers are named from the message's own tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from postern.bayes.features import Features
from postern.bayes.fisher import Clues
from postern.bayes.hashing import Run, pairs

MAX_NAME = 80


@dataclass(frozen=True, slots=True)
class Clue:
    """One token: what it is, the probability that a message with it is spam, and how many messages had it."""

    name: str
    probability: float
    observations: float


def name_clues(features: Features, clues: Clues, most: int = 15) -> tuple[Clue, ...]:
    """The strongest tokens, strongest first, named from the message they were found in."""
    order = np.argsort(-np.abs(clues.probabilities - 0.5), kind="stable")[:most]
    wanted = {int(clues.ids[index]): index for index in order.tolist()}
    names: dict[int, str] = {}
    for run in features.runs:
        _name_in(run, wanted.keys() - names.keys(), names)
    return tuple(
        Clue(names[number], float(clues.probabilities[index]), float(clues.observations[index]))
        for number, index in wanted.items()
        if number in names
    )


def _name_in(run: Run, wanted: set[int], names: dict[int, str]) -> None:
    if not wanted:
        return
    targets = np.fromiter(wanted, dtype=np.uint32, count=len(wanted))
    for place in np.flatnonzero(np.isin(run.ids, targets)).tolist():
        names[int(run.ids[place])] = _readable(run.prefix, run.tokens[place])
    if run.paired:
        adjacent = pairs(run.ids)
        for place in np.flatnonzero(np.isin(adjacent, targets)).tolist():
            both = run.tokens[place] + b" " + run.tokens[place + 1]
            names[int(adjacent[place])] = _readable(run.prefix, both)


def _readable(prefix: str, token: bytes) -> str:
    text = f"{prefix}{token.decode('utf-8', 'replace')}"[:MAX_NAME]
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
