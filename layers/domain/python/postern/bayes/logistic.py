"""Online logistic regression over hashed features, trained by averaged stochastic gradient descent.

Features come in kinds; a kind's n features each have the value 1/√(n+1), so that neither long messages nor long headers
shout. Every pass sees the examples in another, fixed order. Weights are averaged over all passes but the first, and
over several trainings with other orders: a linear model stays one model when it is averaged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from postern.bayes.hashing import Ids

Weights = NDArray[np.float32]

RATE = 20.0
PASSES = 4
TRAININGS = 3
BIAS_SHARE = 0.02
"""The bias learns this much of what a whole kind learns."""

CHECKPOINTS = 8
"""How often in a pass the weights are taken into the average."""

LEAST_ERROR = 0.001
"""Below this error an example teaches nothing."""

_STEEPEST = 30.0


class Input(NamedTuple):
    """The features of one message: places in the table of weights, and their values."""

    places: Ids
    values: Weights


def kinds_to_input(*kinds: Ids) -> Input:
    """Kinds of features, each with the same weight in all."""
    values = [np.full(len(kind), 1 / math.sqrt(len(kind) + 1), dtype=np.float32) for kind in kinds]
    return Input(np.concatenate(kinds), np.concatenate(values))


@dataclass(frozen=True, slots=True)
class Logistic:
    """A trained regression: a weight for each place, and the bias."""

    weights: Weights
    bias: float

    def score(self, features: Input) -> float:
        """The log-odds of spam."""
        return float(self.weights[features.places] @ features.values) + self.bias


def train(examples: Sequence[Input], labels: Sequence[bool], bits: int, initial: Logistic | None = None) -> Logistic:
    """Fit to examples in a table of `2**bits` and their labels (spam). Deterministic for equal input."""
    start = initial or Logistic(np.zeros(1 << bits, dtype=np.float32), 0.0)
    total, bias = np.zeros(1 << bits, dtype=np.float32), 0.0
    for number in range(TRAININGS):
        trainer = _Trainer(start, examples, labels)
        order = np.random.default_rng(number)
        for index in range(PASSES):
            trainer.run_pass(order.permutation(len(examples)), averaged=index > 0)
        total += trainer.weight_sum / np.float32(trainer.averaged)
        bias += trainer.bias_sum / trainer.averaged
    return Logistic(total / np.float32(TRAININGS), bias / TRAININGS)


class _Trainer:
    """The state of one training."""

    def __init__(self, start: Logistic, examples: Sequence[Input], labels: Sequence[bool]) -> None:
        self.weights, self.bias = start.weights.copy(), start.bias
        self.examples, self.labels = examples, labels
        self.weight_sum = np.zeros_like(self.weights)
        self.bias_sum = 0.0
        self.averaged = 0

    def run_pass(self, order: NDArray[np.int64], *, averaged: bool) -> None:
        for stretch in np.array_split(order, CHECKPOINTS):
            for index in stretch.tolist():
                self._step(self.examples[index], self.labels[index])
            if averaged:
                self.weight_sum += self.weights
                self.bias_sum += self.bias
                self.averaged += 1

    def _step(self, example: Input, label: bool) -> None:
        places, values = example
        odds = float(self.weights[places] @ values) + self.bias
        error = label - 1 / (1 + math.exp(-max(-_STEEPEST, min(_STEEPEST, odds))))
        if abs(error) <= LEAST_ERROR:
            return
        step = RATE * error
        self.weights[places] += np.float32(step) * values
        self.bias += step * BIAS_SHARE
