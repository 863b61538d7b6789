"""The check reports what was learnt, by name and with the tokens that told most."""

from __future__ import annotations

import subprocess
import sys

import pytest

from postern.bayes.model import Model
from postern.bayes.training import train
from postern.checks.bayes import SPEC, BayesPolicy, evaluate, judge_by
from postern.contract import Required
from postern.evidence import BayesEvidence
from postern.given_effects import GivenSiteModel
from postern.message import Message, parse_message
from postern.model import CheckResult, ResultWord
from postern.ports import SiteModel, Unavailable
from tests.letters import learnt_letters, letter
from tests.transactions import make_transaction

NOTHING = GivenSiteModel()


class Unreadable:
    """A model that lies where nobody answers."""

    def model(self) -> Model | None:
        """Say so."""
        raise Unavailable("no answer")


def evaluated(policy: BayesPolicy, message: Message, site_model: SiteModel) -> CheckResult[BayesEvidence]:
    return evaluate(make_transaction(), policy=policy, required=Required({}), message=message, site_model=site_model)


@pytest.mark.parametrize(("spam", "word", "symbols"), [(True, "fail", ("BAYES_99", "LEARNT_SPAM"))])
def test_a_site_that_has_learnt_judges_by_its_own(spam: bool, word: str, symbols: tuple[str, ...]) -> None:
    result = judge_by(train(learnt_letters(200)), parse_message(letter(700, spam=spam)))
    assert result.result == word
    assert tuple(one.symbol for one in result.findings) == symbols
    assert result.evidence is not None
    assert result.evidence.site


def test_the_seed_model_answers_with_points_of_its_own() -> None:
    message = parse_message(b"Subject: hello\r\n\r\nhello there\r\n")
    result = evaluated(BayesPolicy(), message, NOTHING)
    bayes, verdict = result.findings
    assert bayes.score == 0
    assert verdict.symbol.startswith("SEED_")
    assert result.properties["learnt_by"] == "seed"
    assert result.properties["clues"]


def test_without_the_seed_model_nothing_is_known() -> None:
    message = parse_message(b"\r\n")
    result = evaluated(BayesPolicy(seed=False), message, NOTHING)
    assert (result.result, result.findings) == (ResultWord.NONE, ())


def test_the_model_of_the_site_answers_in_place_of_the_seed() -> None:
    own = GivenSiteModel(train(learnt_letters(200)))
    result = evaluated(BayesPolicy(seed=False), parse_message(letter(700, spam=True)), own)
    assert (result.result, result.properties["learnt_by"]) == ("fail", "site")


def test_a_model_that_cannot_be_read_is_told_and_the_seed_answers() -> None:
    result = evaluated(BayesPolicy(), parse_message(letter(700, spam=True)), Unreadable())
    assert result.properties["learnt_by"] == "seed"
    assert result.properties["site_model"] == "could not be read: no answer"


def test_who_requires_the_check_waits_for_the_model() -> None:
    result = evaluated(BayesPolicy(required=True), parse_message(letter(700, spam=True)), Unreadable())
    assert (result.result, result.reason) == (ResultWord.TEMPERROR, "no answer")


def test_every_symbol_it_may_report_is_declared() -> None:
    declared = {one.name for one in SPEC.symbols}
    words = ("SPAM", "LIKELY_SPAM", "UNSURE", "HAM", "SURE_HAM")
    assert {f"{whose}_{word}" for whose in ("LEARNT", "SEED") for word in words} <= declared


def test_declaring_the_check_does_not_load_numpy() -> None:
    program = "import sys, postern.checks.bayes; sys.exit('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=False)  # noqa: S603 - our own interpreter and program
    assert done.returncode == 0
