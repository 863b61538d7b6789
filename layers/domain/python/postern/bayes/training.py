"""Learnt messages to a model. The same messages and the same seed model always give the same model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from postern.bayes import combine, fisher, logistic
from postern.bayes.examples import Example
from postern.bayes.features import TRIGRAM_BITS, Features
from postern.bayes.fisher import TokenCounts
from postern.bayes.learning import Totals
from postern.bayes.logistic import Input, Logistic
from postern.bayes.model import WORD_BITS, Model, Provenance, grams_input, words_input

FOLDS = 5
"""Parts for cross-fitting: scores that the combination is calibrated on come from messages not trained on."""

SEED_WORTH = 200.0
"""The seed model weighs half when the site has learnt so many messages, and less and less thereafter."""

_SPREAD = np.uint32(2654435761)


class TooFewExamplesError(ValueError):
    """Not enough messages to train and calibrate on; the text says how many of each there are."""


@dataclass(frozen=True, slots=True)
class _Corpus:
    """The training data in the forms that the classifiers take."""

    features: list[Features]
    labels: NDArray[np.bool_]
    words: list[Input]
    grams: list[Input]

    def pick(self, chosen: NDArray[np.int64]) -> _Corpus:
        indices = chosen.tolist()
        return _Corpus(
            [self.features[index] for index in indices],
            self.labels[chosen],
            [self.words[index] for index in indices],
            [self.grams[index] for index in indices],
        )


@dataclass(frozen=True, slots=True)
class Classifiers:
    """The three classifiers before they are combined."""

    tokens: TokenCounts
    words: Logistic
    grams: Logistic


def train(examples: Sequence[Example], seed: Model | None = None) -> Model:
    """Train on learnt messages, starting from a seed model; raises `TooFewExamplesError` below 200 of each label."""
    spams = sum(example.spam for example in examples)
    totals = Totals(len(examples) - spams, spams)
    if not totals.enough:
        raise TooFewExamplesError(f"{totals.hams} ham and {totals.spams} spam messages are too few to train on")
    corpus = _corpus(examples)
    weight = 1 / (1 + len(examples) / SEED_WORTH) if seed else 0.0
    combination = combine.fit(_cross_fitted_scores(corpus, seed, weight), corpus.labels)
    made = _fit(corpus, seed, weight)
    provenance = Provenance(totals.hams, totals.spams, weight)
    return Model(made.tokens, made.words, made.grams, combination, provenance)


def _corpus(examples: Sequence[Example]) -> _Corpus:
    features = [example.features for example in examples]
    labels = np.array([example.spam for example in examples], dtype=np.bool_)
    return _Corpus(features, labels, [words_input(one) for one in features], [grams_input(one) for one in features])


def _fit(corpus: _Corpus, seed: Model | None, weight: float) -> Classifiers:
    labels = corpus.labels.tolist()
    tokens = fisher.count_tokens(zip(corpus.features, labels, strict=True))
    if seed:
        tokens = fisher.add_counts(tokens, seed.tokens, weight)
    words = logistic.train(corpus.words, labels, WORD_BITS, _faded(seed.words, weight) if seed else None)
    grams = logistic.train(corpus.grams, labels, TRIGRAM_BITS, _faded(seed.grams, weight) if seed else None)
    return Classifiers(tokens, words, grams)


def _faded(seed: Logistic, weight: float) -> Logistic:
    return Logistic(seed.weights * np.float32(weight), seed.bias * weight)


def _cross_fitted_scores(corpus: _Corpus, seed: Model | None, weight: float) -> NDArray[np.float64]:
    """A row of scores for every message, from classifiers that were trained without it and without its likes."""
    scores = np.zeros((len(corpus.features), 3))
    fold = np.array([_fold(features) for features in corpus.features])
    for number in range(FOLDS):
        held, rest = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        if not len(held) or len(set(corpus.labels[rest].tolist())) < 2:
            continue
        made = _fit(corpus.pick(rest), seed, weight)
        for index in held.tolist():
            scores[index] = _scores(made, corpus, index)
    return scores


def _scores(made: Classifiers, corpus: _Corpus, index: int) -> tuple[float, float, float]:
    bayes = fisher.judge(made.tokens, corpus.features[index])
    return bayes.evidence, made.words.score(corpus.words[index]), made.grams.score(corpus.grams[index])


def _fold(features: Features) -> int:
    """Near-duplicates mostly share the least of their mixed numbers (min-wise hashing) and so fall into one part."""
    if not len(features.content):
        return 0
    return int((features.content * _SPREAD).min()) % FOLDS
