"""Learning without a teacher: from mail about which everything but learning itself leaves no doubt.

What was learnt, sender lists, known correspondents, VBR and test messages do not count: learning from its own answer
would confirm every mistake, and what somebody allows says nothing about what mail looks like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from postern.bayes.requests import Label
from postern.checks.bayes import BayesPolicy
from postern.disposition import CountedFinding, counted_findings
from postern.evidence import BayesEvidence, RulesEvidence
from postern.model import CheckResult, Decision, Direction, Disposition, ResultWord, Transaction
from postern.policy import Mode
from postern.policy_book import ResolvedPolicy

NOT_COUNTED = frozenset({"bayes", "sender_lists", "correspondents", "vbr"})
ABOUT_THE_BODY = frozenset({"uribl"})
"""Checks that look at the body; all others look at the header, the envelope, or the way a message came."""

Results = Mapping[str, CheckResult[Any]]


@dataclass(frozen=True, slots=True)
class PlainScore:
    """The score that learning goes by, in hundredths: all of it, and what of it speaks of header and of body.

    A rule that looks at both counts for both.
    """

    total: int = 0
    header: int = 0
    body: int = 0


def auto_label(transaction: Transaction, results: Results, policy: ResolvedPolicy, decision: Decision) -> Label | None:
    """As what a message teaches, when it does; deferred mail and mail that we send does not."""
    settings = policy.section("bayes", BayesPolicy)
    judged = results.get("bayes")
    if not settings.auto_learn or settings.mode is Mode.OFF or judged is None or not decision.recipients:
        return None
    if transaction.direction is not Direction.INBOUND or 400 <= decision.reply.code < 500:
        return None
    if judged.result is ResultWord.SKIPPED or _is_incomplete(results):
        return None
    label = _by_score(plain_score(transaction, results, policy), settings, decision)
    return label if label is not None and _teaches(label, judged.evidence, settings) else None


def plain_score(transaction: Transaction, results: Results, policy: ResolvedPolicy) -> PlainScore:
    """The score for the first recipient without what does not count."""
    rules = results["rules"].evidence if "rules" in results else None
    areas = rules if isinstance(rules, RulesEvidence) else RulesEvidence()
    total = header = body = 0
    for finding in counted_findings(transaction.recipients[0], results, policy):
        if finding.check_id in NOT_COUNTED or finding.symbol in areas.not_learnt:
            continue
        total += finding.points
        header += 0 if _is_about_body(finding, areas) else finding.points
        body += 0 if _is_about_header(finding, areas) else finding.points
    return PlainScore(total, header, body)


def _is_about_body(finding: CountedFinding, areas: RulesEvidence) -> bool:
    return finding.check_id in ABOUT_THE_BODY or (finding.check_id == "rules" and finding.symbol in areas.body)


def _is_about_header(finding: CountedFinding, areas: RulesEvidence) -> bool:
    if finding.check_id == "rules":
        return finding.symbol in areas.header
    return finding.check_id not in ABOUT_THE_BODY


def _is_incomplete(results: Results) -> bool:
    """Whether a check that finds most of the points could not be done: too low a score would look like ham."""
    return any(results[one].result is ResultWord.TEMPERROR for one in ("rules", "dnsbl", "bayes") if one in results)


def _by_score(score: PlainScore, settings: BayesPolicy, decision: Decision) -> Label | None:
    if score.total < settings.auto_learn_ham_below:
        accepted = all(one.disposition is Disposition.ACCEPT for one in decision.recipients)
        return Label.HAM if accepted else None
    enough = score.header >= settings.auto_learn_header and score.body >= settings.auto_learn_body
    return Label.SPAM if score.total > settings.auto_learn_spam_above and enough else None


def _teaches(label: Label, evidence: object, settings: BayesPolicy) -> bool:
    """Whether the site's own model has something to learn, and does not say the opposite for sure."""
    if not isinstance(evidence, BayesEvidence) or not evidence.site:
        return True
    if evidence.state == "unsure":
        return True
    return evidence.state == label.value and not settings.auto_learn_on_error
