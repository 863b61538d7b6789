"""A trained model and its verdict on a message."""

from __future__ import annotations

from dataclasses import dataclass

from postern.bayes import fisher
from postern.bayes.combine import Combination, State, state
from postern.bayes.features import Features
from postern.bayes.fisher import FisherResult, TokenCounts
from postern.bayes.hashing import slots
from postern.bayes.logistic import Input, Logistic, kinds_to_input

WORD_BITS = 20


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a model was made from: the site's own messages, and the weight that a seed model had (0 to 1)."""

    hams: int
    spams: int
    seed_weight: float = 0.0

    @property
    def site(self) -> bool:
        """Whether the site's own learning counts in it."""
        return self.hams + self.spams > 0


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that judging needs; frozen, shared by all messages of a process."""

    tokens: TokenCounts
    words: Logistic
    grams: Logistic
    combination: Combination
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer: `probability` of spam and its `state` by all classifiers together, `bayes` by Fisher's alone.

    `scores` are the log-odds of spam of all together, and of Fisher's method, tokens and trigrams each.
    """

    probability: float
    state: State
    bayes: FisherResult
    scores: tuple[float, float, float, float]


def words_input(features: Features) -> Input:
    """What the regression over tokens looks at."""
    kinds = (features.content, features.fields, features.relations)
    return kinds_to_input(*(slots(kind, WORD_BITS) for kind in kinds))


def grams_input(features: Features) -> Input:
    """What the regression over trigrams looks at."""
    return kinds_to_input(features.header_grams, features.body_grams)


def classify(model: Model, features: Features) -> Judgement:
    """Judge a message."""
    bayes = fisher.judge(model.tokens, features)
    scores = (bayes.evidence, model.words.score(words_input(features)), model.grams.score(grams_input(features)))
    probability = model.combination.probability(scores)
    return Judgement(probability, state(probability), bayes, (model.combination.odds(scores), *scores))
