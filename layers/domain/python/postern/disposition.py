"""The only place that decides: score, finality, and a disposition for every recipient.

Checks report; each recipient's policy says what of it counts. Then the recipients are brought under the one reply
that SMTP allows: all refuse, 5yz; all who would accept would defer, 4yz; otherwise 250, and a refusing recipient's
copy goes to the quarantine (or Junk, by policy).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from postern import replies
from postern.model import (
    CheckResult,
    Decision,
    Disposition,
    Finding,
    Points,
    Proposal,
    Recipient,
    RecipientDecision,
    ResultWord,
    Transaction,
)
from postern.policy import CheckPolicy, Mode
from postern.policy_book import ResolvedPolicy
from postern.replies import Reply
from postern.sections import SpamFilterPolicy, section_types

Results = Mapping[str, CheckResult[Any]]

NEVER_REFUSED_BY_SCORE = frozenset({"postmaster", "abuse"})
_COUNTED = (Mode.SCORE, Mode.ENFORCE)
_SEVERITY = tuple(Disposition)


@dataclass(frozen=True, slots=True)
class _Wish:
    """One thing that could be done with a copy, why, and the reply that goes with it."""

    disposition: Disposition
    reason: str
    reply: Reply | None = None
    trouble: bool = False


@dataclass(frozen=True, slots=True)
class _Standpoint:
    """A recipient with everything its policy makes of the results."""

    recipient: Recipient
    score: Points
    flagged: bool
    wishes: tuple[_Wish, ...]
    filter: SpamFilterPolicy

    @property
    def wish(self) -> _Wish:
        """The most severe wish."""
        return max(self.wishes, key=lambda wish: _SEVERITY.index(wish.disposition))


def decide(transaction: Transaction, results: Results, policy: ResolvedPolicy) -> Decision:
    """The decision for a transaction from all its results."""
    points = [_standpoint(recipient, results, policy) for recipient in transaction.recipients]
    decided, reply = _settle(points, transaction.transaction_id)
    return Decision(transaction.transaction_id, reply, tuple(decided), policy_version=policy.version)


def standing(transaction: Transaction, results: Results, policy: ResolvedPolicy) -> tuple[RecipientDecision, ...]:
    """Where every recipient stands before the late checks have spoken."""
    return decide(transaction, results, policy).recipients


def score(results: Results, recipient: Recipient, policy: ResolvedPolicy) -> Points:
    """The sum of what counts for one recipient, in hundredths."""
    return Points(sum(_counted_points(result, results, recipient, policy) for result in results.values()))


def is_final(result: CheckResult[Any], transaction: Transaction, policy: ResolvedPolicy) -> bool:
    """Whether this result settles the transaction: every recipient's policy enforces a final refusal."""
    final = [proposal for proposal in result.proposals if proposal.final]
    return bool(final and transaction.recipients) and all(
        any(_concerns(proposal.recipients, recipient) for proposal in final)
        and _check_policy(result.check_id, recipient, policy).mode is Mode.ENFORCE
        for recipient in transaction.recipients
    )


# --- one recipient ----------------------------------------------------------------------------------------


def _standpoint(recipient: Recipient, results: Results, policy: ResolvedPolicy) -> _Standpoint:
    settings = policy.section_for(recipient.address, "spam_filter", SpamFilterPolicy)
    total = score(results, recipient, policy)
    wishes = (
        _Wish(Disposition.ACCEPT, "nothing speaks against it"),
        *_score_wishes(total, recipient, settings),
        *_proposal_wishes(results, recipient, policy, settings),
        *_trouble_wishes(results, recipient, policy),
    )
    return _Standpoint(recipient, total, total >= settings.spam_at, wishes, settings)


def _score_wishes(total: Points, recipient: Recipient, settings: SpamFilterPolicy) -> Iterator[_Wish]:
    if total < settings.spam_at:
        return
    refused = 0 < settings.refuse_at <= total
    wanted = Disposition.REJECT if refused else settings.flagged.disposition
    if wanted is Disposition.REJECT and _local_part(recipient) in NEVER_REFUSED_BY_SCORE:
        wanted = Disposition.JUNK
    limit = settings.refuse_at if refused else settings.spam_at
    yield _Wish(wanted, f"score {points_text(total)} reaches {points_text(limit)}", replies.REFUSED_AS_SPAM)


def _local_part(recipient: Recipient) -> str:
    return recipient.forward_path.rpartition("@")[0].lower() or recipient.forward_path.lower()


def _proposal_wishes(
    results: Results, recipient: Recipient, policy: ResolvedPolicy, settings: SpamFilterPolicy
) -> Iterator[_Wish]:
    for result in results.values():
        if not result.proposals or _check_policy(result.check_id, recipient, policy).mode is not Mode.ENFORCE:
            continue
        for proposal in result.proposals:
            if _concerns(proposal.recipients, recipient) and not _any_passed(proposal.yields_to, results):
                yield _wish_of(proposal, result, results, recipient, policy, settings)


def _wish_of(
    proposal: Proposal,
    result: CheckResult[Any],
    results: Results,
    recipient: Recipient,
    policy: ResolvedPolicy,
    settings: SpamFilterPolicy,
) -> _Wish:
    reason = f"{result.check_id}: {proposal.reason or result.reason or result.result}"
    if proposal.needs_corroboration and not _corroborated(result, results, recipient, policy, settings):
        return _Wish(proposal.otherwise, f"{reason} (no independent evidence)")
    return _Wish(proposal.disposition, reason, proposal.reply)


