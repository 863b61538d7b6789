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
from postern.dns import DnsStatus
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
from postern.sections import SpamFilterPolicy

Results = Mapping[str, CheckResult[Any]]

NEVER_REFUSED_BY_SCORE = frozenset({"postmaster", "abuse"})
_COUNTED = (Mode.SCORE, Mode.ENFORCE)
_SEVERITY = tuple(Disposition)


def decide(transaction: Transaction, results: Results, policy: ResolvedPolicy) -> Decision:
    """The decision for a transaction from all its results."""
    settled = [_Settled.of(_Standpoint.of(recipient, results, policy)) for recipient in transaction.recipients]
    refusal = _common_reply(settled)
    if refusal is not None:
        reply = _with_id(refusal, transaction.transaction_id)
        decided = tuple(one.decision(one.wish.disposition) for one in settled)
    else:
        reply = replies.accepted(transaction.transaction_id)
        decided = tuple(one.decision(one.accepted_as()) for one in settled)
    return Decision(transaction.transaction_id, reply, decided, policy_version=policy.version)


def standing(transaction: Transaction, results: Results, policy: ResolvedPolicy) -> tuple[RecipientDecision, ...]:
    """Where every recipient stands before the late checks have spoken."""
    return decide(transaction, results, policy).recipients


def is_final(result: CheckResult[Any], transaction: Transaction, policy: ResolvedPolicy) -> bool:
    """Whether this result settles the transaction: every recipient's policy enforces a final refusal."""
    final = [proposal for proposal in result.proposals if proposal.final]
    if not final:
        return False
    points = [_Standpoint.of(recipient, {result.check_id: result}, policy) for recipient in transaction.recipients]
    return bool(points) and all(
        point.enforces(result) and any(point.concerns(proposal.recipients) for proposal in final) for point in points
    )


@dataclass(frozen=True, slots=True)
class _Wish:
    """One thing that could be done with a copy, why, and the reply that goes with it."""

    disposition: Disposition
    reason: str
    reply: Reply | None = None
    trouble: bool = False


@dataclass(frozen=True, slots=True)
class _Standpoint:
    """A recipient and what its policy makes of the results."""

    recipient: Recipient
    results: Results
    views: Mapping[str, CheckPolicy]
    filter: SpamFilterPolicy

    @classmethod
    def of(cls, recipient: Recipient, results: Results, policy: ResolvedPolicy) -> _Standpoint:
        views = {check_id: policy.check_view(recipient.address, check_id) for check_id in results}
        return cls(recipient, results, views, policy.section_for(recipient.address, "spam_filter", SpamFilterPolicy))

    def score(self) -> Points:
        """The sum of what counts, in hundredths."""
        return Points(sum(self._points(result) for result in self.results.values()))

    def counted(self) -> tuple[CountedFinding, ...]:
        """What the score is the sum of."""
        return tuple(one for result in self.results.values() for one in self._worth(result))

    def wishes(self) -> tuple[_Wish, ...]:
        """Everything that could be done with this copy; the first is to accept it."""
        accept = _Wish(Disposition.ACCEPT, "nothing speaks against it")
        return (accept, *self._score_wishes(), *self._proposal_wishes(), *self._trouble_wishes())

    def concerns(self, recipients: tuple[str, ...] | None) -> bool:
        """Whether a finding or proposal limited to `recipients` is about this one."""
        return recipients is None or self.recipient.address in recipients

    def enforces(self, result: CheckResult[Any]) -> bool:
        """Whether this recipient's policy carries out what the check proposes."""
        return self.views[result.check_id].mode is Mode.ENFORCE

    def _score_wishes(self) -> Iterator[_Wish]:
        total, settings = self.score(), self.filter
        if total < settings.spam_at:
            return
        refused = 0 < settings.refuse_at <= total
        wanted = Disposition.REJECT if refused else settings.flagged.disposition
        if wanted is Disposition.REJECT and _local_part(self.recipient) in NEVER_REFUSED_BY_SCORE:
            wanted = Disposition.JUNK
        limit = settings.refuse_at if refused else settings.spam_at
        reason = f"score {points_text(total)} reaches {points_text(limit)}"
        yield _Wish(wanted, reason, replies.REFUSED_AS_SPAM)

    def _proposal_wishes(self) -> Iterator[_Wish]:
        for result in self.results.values():
            for proposal in result.proposals if self.enforces(result) else ():
                if self.concerns(proposal.recipients) and not self._any_passed(proposal.yields_to):
                    yield self._wish_of(proposal, result)

    def _wish_of(self, proposal: Proposal, result: CheckResult[Any]) -> _Wish:
        reason = f"{result.check_id}: {proposal.reason or result.reason or result.result}"
        if proposal.needs_corroboration and not self._corroborated(result):
            return _Wish(proposal.otherwise, f"{reason} (no independent evidence)")
        return _Wish(proposal.disposition, reason, proposal.reply)

    def _corroborated(self, result: CheckResult[Any]) -> bool:
        """Whether anything but the check's own points speaks against the message (RFC 9989 on `p=reject`)."""
        others = self.score() - self._points(result)
        counted = (finding for other in self.results.values() for finding in self._counted(other))
        return others >= self.filter.spam_at or any(finding.corroborates for finding in counted)

    def _trouble_wishes(self) -> Iterator[_Wish]:
        for result in self.results.values():
            if result.result is ResultWord.TEMPERROR and self.views[result.check_id].required:
                reason = f"{result.check_id} is required and could not be done"
                yield _Wish(Disposition.DEFER, reason, replies.LOCAL_TROUBLE, trouble=True)
        if _dns_is_down(self.results.values()):
            yield _Wish(Disposition.DEFER, "no DNS answer at all", replies.DNS_TROUBLE, trouble=True)

    def _points(self, result: CheckResult[Any]) -> Points:
        return Points(sum(one.points for one in self._worth(result)))

    def _worth(self, result: CheckResult[Any]) -> Iterator[CountedFinding]:
        """What counts of a result, with the points that this recipient's policy gives it."""
        scores = self.views[result.check_id].scores
        for one in self._counted(result):
            yield CountedFinding(result.check_id, one.symbol, Points(scores.get(one.symbol, one.score or 0)))

    def _counted(self, result: CheckResult[Any]) -> Iterator[Finding]:
        if self.views[result.check_id].mode not in _COUNTED:
            return
        for finding in result.findings:
            proven = not finding.needs_pass or self._any_passed(finding.needs_pass)
            if proven and self.concerns(finding.recipients):
                yield finding

    def _any_passed(self, check_ids: Iterable[str]) -> bool:
        results = self.results
        return any(check_id in results and results[check_id].result is ResultWord.PASS for check_id in check_ids)


