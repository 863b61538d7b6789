"""The Bayesian classifier: token probabilities after Robinson, combined by Fisher's method.

Gary Robinson, "A Statistical Approach to the Spam Problem", Linux Journal 107 (2003). Two things differ from the usual
settings because measurement said so: only the few most telling tokens count (tokens of one message depend on each
other, and many of them drown what matters), and half of them come from how the message is made and travelled, so that
a long newsletter's words cannot outvote its origin.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from postern.bayes.features import Features
from postern.bayes.hashing import Ids, slots

BITS = 21
TOKENS_PER_KIND = 15
STRENGTH = 0.03
"""Robinson's s: how many observations the assumption about an unknown token is worth."""

ASSUMED = 0.5
"""Robinson's x: the probability of a token never seen."""

MOST_COUNTED = 60_000
"""Greater counts would overflow half precision; a token so common tells nothing more."""

LEAST_DEVIATION = 0.4
"""Tokens nearer to 0.5 than this tell nothing."""

Counts = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """How many messages held each token: `table[slot]` is (ham, spam), out of `hams` and `spams` messages.

    Counts need not be whole: a seed model's count for less than the site's own. Half precision holds them well enough
    (exactly to 2,048, to half a thousandth above) and keeps the table in the processor's cache.
    """

    table: Counts
    hams: float
    spams: float


@dataclass(frozen=True, slots=True)
class Clues:
    """The tokens that decided, strongest first: their numbers, spam probabilities and observations."""

    ids: Ids
    probabilities: NDArray[np.float64]
    observations: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FisherResult:
    """What the clues say together.

    `log_spam` and `log_ham` are logarithms of the chances that random tokens look as much like spam, and like ham.
    """

    log_spam: float
    log_ham: float
    clues: Clues

    @property
    def evidence(self) -> float:
        """Positive for spam, without bounds; 0 without clues."""
        return self.log_ham - self.log_spam

    @property
    def indicator(self) -> float:
        """Robinson's indicator: 0 is ham, 1 is spam, 0.5 undecided or without clues."""
        return (1 + math.exp(self.log_ham) - math.exp(self.log_spam)) / 2


def count_tokens(examples: Iterable[tuple[Features, bool]]) -> TokenCounts:
    """Count the tokens of examples (features, whether spam)."""
    seen: tuple[list[Ids], list[Ids]] = ([], [])
    totals = [0, 0]
    for features, spam in examples:
        seen[spam].append(
            np.unique(slots(np.concatenate((features.content, features.fields, features.relations)), BITS))
        )
        totals[spam] += 1
    table = np.zeros((1 << BITS, 2), dtype=np.float16)
    for label in (0, 1):
        if seen[label]:
            counted = np.bincount(np.concatenate(seen[label]), minlength=1 << BITS)
            table[:, label] = np.minimum(counted, MOST_COUNTED)
    return TokenCounts(table, totals[0], totals[1])


def add_counts(one: TokenCounts, other: TokenCounts, weight: float) -> TokenCounts:
    """The counts of `one` with those of `other` at a weight."""
    table = one.table.astype(np.float32) + other.table * np.float32(weight)
    counted = np.minimum(table, MOST_COUNTED).astype(np.float16)
    return TokenCounts(counted, one.hams + other.hams * weight, one.spams + other.spams * weight)


def judge(counts: TokenCounts, features: Features) -> FisherResult:
    """The evidence of one message's tokens."""
    made = np.concatenate((features.fields, features.relations))
    kinds = [_clues(counts, ids) for ids in (features.content, made)]
    clues = Clues(
        np.concatenate([kind.ids for kind in kinds]),
        np.concatenate([kind.probabilities for kind in kinds]),
        np.concatenate([kind.observations for kind in kinds]),
    )
    return FisherResult(*_log_tails(clues.probabilities), clues)


def known_share(counts: TokenCounts, ids: Ids, seen_in: int) -> float:
    """The share of tokens that so many counted messages held; 0 without tokens."""
    if not len(ids):
        return 0.0
    return float((counts.table[slots(ids, BITS)].sum(axis=1) >= seen_in).mean())


def _clues(counts: TokenCounts, ids: Ids) -> Clues:
    """The most telling tokens of one kind."""
    observed = counts.table[slots(ids, BITS)].astype(np.float64)
    hams, spams = observed[:, 0], observed[:, 1]
    total = hams + spams
    known = total.nonzero()[0]
    ids, total = ids[known], total[known]
    ham, spam = hams[known] / max(1.0, counts.hams), spams[known] / max(1.0, counts.spams)
    probabilities = (STRENGTH * ASSUMED + total * spam / (ham + spam)) / (STRENGTH + total)
    deviations = np.abs(probabilities - ASSUMED)
    # Sorting only what may count at all keeps the order of equals.
    telling = (deviations >= LEAST_DEVIATION).nonzero()[0]
    order = telling[np.argsort(-deviations[telling], kind="stable")[:TOKENS_PER_KIND]]
    return Clues(ids[order], probabilities[order], total[order])


def _log_tails(probabilities: NDArray[np.float64]) -> tuple[float, float]:
    """The two logarithms of `FisherResult`."""
    count = len(probabilities)
    if not count:
        return 0.0, 0.0
    spam = log_chi_square_tail(-2 * float(np.log1p(-probabilities).sum()), count)
    ham = log_chi_square_tail(-2 * float(np.log(probabilities).sum()), count)
    return spam, ham


def log_chi_square_tail(value: float, pairs: int) -> float:
    """The logarithm of the chance that chi-square with `2 * pairs` degrees of freedom exceeds `value`."""
    half = value / 2
    if half <= 0:
        return 0.0
    logarithm, term, terms = math.log(half), 0.0, [0.0]
    for index in range(1, pairs):
        term += logarithm - math.log(index)
        terms.append(term)
    largest = max(terms)
    return min(0.0, largest - half + math.log(sum(math.exp(term - largest) for term in terms)))
