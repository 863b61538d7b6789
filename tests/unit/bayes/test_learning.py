"""Learning is exact and can be undone; batches that would spoil it are refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from postern.bayes.examples import message_digest
from postern.bayes.guard import object_to_batch, object_to_model
from postern.bayes.learning import Change, LearntMessages, Totals
from postern.bayes.model import Model, Provenance
from postern.bayes.training import train
from postern.message import parse_message
from tests.letters import learnt, learnt_letters, letter


@pytest.fixture(scope="module")
def model() -> Model:
    return train(learnt_letters(200))


def digests(known: LearntMessages) -> list[tuple[bytes, bool]]:
    return [(one.digest, one.spam) for one in known]


def test_learning_twice_changes_nothing() -> None:
    known = LearntMessages()
    assert known.learn(learnt(1, spam=True)) is Change.LEARNT
    assert known.learn(learnt(1, spam=True, at=99)) is Change.UNCHANGED
    assert known.totals() == Totals(hams=0, spams=1)


def test_relearning_the_other_way_unlearns_first() -> None:
    known, other = LearntMessages([learnt(1, spam=True)]), LearntMessages()
    turned = replace(learnt(1, spam=True), spam=False)
    assert known.learn(turned) is Change.RELEARNT
    other.learn(turned)
    assert digests(known) == digests(other)


def test_unlearning_leaves_no_trace() -> None:
    known = LearntMessages([learnt(1, spam=True)])
    known.learn(learnt(2, spam=False))
    assert known.unlearn(learnt(2, spam=False).digest) is Change.UNLEARNT
    assert known.unlearn(b"never seen") is Change.UNKNOWN
    assert digests(known) == digests(LearntMessages([learnt(1, spam=True)]))


def test_copies_of_a_set_merge_to_the_same_in_any_order() -> None:
    changes = [learnt(1, spam=True, at=5), replace(learnt(1, spam=True, at=9), spam=False), learnt(2, spam=False)]
    results = [digests(LearntMessages(order)) for order in permutations(changes)]
    assert all(result == results[0] for result in results)
    assert (learnt(1, spam=True).digest, False) in results[0]


def test_the_oldest_of_the_commoner_kind_expire_first() -> None:
    known = LearntMessages([learnt(number, spam=number < 6, at=number) for number in range(8)])
    gone = known.expire(most=6)
    assert gone == tuple(learnt(number, spam=True).digest for number in (0, 1))
    assert known.totals() == Totals(hams=2, spams=4)
    assert known.expire(most=6) == ()


def test_a_message_is_known_again_however_it_comes_back() -> None:
    raw = letter(3, spam=False)
    stamped = b"Return-Path: <x@y.example>\nX-Spam-Status: No\n" + raw.replace(b"\r\n", b"\n") + b"\n"
    assert message_digest(parse_message(raw)) == message_digest(parse_message(stamped))
    assert message_digest(parse_message(raw)) != message_digest(parse_message(letter(4, spam=False)))


def test_a_small_batch_of_one_kind_is_no_reason_to_object() -> None:
    assert object_to_batch(LearntMessages(), [learnt(n, spam=True) for n in range(40)], None) is None


def test_a_great_batch_of_one_kind_is() -> None:
    objection = object_to_batch(LearntMessages(), [learnt(n, spam=True) for n in range(120)], None)
    assert objection is not None
    assert "0 to 120" in objection.reason


def test_a_batch_that_contradicts_the_filter_is_refused(model: Model) -> None:
    known = LearntMessages(learnt_letters(200))
    honest = [learnt(number, spam=True) for number in range(300, 340)]
    assert object_to_batch(known, honest, model) is None
    poison = [replace(one, spam=False) for one in honest]
    objection = object_to_batch(known, poison, model)
    assert objection is not None
    assert "opposite" in objection.reason


def test_the_seed_model_is_no_ground_for_refusal(model: Model) -> None:
    seed = replace(model, provenance=Provenance(0, 0, 1.0))
    poison = [replace(learnt(number, spam=True), spam=False) for number in range(300, 340)]
    assert object_to_batch(LearntMessages(), poison, seed) is None


def test_a_model_that_turns_known_messages_around_is_refused(model: Model) -> None:
    known = learnt_letters(200)
    turned = train([replace(one, spam=not one.spam) for one in known])
    assert object_to_model(known, model, model) is None
    objection = object_to_model(known, model, turned)
    assert objection is not None
    assert "judged wrongly" in objection.reason
