"""The figures that spam filters are compared by, from scores (the higher, the more like spam) and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Figures:
    """Percentages: the area above the ROC curve, and the spam that is found where so much ham is taken for spam."""

    area_above: float
    recall_at_none: float
    recall_at_tenth: float
    recall_at_one: float


@dataclass(frozen=True, slots=True)
class Errors:
    """What happens at a threshold, in messages."""

    hams: int
    spams: int
    newsletters: int
    false_positives: int
    newsletter_false_positives: int
    missed: int


def figures(scores: Scores, labels: Labels) -> Figures:
    """The figures of a ranking."""
    ham, spam = np.sort(scores[~labels])[::-1], scores[labels]

    def recall(false_positives: int) -> float:
        return float((spam > ham[false_positives]).mean() * 100)

    return Figures(
        area_above(scores, labels) * 100, recall(0), recall(int(len(ham) * 0.001)), recall(int(len(ham) * 0.01))
    )


def area_above(scores: Scores, labels: Labels) -> float:
    """What ROCA lacks to 1: the chance that a ham message scores above a spam message, ties counted half."""
    ham, spam = np.sort(scores[~labels]), scores[labels]
    above = len(ham) - np.searchsorted(ham, spam, side="right")
    ties = np.searchsorted(ham, spam, side="right") - np.searchsorted(ham, spam, side="left")
    return float((above + ties / 2).mean() / len(ham))


def errors(called_spam: Labels, labels: Labels, newsletters: Labels) -> Errors:
    """Counts of errors."""
    wrong = called_spam & ~labels
    return Errors(
        int((~labels).sum()),
        int(labels.sum()),
        int(newsletters.sum()),
        int(wrong.sum()),
        int((wrong & newsletters).sum()),
        int((~called_spam & labels).sum()),
    )


def curve(scores: Scores, labels: Labels) -> Sequence[tuple[float, float]]:
    """The ROC curve as (false-positive rate, missed rate) at every ham score, from strict to lax."""
    ham, spam = np.sort(scores[~labels])[::-1], np.sort(scores[labels])
    missed = np.searchsorted(spam, ham, side="right") / len(spam)
    points = [((index + 1) / len(ham), float(rate)) for index, rate in enumerate(missed)]
    return [(1 / len(ham) / 10, points[0][1]), *points]
