"""What is learnt without a teacher: only what everything but learning itself leaves no doubt about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postern import replies
from postern.bayes.auto_learning import PlainScore, auto_label, plain_score
from postern.bayes.requests import Label
from postern.disposition import decide
from postern.evidence import BayesEvidence, RulesEvidence
from postern.model import CheckResult, Direction, Finding, Points, ResultWord, Transaction
from tests.effects import policy
from tests.transactions import make_transaction

Sections = dict[str, dict[str, object]]


def finding(symbol: str, points: float) -> Finding:
    return Finding(symbol, score=Points(round(points * 100)))


def rules(**points: float) -> CheckResult[Any]:
    """A result of rules, whose names say what they look at."""
    header = tuple(name for name in points if name.startswith("HEADER"))
    body = tuple(name for name in points if name.startswith("BODY"))
    evidence = RulesEvidence(tuple(points), header, body, tuple(name for name in points if name == "GTUBE"))
    found = tuple(finding(name, worth) for name, worth in points.items())
    return CheckResult("rules", ResultWord.FAIL, found, evidence=evidence)


def bayes(state: str = "unsure", *, site: bool = True, points: float = 0) -> CheckResult[Any]:
    return CheckResult(
        "bayes", ResultWord.NEUTRAL, (finding("LEARNT_X", points),), evidence=BayesEvidence(0.5, state, site)
    )


def other(check_id: str, points: float) -> CheckResult[Any]:
    return CheckResult(check_id, ResultWord.FAIL, (finding(check_id.upper(), points),))


def label(*results: CheckResult[Any], sections: Sections | None = None, transaction: Transaction | None = None) -> Any:
    found, book = {one.check_id: one for one in results}, policy(sections or {})
    transaction = transaction or make_transaction()
    return auto_label(transaction, found, book, decide(transaction, found, book))


HAM = (rules(), bayes(), other("spf", -0.1))
SPAM = (rules(HEADER_A=5, BODY_B=5), bayes(), other("dnsbl", 3))


def test_what_scores_nothing_is_ham_and_what_scores_much_is_spam() -> None:
    assert label(*HAM) is Label.HAM
    assert label(*SPAM) is Label.SPAM
    assert label(rules(BODY_A=2), bayes()) is None


def test_header_and_body_must_both_speak() -> None:
    assert label(rules(HEADER_A=14), bayes()) is None
    assert label(rules(BODY_A=14), bayes()) is None
    assert label(rules(META_A=14), bayes()) is Label.SPAM
    assert label(rules(HEADER_A=10), other("uribl", 4), bayes()) is Label.SPAM


@pytest.mark.parametrize("check_id", ["sender_lists", "correspondents", "vbr"])
def test_what_says_nothing_about_what_mail_looks_like_does_not_count(check_id: str) -> None:
    assert label(*SPAM, other(check_id, -100)) is Label.SPAM
    assert label(rules(BODY_A=1), bayes(), other(check_id, -3)) is None


def test_the_test_message_and_the_filters_own_opinion_do_not_count() -> None:
    transaction, found = make_transaction(), {"rules": rules(GTUBE=1000, HEADER_A=1), "bayes": bayes(points=9)}
    assert plain_score(transaction, found, policy()) == PlainScore(100, 100, 0)


def test_flagged_mail_is_no_ham() -> None:
    assert label(rules(), bayes(points=6)) is None


def test_deferred_and_outgoing_mail_is_not_learnt_from() -> None:
    transaction, found = make_transaction(), {one.check_id: one for one in HAM}
    decision = decide(transaction, found, policy())
    deferred = replace(decision, reply=replies.LOCAL_TROUBLE)
    assert auto_label(transaction, found, policy(), deferred) is None
    assert label(*HAM, transaction=replace(transaction, direction=Direction.OUTBOUND)) is None


def test_a_check_that_could_not_be_done_leaves_a_doubt() -> None:
    failed = replace(rules(), result=ResultWord.TEMPERROR)
    assert label(failed, bayes()) is None
    assert label(rules(), replace(bayes(), result=ResultWord.SKIPPED)) is None


def test_what_the_site_is_sure_of_teaches_nothing_unless_all_is_to_be_learnt() -> None:
    assert label(rules(), bayes("ham")) is None
    assert label(rules(), bayes("ham"), sections={"bayes": {"auto_learn_on_error": False}}) is Label.HAM
    assert label(rules(), bayes("ham", site=False)) is Label.HAM


def test_what_contradicts_the_site_is_left_to_people() -> None:
    assert label(rules(HEADER_A=8, BODY_A=8), bayes("ham"), sections={"bayes": {"auto_learn_on_error": False}}) is None


def test_policy_has_the_thresholds_and_the_switch() -> None:
    assert label(*SPAM, sections={"bayes": {"auto_learn_spam_above": 20}}) is None
    assert label(*SPAM, sections={"bayes": {"auto_learn_body": 6}}) is None
    assert label(rules(BODY_A=0.5), bayes(), sections={"bayes": {"auto_learn_ham_below": 1}}) is Label.HAM
    assert label(*HAM, sections={"bayes": {"auto_learn": False}}) is None
