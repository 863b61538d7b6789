"""What the filter has learnt: the Bayesian classifier's symbols, and the verdict of all classifiers together.

Fisher's indicator has the symbols `BAYES_00` to `BAYES_99`; what decides is the calibrated probability of all
classifiers, `LEARNT_…`. Until a site has learnt 200 ham and 200 spam of its own, the shipped seed model answers, with
fewer points: it was trained on other people's mail.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from postern.contract import CheckSpec, Needs, Phase, Required, symbol
from postern.evidence import BayesEvidence
from postern.message import Message
from postern.model import CheckResult, Finding, Points, ResultWord, Transaction
from postern.policy import CheckPolicy, setting
from postern.ports import SiteModel, Unavailable
from postern.text.view import view_text

if TYPE_CHECKING:
    from postern.bayes.clues import Clue
    from postern.bayes.features import Features
    from postern.bayes.model import Judgement, Model

CHECK_ID = "bayes"
CLUES_SHOWN = 10

_STEPS = (
    (0.99, "BAYES_99"),
    (0.95, "BAYES_95"),
    (0.80, "BAYES_80"),
    (0.60, "BAYES_60"),
    (0.40, "BAYES_50"),
    (0.20, "BAYES_40"),
    (0.05, "BAYES_20"),
    (0.01, "BAYES_05"),
    (0.0, "BAYES_00"),
)
"""Where each symbol begins, as SpamAssassin has them."""

_LIKELY_FROM = 0.8
_SURE_HAM_BELOW = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class BayesPolicy(CheckPolicy):
    """Whether what was learnt counts, and what is learnt without anybody teaching it.

    `required` also defers a message for which the site's own model cannot be read; otherwise the seed model answers.
    """

    seed: bool = setting(True, "judge by the shipped seed model until the site has learnt enough of its own")
    auto_learn: bool = setting(True, "learn from mail whose score without Bayes, lists, VBR and GTUBE leaves no doubt")
    auto_learn_ham_below: Points = setting(Points(10), "such a score below this is learnt as ham", maximum=5)
    auto_learn_spam_above: Points = setting(Points(1200), "such a score above this is learnt as spam", minimum=5)
    auto_learn_header: Points = setting(Points(300), "spam needs so many points from the header and the envelope")
    auto_learn_body: Points = setting(Points(300), "spam needs so many points from the body")
    spam_addresses: tuple[str, ...] = setting(
        (), "addresses to which people who log in send spam, as attached messages, to have it learnt"
    )
    ham_addresses: tuple[str, ...] = setting((), "the same for what is no spam")
    auto_learn_on_error: bool = setting(True, "leave out what the filter was already sure of: it would teach little")


SPEC = CheckSpec(
    check_id=CHECK_ID,
    title="Bayesian learning",
    phase=Phase.CONTENT,
    policy=BayesPolicy,
    evidence=BayesEvidence,
    symbols=(
        symbol("BAYES_00", -0.5, "Bayes: the tokens are those of ham, below 1 %"),
        symbol("BAYES_05", -0.3, "Bayes: 1 to 5 %"),
        symbol("BAYES_20", 0, "Bayes: 5 to 20 %"),
        symbol("BAYES_40", 0, "Bayes: 20 to 40 %"),
        symbol("BAYES_50", 0, "Bayes: 40 to 60 %, undecided"),
        symbol("BAYES_60", 0, "Bayes: 60 to 80 %"),
        symbol("BAYES_80", 0.2, "Bayes: 80 to 95 %"),
        symbol("BAYES_95", 0.3, "Bayes: 95 to 99 %"),
        symbol("BAYES_99", 0.5, "Bayes: the tokens are those of spam, 99 % or more"),
        symbol(
            "LEARNT_SPAM", 5.0, "all classifiers together: spam, as the site has learnt it; 5.0 to 10.0 by the odds"
        ),
        symbol("LEARNT_LIKELY_SPAM", 3.0, "all classifiers together: rather spam; 2.0 to 5.0 by the odds"),
        symbol("LEARNT_UNSURE", 0, "all classifiers together: unsure; -1.5 to 2.0 by the odds"),
        symbol("LEARNT_HAM", -2.0, "all classifiers together: ham; -1.5 to -2.6 by the odds"),
        symbol("LEARNT_SURE_HAM", -2.8, "all classifiers together: ham for sure; below -2.5"),
        symbol("SEED_SPAM", 5.0, "the seed model: spam; up to 10.0 by the odds and as far as it knows such mail"),
        symbol("SEED_LIKELY_SPAM", 3.0, "the seed model: rather spam; up to 5.0, as far as it knows such mail"),
        symbol("SEED_UNSURE", 0, "the seed model: unsure; -1.5 to 2.0, as far as it knows such mail"),
        symbol("SEED_HAM", -2.0, "the seed model: ham; down to -2.6, as far as it knows such mail"),
        symbol("SEED_SURE_HAM", -2.8, "the seed model: ham for sure; down to -3.0, as far as it knows such mail"),
    ),
    needs=frozenset({Needs.MESSAGE, Needs.SITE_MODEL}),
    memory_mb=1769,
    layers=("scan",),
)


def evaluate(
    transaction: Transaction, *, policy: BayesPolicy, required: Required, message: Message, site_model: SiteModel
) -> CheckResult[BayesEvidence]:
    """`fail` for spam, `pass` for ham, `neutral` when unsure, `none` when nothing was learnt that could answer.

    `temperror` only when policy requires the check and the site's own model cannot be read.
    """
    try:
        own, trouble = site_model.model(), ""
    except Unavailable as unavailable:
        own, trouble = None, str(unavailable)
        if policy.required:
            return CheckResult(CHECK_ID, ResultWord.TEMPERROR, reason=trouble)
    result = _judge(own, message, policy)
    if trouble:
        result = replace(result, properties={**result.properties, "site_model": f"could not be read: {trouble}"})
    return result


def _judge(own: Model | None, message: Message, policy: BayesPolicy) -> CheckResult[BayesEvidence]:
    """By the site's own model, else by the seed if policy believes it."""
    # NumPy takes 0.1 s to import: whoever only reads SPEC does not pay for it.
    from postern.bayes.seed import seed_model  # noqa: PLC0415 - as above

    if own is not None:
        return judge_by(own, message)
    if not policy.seed:
        return CheckResult(CHECK_ID, ResultWord.NONE, reason="nothing has been learnt yet")
    return judge_by(seed_model(), message)


