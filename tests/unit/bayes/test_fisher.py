"""Robinson's token probabilities and Fisher's method."""

from __future__ import annotations

import math

import numpy as np
import pytest

from postern.bayes import fisher
from postern.bayes.clues import name_clues
from postern.bayes.fisher import add_counts, count_tokens, judge, log_chi_square_tail
from tests.letters import learnt_letters, letter, read

EXAMPLES = [(one.features, one.spam) for one in learnt_letters(40)]
COUNTS = count_tokens(EXAMPLES)


@pytest.mark.parametrize(
    ("value", "pairs", "tail"),
    # Tables of the chi-square distribution: 95 % and 99 % points.
    [(5.991, 1, 0.05), (9.210, 1, 0.01), (18.307, 5, 0.05), (37.566, 10, 0.01), (0.0, 4, 1.0)],
)
def test_chi_square_tails_are_those_of_the_tables(value: float, pairs: int, tail: float) -> None:
    assert math.exp(log_chi_square_tail(value, pairs)) == pytest.approx(tail, rel=1e-3)


def test_tails_too_small_for_a_float_still_have_a_logarithm() -> None:
    assert -5_000 < log_chi_square_tail(8_000, 30) < -3_000


def test_letters_are_told_apart_with_an_indicator_at_either_end() -> None:
    assert judge(COUNTS, read(letter(1000, spam=True))[1]).indicator > 0.99
    assert judge(COUNTS, read(letter(1000, spam=False))[1]).indicator < 0.01


def test_a_message_of_unknown_tokens_is_undecided() -> None:
    nothing = read(b"")[1]
    empty = count_tokens([])
    result = judge(empty, nothing)
    assert (result.evidence, result.indicator) == (0.0, 0.5)


def test_clues_are_named_from_the_message_strongest_first() -> None:
    features = read(letter(1001, spam=True))[1]
    clues = name_clues(features, judge(COUNTS, features).clues, 8)
    assert len(clues) == 8
    assert any("bulk.test" in clue.name or "blaster" in clue.name for clue in clues)
    distances = [abs(clue.probability - 0.5) for clue in clues]
    assert distances == sorted(distances, reverse=True)


def test_each_kind_of_token_has_its_share_of_the_clues() -> None:
    features = read(letter(1002, spam=True))[1]
    found = judge(COUNTS, features).clues.ids
    assert len(found) <= 2 * fisher.TOKENS_PER_KIND
    assert np.isin(found, features.content).any()
    assert np.isin(found, np.concatenate((features.fields, features.relations))).any()


def test_the_order_of_learning_does_not_matter() -> None:
    backwards = count_tokens(reversed(EXAMPLES))
    assert np.array_equal(COUNTS.table, backwards.table)
    assert (COUNTS.hams, COUNTS.spams) == (40, 40)


def test_counts_add_up_at_a_weight() -> None:
    half = add_counts(COUNTS, COUNTS, 0.5)
    assert (half.hams, half.spams) == (60, 60)
    assert np.array_equal(half.table, COUNTS.table * np.float16(1.5))
