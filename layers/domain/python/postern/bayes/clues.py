"""The most telling tokens of a message in words: numbers are named from the message's own tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from postern.bayes.features import Features
from postern.bayes.fisher import Clues
from postern.bayes.hashing import Ids

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
    names = _names(features, clues.ids[order])
    return tuple(
        Clue(names[number], float(clues.probabilities[index]), float(clues.observations[index]))
        for index in order.tolist()
        if (number := int(clues.ids[index])) in names
    )


def _names(features: Features, wanted: Ids) -> dict[int, str]:
    """What numbers stand for."""
    names: dict[int, str] = {}
    for run in features.runs:
        for place in _places(run.ids, wanted):
            names[int(run.ids[place])] = _readable(run.tokens[place])
        for place in _places(run.pair_ids, wanted):
            second = run.tokens[place + 1].rpartition(b":")[2]
            names[int(run.pair_ids[place])] = _readable(run.tokens[place] + b" " + second)
    return names


def _places(ids: Ids, wanted: Ids) -> list[int]:
    """Where one of a few numbers stands."""
    places: list[int] = (ids == wanted[:, None]).any(axis=0).nonzero()[0].tolist()
    return places


def _readable(token: bytes) -> str:
    text = token.decode("utf-8", "replace")[:MAX_NAME]
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