def _local_part(recipient: Recipient) -> str:
    local_part, _, _ = recipient.forward_path.rpartition("@")
    return (local_part or recipient.forward_path).lower()


def _dns_is_down(results: Iterable[CheckResult[Any]]) -> bool:
    """Whether every check that asked the DNS ended in `temperror`, and more than one did."""
    asked = [result for result in results if any(one.status != DnsStatus.NOT_ASKED for one in result.lookups)]
    return len(asked) > 1 and all(result.result is ResultWord.TEMPERROR for result in asked)


@dataclass(frozen=True, slots=True)
class CountedFinding:
    """A finding that counts for a recipient, with the points it counts."""

    check_id: str
    symbol: str
    points: Points


def counted_findings(recipient: Recipient, results: Results, policy: ResolvedPolicy) -> tuple[CountedFinding, ...]:
    """Everything that the recipient's score is the sum of."""
    return _Standpoint.of(recipient, results, policy).counted()


def points_text(points: int) -> str:
    """Points as people write them: `12.0`, `-3.05`."""
    whole, hundredths = divmod(abs(points), 100)
    decimals = f"{hundredths:02d}" if hundredths % 10 else f"{hundredths // 10}"
    return f"{'-' if points < 0 else ''}{whole}.{decimals}"


# --- all recipients ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Settled:
    """A standpoint with its score and wishes worked out once."""

    point: _Standpoint
    score: Points
    wishes: tuple[_Wish, ...]

    @classmethod
    def of(cls, point: _Standpoint) -> _Settled:
        return cls(point, point.score(), point.wishes())

    @property
    def wish(self) -> _Wish:
        """The most severe wish; of several such, one whose reply says more than that it looks like spam."""
        return max(
            self.wishes,
            key=lambda wish: (_SEVERITY.index(wish.disposition), wish.reply not in (None, replies.REFUSED_AS_SPAM)),
        )

    def accepted_as(self) -> Disposition:
        """What becomes of this copy once the message as a whole is accepted."""
        wanted = max(
            (w.disposition for w in self.wishes if w.disposition is not Disposition.DEFER),
            key=_SEVERITY.index,
        )
        return self.point.filter.refused_copy.disposition if wanted is Disposition.REJECT else wanted

    def decision(self, disposition: Disposition) -> RecipientDecision:
        """The recipient's decision with this disposition."""
        reasons = tuple(wish.reason for wish in self.wishes[1:]) or (self.wishes[0].reason,)
        return RecipientDecision(
            address=self.point.recipient.address,
            disposition=disposition,
            wanted=self.wish.disposition,
            score=self.score,
            flagged=self.score >= self.point.filter.spam_at,
            reasons=reasons,
        )


def _common_reply(settled: list[_Settled]) -> Reply | None:
    """The negative reply for everyone, or `None` when the message is accepted."""
    trouble = next((one.wish for one in settled if one.wish.trouble), None)
    if trouble is not None:
        return trouble.reply
    acceptors = [one for one in settled if one.wish.disposition is not Disposition.REJECT]
    if settled and not acceptors:
        return settled[0].wish.reply or replies.REFUSED_BY_POLICY
    if acceptors and all(one.wish.disposition is Disposition.DEFER for one in acceptors):
        return acceptors[0].wish.reply or replies.LOCAL_TROUBLE
    return None


def _with_id(reply: Reply, transaction_id: str) -> Reply:
    return replace(reply, text=f"{reply.text} ({transaction_id})")
