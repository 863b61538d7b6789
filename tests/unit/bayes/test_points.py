"""Points follow the odds, and the seed model is believed only about mail that it knows."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from postern.bayes.combine import SPAM_FROM
from postern.bayes.features import Features, extract
from postern.bayes.fisher import TokenCounts, count_tokens
from postern.bayes.points import LEAST, MOST, points
from postern.bayes.seed_trust import seed_trust
from postern.message import Message, parse_message
from postern.text.view import view_text
from tests.letters import letter

REFUSED_AT = 1200


def read(raw: bytes) -> tuple[Message, Features]:
    message = parse_message(raw)
    return message, extract(message, view_text(message))


def counts() -> TokenCounts:
    return count_tokens((read(letter(number, spam=bool(number % 2)))[1], bool(number % 2)) for number in range(40))


def test_an_answer_of_spam_reaches_the_threshold_alone_and_one_short_of_it_does_not() -> None:
    odds = math.log(SPAM_FROM / (1 - SPAM_FROM))
    assert points(odds) == 500
    assert points(odds - 0.1) < 500


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_more_odds_are_never_fewer_points_and_both_ends_are_bounded(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert LEAST * 100 <= points(low) <= points(high) <= MOST * 100 < REFUSED_AT


def test_a_model_that_is_half_believed_speaks_half_as_well_for_a_message() -> None:
    assert points(-50.0, 0.5) == points(-50.0) // 2 == -150
    assert points(-50.0, 0.0) == 0


def test_mail_like_the_mail_it_was_made_from_is_known() -> None:
    message, features = read(letter(900, spam=True))
    assert seed_trust(counts(), features, message) == 1.0


def test_mail_of_another_kind_is_not_known() -> None:
    raw = b"X-Zork: quux frobnicate\r\nX-Plugh: xyzzy plover\r\n\r\n" + b"lorem ipsum dolor sit amet " * 20
    message, features = read(raw)
    assert seed_trust(counts(), features, message) == 0.0


def test_a_signature_field_halves_what_is_believed() -> None:
    raw = b"DKIM-Signature: v=1\r\n" + letter(900, spam=True)
    message, features = read(raw)
    assert seed_trust(counts(), features, message) == 0.5


def test_a_message_of_few_words_is_believed_less() -> None:
    head, _, _ = letter(900, spam=True).partition(b"\r\n\r\n")
    message, features = read(head + b"\r\n\r\nhi\r\n")
    assert 0.0 < seed_trust(counts(), features, message) < 0.5
