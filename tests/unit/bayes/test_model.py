"""Training, judging and keeping models."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import replace

import numpy as np
import pytest

from bench.labelled_mail import read_labelled
from postern.bayes import archive, codec
from postern.bayes.archive import dump_lessons, load_lessons
from postern.bayes.codec import SnapshotError, dump_model, load_model
from postern.bayes.combine import HAM_BELOW, SPAM_FROM, State, fit, state
from postern.bayes.examples import ExampleError, pack_features, unpack_features
from postern.bayes.lessons import forget
from postern.bayes.logistic import Logistic, kinds_to_input
from postern.bayes.logistic import train as train_regression
from postern.bayes.model import Model, classify
from postern.bayes.seed import seed_model
from postern.bayes.training import TooFewExamplesError, train
from postern.message import parse_message
from tests.letters import learnt, learnt_letters, lesson, lessons, letter, read
from tests.material import corpora

UNSEEN = [(number, spam) for number in range(500, 520) for spam in (False, True)]


@pytest.fixture(scope="module")
def model() -> Model:
    return train(learnt_letters(200))


def probabilities(model: Model) -> list[float]:
    return [classify(model, read(letter(number, spam=spam))[1]).probability for number, spam in UNSEEN]


def test_unseen_letters_are_judged_rightly_and_surely(model: Model) -> None:
    for number, spam in UNSEEN:
        judgement = classify(model, read(letter(number, spam=spam))[1])
        assert judgement.state is (State.SPAM if spam else State.HAM)


def test_training_depends_on_the_messages_alone(model: Model) -> None:
    again = train(learnt_letters(200))
    assert probabilities(model) == probabilities(again)


def test_too_little_is_not_trained_on() -> None:
    with pytest.raises(TooFewExamplesError, match="200 ham and 199 spam"):
        train([one for one in learnt_letters(200) if one.digest != learnt(0, spam=True).digest])


def test_what_is_read_back_judges_alike(model: Model) -> None:
    loaded = load_model(dump_model(model))
    assert probabilities(loaded) == pytest.approx(probabilities(model), abs=0.01)
    assert loaded.provenance == model.provenance


def test_a_seed_gives_way_as_the_site_learns(model: Model) -> None:
    opposite = [type(one)(one.digest, not one.spam, 0, one.features) for one in learnt_letters(200)]
    grown = train(opposite, seed=model)
    assert grown.provenance.seed_weight == pytest.approx(1 / 3)
    assert classify(grown, read(letter(600, spam=True))[1]).state is State.HAM


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda octets: octets[:-1], "checksum"),
        (lambda octets: octets[:60] + bytes([octets[60] ^ 1]) + octets[61:], "checksum"),
        (lambda octets: b"PSTNMDL\x09" + octets[8:], "kind and version"),
        (lambda octets: b"", "kind and version"),
        (lambda octets: dump_lessons([]), "kind and version"),
    ],
)
def test_a_damaged_model_is_refused(model: Model, damage: object, said: str) -> None:
    with pytest.raises(SnapshotError, match=said):
        load_model(damage(dump_model(model)))  # type: ignore[operator]


def sealed(content: bytes) -> bytes:
    compressed = zlib.compress(content)
    return codec.MODEL_MAGIC + hashlib.sha256(compressed).digest() + compressed


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00" * 10,
        b"\x02\x00\x00\x00{}" + b"\x00\x00\x00\x00" * 9,
        b"\x04\x00\x00\x00null" + b"\x00\x00\x00\x00" * 9,
        b"\x02\x00\x00\x00[[" + b"\x00\x00\x00\x00" * 9,
    ],
)
def test_nonsense_with_a_right_checksum_is_refused_too(content: bytes) -> None:
    with pytest.raises(SnapshotError):
        load_model(sealed(content))


def test_a_snapshot_cannot_unfold_without_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "MAX_CONTENT", 1_000)
    with pytest.raises(SnapshotError, match="larger"):
        load_model(sealed(b"\x00" * 2_000))


def test_lessons_are_read_back_exactly() -> None:
    kept = [
        *lessons(3),
        replace(lesson(9, spam=True, at=7), automatic=True),
        forget(parse_message(letter(8, spam=True)), taught_at=5),
    ]
    assert load_lessons(dump_lessons(kept)) == [replace(one, forced=False) for one in kept]
    features = lesson(1, spam=True).features
    assert np.array_equal(features.content, read(letter(1, spam=True))[1].content)
    assert np.array_equal(features.body_grams, read(letter(1, spam=True))[1].body_grams)


@pytest.mark.parametrize("content", [b"short", b"\x00" * 31 + b"\xff" * 10, b"\x00" * 16 + b"\x09" + b"\x00" * 14])
def test_a_damaged_archive_is_refused(content: bytes) -> None:
    with pytest.raises(SnapshotError):
        load_lessons(codec.seal(archive.MAGIC, content))


@pytest.mark.parametrize(
    "packed", [b"", b"x", zlib.compress(b""), zlib.compress(b"\xff" * 24), zlib.compress(b"a" * 9**7)]
)
def test_damaged_features_are_refused(packed: bytes) -> None:
    with pytest.raises(ExampleError):
        unpack_features(packed)


def test_packed_features_are_small() -> None:
    assert len(pack_features(learnt(1, spam=True).features)) < 4_000


def test_states_meet_without_gap() -> None:
    assert state(0.0) is State.HAM
    assert state(HAM_BELOW) is State.UNSURE
    assert state(SPAM_FROM) is State.SPAM


def test_a_combination_is_calibrated() -> None:
    random = np.random.default_rng(1)
    labels = random.random(4_000) < 0.3
    scores = random.normal(size=(4_000, 2)) + np.where(labels, 1.5, -1.5)[:, None]
    found = fit(scores, labels)
    given = np.array([found.probability(tuple(row)) for row in scores])
    near = (given > 0.4) & (given < 0.6)
    balanced = (
        labels[near].sum()
        / labels.sum()
        / (labels[near].sum() / labels.sum() + (~labels[near]).sum() / (~labels).sum())
    )
    assert 0.35 < balanced < 0.65


def test_a_regression_learns_and_goes_on_from_where_it_stood() -> None:
    inputs = [kinds_to_input(np.array([index % 2, 2 + index % 5], dtype=np.uint32)) for index in range(100)]
    labels = [index % 2 == 1 for index in range(100)]
    learnt_weights = train_regression(inputs, labels, 4)
    assert learnt_weights.score(inputs[1]) > 2 > -2 > learnt_weights.score(inputs[0])
    turned = train_regression(inputs, [not label for label in labels], 4, Logistic(learnt_weights.weights, 0.0))
    assert turned.score(inputs[1]) < 0


def test_the_shipped_seed_model_can_be_read_and_is_nobodys_site() -> None:
    seed = seed_model()
    assert not seed.provenance.site
    assert seed.tokens.hams > 200
    assert 0 < classify(seed, read(letter(1, spam=True))[1]).probability < 1


def test_the_seed_model_fits_the_features_of_today() -> None:
    """A seed model made before features were changed knows hardly a token and judges hardly a message."""
    mails = read_labelled(corpora("spamassassin-dev.tar.gz"))[::60]
    judged = [classify(seed_model(), read(mail.raw)[1]).state for mail in mails]
    right = [one is (State.SPAM if mail.spam else State.HAM) for mail, one in zip(mails, judged, strict=True)]
    assert sum(right) > 0.95 * len(mails)
