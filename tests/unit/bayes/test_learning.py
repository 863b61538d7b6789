"""Learning is exact and can be undone; lessons that would spoil it are refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from postern.bayes.examples import message_digest
from postern.bayes.guard import object_to_lessons, object_to_model
from postern.bayes.learning import FORGETTING_KEPT, Change, LearntMessages, Totals
from postern.bayes.lessons import Lesson, forget
from postern.bayes.model import Model, Provenance
from postern.bayes.requests import Label, is_source
from postern.bayes.training import train
from postern.message import parse_message
from tests.letters import learnt_letters, lesson, lessons, letter


@pytest.fixture(scope="module")
def model() -> Model:
    return train(learnt_letters(200))


def forgotten(number: int, *, spam: bool, at: int) -> Lesson:
    return forget(parse_message(letter(number, spam=spam)), taught_at=at)


def labels(known: LearntMessages) -> list[tuple[bytes, Label]]:
    return [(one.digest, one.label) for one in known]


def test_learning_twice_changes_nothing() -> None:
    known = LearntMessages()
    assert known.take(lesson(1, spam=True)) is Change.LEARNT
    assert known.take(lesson(1, spam=True, at=99)) is Change.UNCHANGED
    assert known.totals() == Totals(hams=0, spams=1)


def test_relearning_the_other_way_unlearns_first() -> None:
    known = LearntMessages([lesson(1, spam=True)])
    other = replace(lesson(1, spam=True, at=1), label=Label.HAM)
    assert known.take(other) is Change.RELEARNT
    assert labels(known) == labels(LearntMessages([other]))


def test_an_earlier_lesson_that_comes_late_changes_nothing() -> None:
    known = LearntMessages([lesson(1, spam=True, at=9)])
    assert known.take(replace(lesson(1, spam=True, at=5), label=Label.HAM)) is Change.OUTRANKED
    assert known.totals() == Totals(hams=0, spams=1)


def test_what_a_person_said_outranks_what_the_filter_concluded() -> None:
    concluded = replace(lesson(1, spam=True, at=99), label=Label.HAM, automatic=True)
    known = LearntMessages([lesson(1, spam=True, at=1)])
    assert known.take(concluded) is Change.OUTRANKED
    assert LearntMessages([concluded]).take(lesson(1, spam=True, at=1)) is Change.RELEARNT


def test_forgetting_leaves_no_trace() -> None:
    known = LearntMessages([lesson(1, spam=True), lesson(2, spam=False)])
    assert known.take(forgotten(2, spam=False, at=1)) is Change.UNLEARNT
    assert known.take(forgotten(3, spam=False, at=1)) is Change.UNKNOWN
    assert labels(known) == labels(LearntMessages([lesson(1, spam=True)]))
    assert lesson(2, spam=False).digest not in known


def test_what_was_forgotten_is_not_revived_by_a_lesson_that_was_under_way() -> None:
    known = LearntMessages([forgotten(1, spam=True, at=5)])
    assert known.take(lesson(1, spam=True, at=4)) is Change.OUTRANKED
    assert known.take(lesson(1, spam=True, at=6)) is Change.LEARNT
    known.take(forgotten(1, spam=True, at=7))
    known.expire(now=FORGETTING_KEPT + 8)
    assert list(known.every()) == []


def test_copies_of_a_set_merge_to_the_same_in_any_order() -> None:
    first = lesson(1, spam=True, at=5)
    changes = [
        first,
        replace(first, label=Label.HAM, taught_at=9),
        replace(first, taught_at=7),
        forgotten(1, spam=True, at=8),
        lesson(2, spam=False),
    ]
    results = [labels(LearntMessages(order)) for order in permutations(changes)]
    assert all(result == results[0] for result in results)
    assert (first.digest, Label.HAM) in results[0]


def test_the_oldest_of_the_commoner_kind_expire_first() -> None:
    known = LearntMessages([lesson(number, spam=number < 6, at=number) for number in range(8)])
    gone = known.expire(now=100, most=6)
    assert gone == tuple(lesson(number, spam=True).digest for number in (0, 1))
    assert known.totals() == Totals(hams=2, spams=4)
    assert known.expire(now=100, most=6) == ()


def test_what_nobody_taught_expires_before_what_somebody_did() -> None:
    known = LearntMessages([replace(lesson(n, spam=True, at=n), automatic=n > 2) for n in range(5)])
    assert known.expire(now=100, most=4) == (lesson(3, spam=True).digest,)


def test_a_set_that_grows_too_large_sheds_as_many_as_it_takes() -> None:
    known = LearntMessages([lesson(number, spam=True, at=number) for number in range(10)])
    size = sum(len(one.packed) for one in known)
    known.expire(now=100, octets=size // 2)
    assert sum(len(one.packed) for one in known) <= size // 2 + 200


def test_a_message_is_known_again_however_it_comes_back() -> None:
    raw = letter(3, spam=False)
    stamped = b"Return-Path: <x@y.example>\nX-Spam-Status: No\n" + raw.replace(b"\r\n", b"\n") + b"\n"
    assert message_digest(parse_message(raw)) == message_digest(parse_message(stamped))
    assert message_digest(parse_message(raw)) != message_digest(parse_message(letter(4, spam=False)))


@pytest.mark.parametrize(
    ("text", "right"), [("cli", True), ("junk:ann@example.com", True), ("", False), ("A b", False)]
)
def test_sources_are_words(text: str, right: bool) -> None:
    assert is_source(text) is right


def test_many_of_one_kind_do_no_harm_before_there_is_a_model() -> None:
    assert object_to_lessons(LearntMessages(), [lesson(n, spam=True) for n in range(120)], None) is None


def test_one_kind_may_not_drown_the_other() -> None:
    many = [replace(lesson(1, spam=True), digest=b"%016d" % number) for number in range(5000)]
    objection = object_to_lessons(LearntMessages(lessons(200)), many, None)
    assert objection is not None
    assert "200 to 5200" in objection.reason


def test_lessons_that_contradict_the_filter_are_refused(model: Model) -> None:
    known = LearntMessages(lessons(200))
    honest = [lesson(number, spam=True) for number in range(300, 340)]
    assert object_to_lessons(known, honest, model) is None
    poison = [replace(one, label=Label.HAM) for one in honest]
    objection = object_to_lessons(known, poison, model)
    assert objection is not None
    assert "opposite" in objection.reason


def test_the_seed_model_is_no_ground_for_refusal(model: Model) -> None:
    seed = replace(model, provenance=Provenance(0, 0, 1.0))
    poison = [replace(lesson(number, spam=True), label=Label.HAM) for number in range(300, 340)]
    assert object_to_lessons(LearntMessages(), poison, seed) is None


def test_a_model_that_turns_known_messages_around_is_refused(model: Model) -> None:
    known = lessons(200)
    inverted = train([replace(one.example, spam=not one.spam) for one in known])
    assert object_to_model(known, model, model) is None
    objection = object_to_model(known, model, inverted)
    assert objection is not None
    assert "judged wrongly" in objection.reason