def _corroborated(
    result: CheckResult[Any],
    results: Results,
    recipient: Recipient,
    policy: ResolvedPolicy,
    settings: SpamFilterPolicy,
) -> bool:
    """Whether anything but the check's own points speaks against the message (DEFENCES: DMARC)."""
    others = score(results, recipient, policy) - _counted_points(result, results, recipient, policy)
    return others >= settings.spam_at or any(
        finding.corroborates
        for other in results.values()
        for finding in _counted_findings(other, results, recipient, policy)
    )


def _trouble_wishes(results: Results, recipient: Recipient, policy: ResolvedPolicy) -> Iterator[_Wish]:
    for result in results.values():
        unavailable = result.result is ResultWord.TEMPERROR
        if unavailable and _check_policy(result.check_id, recipient, policy).required:
            reason = f"{result.check_id} is required and could not be done"
            yield _Wish(Disposition.DEFER, reason, replies.LOCAL_ERROR, trouble=True)
    if _dns_is_down(results.values()):
        yield _Wish(Disposition.DEFER, "no DNS answer at all", replies.DNS_UNAVAILABLE, trouble=True)


def _dns_is_down(results: Iterable[CheckResult[Any]]) -> bool:
    """Whether every check that asked the DNS ended in `temperror`, and more than one did."""
    asked = [result for result in results if result.lookups]
    return len(asked) > 1 and all(result.result is ResultWord.TEMPERROR for result in asked)


def _counted_points(
    result: CheckResult[Any], results: Results, recipient: Recipient, policy: ResolvedPolicy
) -> Points:
    scores = _check_policy(result.check_id, recipient, policy).scores
    counted = _counted_findings(result, results, recipient, policy)
    return Points(sum(scores.get(finding.symbol, finding.score or 0) for finding in counted))


def _counted_findings(
    result: CheckResult[Any], results: Results, recipient: Recipient, policy: ResolvedPolicy
) -> Iterator[Finding]:
    if not result.findings or _check_policy(result.check_id, recipient, policy).mode not in _COUNTED:
        return
    for finding in result.findings:
        proven = not finding.needs_pass or _any_passed(finding.needs_pass, results)
        if proven and _concerns(finding.recipients, recipient):
            yield finding


def _any_passed(check_ids: Iterable[str], results: Results) -> bool:
    return any(check_id in results and results[check_id].result is ResultWord.PASS for check_id in check_ids)


def _concerns(recipients: tuple[str, ...] | None, recipient: Recipient) -> bool:
    return recipients is None or recipient.address in recipients


def _check_policy(check_id: str, recipient: Recipient, policy: ResolvedPolicy) -> CheckPolicy:
    kind = section_types()[check_id]
    found: CheckPolicy = policy.section_for(recipient.address, check_id, kind)
    return found


def points_text(points: int) -> str:
    """Points as people write them: `12.0`, `-3.05`."""
    whole, hundredths = divmod(abs(points), 100)
    decimals = f"{hundredths:02d}".removesuffix("0") if hundredths % 10 == 0 else f"{hundredths:02d}"
    return f"{'-' if points < 0 else ''}{whole}.{decimals}"


# --- all recipients ---------------------------------------------------------------------------------------


def _settle(points: list[_Standpoint], transaction_id: str) -> tuple[list[RecipientDecision], Reply]:
    """Bring every recipient's wish under one reply."""
    reply = _common_reply(points)
    if reply is not None:
        return [_decided(point, point.wish.disposition) for point in points], _with_id(reply, transaction_id)
    return [_decided(point, _accepted_as(point)) for point in points], replies.accepted(transaction_id)


def _common_reply(points: list[_Standpoint]) -> Reply | None:
    """The negative reply for everyone, or `None` when the message is accepted."""
    trouble = next((point.wish for point in points if point.wish.trouble), None)
    if trouble is not None:
        return trouble.reply
    acceptors = [point for point in points if point.wish.disposition is not Disposition.REJECT]
    if points and not acceptors:
        return points[0].wish.reply or replies.REFUSED_BY_POLICY
    if acceptors and all(point.wish.disposition is Disposition.DEFER for point in acceptors):
        return acceptors[0].wish.reply or replies.LOCAL_ERROR
    return None


def _accepted_as(point: _Standpoint) -> Disposition:
    """What becomes of a copy once the message as a whole is accepted."""
    mildest_allowed = [wish for wish in point.wishes if wish.disposition is not Disposition.DEFER]
    wanted = max((wish.disposition for wish in mildest_allowed), key=_SEVERITY.index)
    return point.filter.refused_copy.disposition if wanted is Disposition.REJECT else wanted


def _decided(point: _Standpoint, disposition: Disposition) -> RecipientDecision:
    reasons = tuple(wish.reason for wish in point.wishes[1:]) or (point.wishes[0].reason,)
    return RecipientDecision(
        point.recipient.address, disposition, point.wish.disposition, point.score, point.flagged, reasons
    )


def _with_id(reply: Reply, transaction_id: str) -> Reply:
    return replace(reply, text=f"{reply.text} ({transaction_id})")