def judge_by(model: Model, message: Message) -> CheckResult[BayesEvidence]:
    """The result by a model, the site's or the seed."""
    from postern.bayes.clues import name_clues  # noqa: PLC0415 - see _judge
    from postern.bayes.features import extract  # noqa: PLC0415 - see _judge
    from postern.bayes.model import classify  # noqa: PLC0415 - see _judge
    from postern.bayes.seed_trust import seed_trust  # noqa: PLC0415 - see _judge

    features: Features = extract(message, view_text(message))
    judgement = classify(model, features)
    trust = 1.0 if model.provenance.site else seed_trust(model.tokens, features, message)
    clues = name_clues(features, judgement.bayes.clues, CLUES_SHOWN)
    site = model.provenance.site
    return CheckResult(
        CHECK_ID,
        _WORDS[judgement.state.value],
        findings=(_bayes_finding(judgement, clues, site=site), _verdict_finding(judgement, trust, site=site)),
        evidence=BayesEvidence(judgement.probability, judgement.state.value, site),
        properties=_properties(judgement, clues, site=site),
        reason=f"{judgement.state} ({judgement.probability:.1%}), by {'the site' if site else 'the seed model'}",
    )


_WORDS = {"ham": ResultWord.PASS, "unsure": ResultWord.NEUTRAL, "spam": ResultWord.FAIL}


def _bayes_finding(judgement: Judgement, clues: tuple[Clue, ...], *, site: bool) -> Finding:
    """The symbol of Fisher's indicator; without points while only the seed model answers."""
    indicator = judgement.bayes.indicator
    name = next(name for least, name in _STEPS if indicator >= least)
    detail = f"{indicator:.4f}: " + ", ".join(f"{clue.name} {clue.probability:.2f}" for clue in clues[:3])
    return Finding(name, detail, None if site else Points(0))


def _verdict_finding(judgement: Judgement, trust: float, *, site: bool) -> Finding:
    """The symbol of all classifiers together, with points by the odds."""
    from postern.bayes.points import points  # noqa: PLC0415 - see _judge

    probability = judgement.probability
    odds = judgement.scores[0]
    if judgement.state.value == "spam":
        word = "SPAM"
    elif judgement.state.value == "ham":
        word = "SURE_HAM" if probability < _SURE_HAM_BELOW else "HAM"
    else:
        word = "LIKELY_SPAM" if probability >= _LIKELY_FROM else "UNSURE"
    if site:
        return Finding(f"LEARNT_{word}", f"{probability:.4f}", points(odds))
    detail = f"{probability:.4f}, believed to {trust:.0%}"
    return Finding(f"SEED_{word}", detail, points(odds, trust))


def _properties(judgement: Judgement, clues: tuple[Clue, ...], *, site: bool) -> dict[str, object]:
    return {
        "probability": round(judgement.probability, 4),
        "state": judgement.state.value,
        "bayes": round(judgement.bayes.indicator, 4),
        "learnt_by": "site" if site else "seed",
        "clues": [
            {"token": clue.name, "probability": round(clue.probability, 3), "messages": round(clue.observations, 1)}
            for clue in clues
        ],
    }
