"""Several classifiers' scores to one calibrated probability in three states (Platt scaling of their mean).

Weights that were fitted by stacking did worse on held-out mail than equal ones: the few messages that classifiers
disagree on are too few to learn weights from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

BEND = 3.0
"""How strongly great scores are damped: no classifier may drown the others by being sure of itself."""

HAM_BELOW = 0.2
SPAM_FROM = 0.97
"""The probabilities where ham ends and spam begins; both were chosen by cross-validation on the development corpus."""

RIDGE = 1e-3
NEWTON_STEPS = 50
MOST_CERTAIN = 0.9999
_STEEPEST = 30.0


class State(StrEnum):
    """The answer in three states."""

    HAM = "ham"
    UNSURE = "unsure"
    SPAM = "spam"


@dataclass(frozen=True, slots=True)
class Combination:
    """The probability of spam as a function of the scores' mean, each score taken in its usual size, damped."""

    scales: tuple[float, ...]
    slope: float
    bias: float

    def odds(self, scores: tuple[float, ...]) -> float:
        """The combined log-odds of spam."""
        damped = (damp(score / scale) for score, scale in zip(scores, self.scales, strict=True))
        return self.slope * sum(damped) / len(self.scales) + self.bias

    def probability(self, scores: tuple[float, ...]) -> float:
        """The probability of spam, were half of all mail spam."""
        odds = max(-_STEEPEST, min(_STEEPEST, self.odds(scores)))
        return min(MOST_CERTAIN, max(1 - MOST_CERTAIN, 1 / (1 + math.exp(-odds))))


def state(probability: float) -> State:
    """Ham, unsure or spam."""
    if probability >= SPAM_FROM:
        return State.SPAM
    return State.HAM if probability < HAM_BELOW else State.UNSURE


def damp(value: float) -> float:
    """Sign and logarithm: order is kept, great sizes are made small."""
    return math.copysign(math.log1p(BEND * abs(value)), value)


def fit(scores: Scores, labels: NDArray[np.bool_]) -> Combination:
    """Calibrate on scores (a row per message, a column per classifier) of messages they were not trained on.

    Ham and spam weigh the same together, whatever their numbers; both must occur.
    """
    scales = np.maximum(scores.std(axis=0), 1e-6)
    mean = np.copysign(np.log1p(BEND * np.abs(scores / scales)), scores).mean(axis=1)
    slope, bias = _newton(np.column_stack((mean, np.ones(len(mean)))), labels.astype(np.float64))
    return Combination(tuple(scales.tolist()), float(slope), float(bias))


def _newton(inputs: Scores, labels: Scores) -> Scores:
    """Logistic regression by Newton's method with short steps; targets short of 0 and 1 as Platt advises."""
    spams = float(labels.sum())
    hams = len(labels) - spams
    importance = np.where(labels > 0, 0.5 / spams, 0.5 / hams)
    targets = np.where(labels > 0, (spams + 1) / (spams + 2), 1 / (hams + 2))
    solution = np.zeros(inputs.shape[1])
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(inputs @ solution, -_STEEPEST, _STEEPEST)))
        slope = inputs.T @ (importance * (targets - chance)) - RIDGE * solution / len(labels)
        curvature = (inputs * (importance * chance * (1 - chance))[:, None]).T @ inputs
        step = np.linalg.solve(curvature + np.eye(inputs.shape[1]) * (RIDGE / len(labels)), slope)
        solution += step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-6:
            break
    return solution
