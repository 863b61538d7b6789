"""Several classifiers' scores to one calibrated probability in three states (stacked generalisation, Platt scaling)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

BEND = 3.0
"""How strongly great scores are damped: no classifier may drown the others by being sure of itself."""

RIDGE = 1e-2
NEWTON_STEPS = 50
MOST_CERTAIN = 0.9999


class State(StrEnum):
    """The answer in three states."""

    HAM = "ham"
    UNSURE = "unsure"
    SPAM = "spam"


@dataclass(frozen=True, slots=True)
class Combination:
    """Weights for damped scores, and the probabilities at which ham and spam begin.

    `scales` are the usual sizes of the classifiers' scores.
    """

    scales: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    ham_below: float
    spam_from: float

    def odds(self, scores: tuple[float, ...]) -> float:
        """The combined log-odds of spam."""
        damped = (damp(score / scale) for score, scale in zip(scores, self.scales, strict=True))
        return self.bias + sum(weight * value for weight, value in zip(self.weights, damped, strict=True))

    def probability(self, scores: tuple[float, ...]) -> float:
        """The probability of spam, were half of all mail spam."""
        odds = self.odds(scores)
        return min(MOST_CERTAIN, max(1 - MOST_CERTAIN, 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))))

    def state(self, probability: float) -> State:
        """Ham, unsure or spam."""
        if probability >= self.spam_from:
            return State.SPAM
        return State.HAM if probability < self.ham_below else State.UNSURE


def damp(value: float) -> float:
    """Sign and logarithm: order is kept, great sizes are made small."""
    return math.copysign(math.log1p(BEND * abs(value)), value)


def fit(scores: Scores, labels: NDArray[np.bool_], ham_below: float, spam_from: float) -> Combination:
    """Weights from scores (a row per message, a column per classifier) of messages they were not trained on.

    Ham and spam weigh the same together, whatever their numbers.
    """
    scales = np.maximum(scores.std(axis=0), 1e-6)
    damped = np.copysign(np.log1p(BEND * np.abs(scores / scales)), scores)
    inputs = np.column_stack((damped, np.ones(len(scores))))
    solution = _newton(inputs, labels.astype(np.float64))
    return Combination(tuple(scales.tolist()), tuple(solution[:-1].tolist()), float(solution[-1]), ham_below, spam_from)


def _newton(inputs: Scores, labels: Scores) -> Scores:
    """Ridge logistic regression by Newton's method; weights of classifiers are kept from being negative."""
    share = labels.mean()
    importance = np.where(labels > 0, 0.5 / share, 0.5 / (1 - share)) / len(labels)
    penalty = np.full(inputs.shape[1], RIDGE / len(labels))
    solution = np.zeros(inputs.shape[1])
    for _ in range(NEWTON_STEPS):
        odds = np.clip(inputs @ solution, -30, 30)
        chance = 1 / (1 + np.exp(-odds))
        slope = inputs.T @ (importance * (labels - chance)) - penalty * solution
        curvature = (inputs * (importance * chance * (1 - chance) + 1e-12)[:, None]).T @ inputs + np.diag(penalty)
        step = np.linalg.solve(curvature, slope)
        solution = solution + step / max(1.0, float(np.abs(step).max()))
        solution[:-1] = np.maximum(solution[:-1], 0)
        if np.abs(step).max() < 1e-6:
            break
    return solution
