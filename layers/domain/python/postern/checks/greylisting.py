"""Greylisting (RFC 6647): who sends something to somebody for the first time is asked to come back later.

Late, because it sees what the other checks found: by default only suspicious mail waits. SMTP knows one answer for all
recipients, so nothing is deferred when there is a reason to take the message for any of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from postern import replies
from postern.contract import CheckSpec, Needs, NoEvidence, Phase, Required, symbol
from postern.evidence import BackscatterEvidence, CorrespondentEvidence, Credit, SenderListEvidence, SpfEvidence
from postern.greylist.triplet import client_network, permitted_hosts, triplet
from postern.greylist.waiting import minutes, time_to_wait
from postern.model import (
    CheckResult,
    Disposition,
    Finding,
    Points,
    Proposal,
    RecipientDecision,
    ResultWord,
    Transaction,
)
from postern.networks import IPAddress, is_internal, is_within, known_address
from postern.policy import EVERY_SCOPE, CheckPolicy, Mode, setting
from postern.ports import Greylist, GreylistTimes, Unavailable

CHECK_ID = "greylisting"
DEFERRED, RETURNED, EXEMPT = "GREYLIST_DEFERRED", "GREYLIST_RETURNED", "GREYLIST_EXEMPT"

MAX_TRIPLETS = 50
"""Recipients of one message that are looked up; the others wait or pass as these do."""

_SETTLED = (Disposition.DEFER, Disposition.REJECT)


class Applies(StrEnum):
    """Which mail waits: all of it, or what looks suspicious."""

    SUSPICIOUS = "suspicious"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class GreylistingPolicy(CheckPolicy):
    """Settings of greylisting. Mail is suspicious in the grey band of the score, or when nothing authenticates it."""

    mode: Mode = setting(Mode.ENFORCE, "off, observe, score or enforce", scopes=EVERY_SCOPE)
    applies_to: Applies = setting(Applies.SUSPICIOUS, "which mail waits: suspicious or all")
    delay_minutes: int = setting(15, "minutes that a first attempt has to wait", minimum=1, maximum=1440)
    unused_days: int = setting(10, "days after which a triplet that nobody came back for is forgotten", minimum=1)
    used_days: int = setting(36, "days after its last use that a triplet is remembered", minimum=1)
    grey_from: Points = setting(Points(200), "score from which mail is suspicious")
    grey_to: Points = setting(Points(500), "score from which the score alone is no reason to wait any more")


SPEC = CheckSpec(
    check_id=CHECK_ID,
    title="Greylisting",
    phase=Phase.LATE,
    policy=GreylistingPolicy,
    evidence=NoEvidence,
    symbols=(
        symbol(DEFERRED, 0, "a first attempt, or one that came back too early"),
        symbol(RETURNED, 0, "the client came back after the delay"),
        symbol(EXEMPT, 0, "a reason not to let this sender wait"),
    ),
    requires=("spf", "dkim", "dmarc", "sender_lists", "correspondents", "backscatter"),
    needs=frozenset({Needs.STANDING, Needs.GREYLIST}),
    seconds=6,
    standards=("RFC 6647",),
)


def evaluate(
    transaction: Transaction,
    *,
    policy: GreylistingPolicy,
    required: Required,
    standing: tuple[RecipientDecision, ...],
    greylist: Greylist,
) -> CheckResult[NoEvidence]:
    """`policy` when the message shall wait, `pass` when it need not, `none` where greylisting has no say."""
    client = known_address(transaction.client_ip)
    acceptors = [one for one in standing if one.wanted not in _SETTLED]
    outside = _outside(client, transaction)
    if client is None or outside or not acceptors or any(one.wanted is Disposition.DEFER for one in standing):
        return CheckResult(CHECK_ID, ResultWord.NONE, reason=outside or "nobody would accept the message now")
    excuse = next(_excuses(acceptors, required), "")
    if excuse:
        return CheckResult(CHECK_ID, ResultWord.PASS, findings=(Finding(EXEMPT, excuse),), reason=excuse)
    if policy.applies_to is Applies.SUSPICIOUS and not all(_is_suspicious(one, policy, required) for one in acceptors):
        return CheckResult(CHECK_ID, ResultWord.PASS, reason="not suspicious")
    try:
        return _ask(_Attempt.of(transaction, client, required, policy), acceptors, greylist)
    except Unavailable:
        return CheckResult(CHECK_ID, ResultWord.TEMPERROR, reason="the greylist could not be asked")


def _outside(client: IPAddress | None, transaction: Transaction) -> str:
    """Why greylisting has no say about this client; empty when it has."""
    if transaction.envelope is None or client is None:
        return "nobody is there who could come back"
    if is_internal(client):
        return "the client is in an internal network"
    if is_within(client, transaction.site.trusted_forwarders):
        return "a trusted forwarder comes back in any case"
    return ""


def _excuses(acceptors: Iterable[RecipientDecision], required: Required) -> Iterator[str]:
    """Proven good signs. For one recipient is enough: the message is accepted then, and so need not wait."""
    addresses = {one.address for one in acceptors}
    lists = required.evidence("sender_lists", SenderListEvidence)
    for credit in lists.allowed if lists else ():
        if _counts(credit, addresses, required):
            yield f"allowed by {credit.name}"
    reports = required.evidence("backscatter", BackscatterEvidence)
    if reports and not addresses.isdisjoint(reports.proven):
        yield "a report about a message of ours"
    correspondents = required.evidence("correspondents", CorrespondentEvidence)
    for credit in correspondents.known if correspondents else ():
        if _counts(credit, addresses, required):
            yield f"{credit.name} is a known correspondent"


def _counts(credit: Credit, addresses: set[str], required: Required) -> bool:
    proven = not credit.proofs or any(required.result(proof) is ResultWord.PASS for proof in credit.proofs)
    return proven and (credit.recipients is None or not addresses.isdisjoint(credit.recipients))


def _is_suspicious(one: RecipientDecision, policy: GreylistingPolicy, required: Required) -> bool:
    if policy.grey_from <= one.score < policy.grey_to:
        return True
    words = [required.result(check_id) for check_id in ("spf", "dkim")]
    # Where policy asks neither, their silence says nothing.
    return ResultWord.PASS not in words and any(word is not ResultWord.SKIPPED for word in words)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What the triplets of one transaction have in common."""

    transaction: Transaction
    network: str
    times: GreylistTimes

    @classmethod
    def of(cls, transaction: Transaction, client: IPAddress, required: Required, policy: GreylistingPolicy) -> _Attempt:
        """A host that SPF permits for the reverse-path stands for all of them: a retry may come from another."""
        spf = required.evidence("spf", SpfEvidence)
        permitted = spf is not None and spf.mail_from.result is ResultWord.PASS
        network = permitted_hosts(spf.mail_from.domain) if spf and permitted else client_network(client)
        times = GreylistTimes(
            timedelta(minutes=policy.delay_minutes),
            timedelta(days=policy.unused_days),
            timedelta(days=policy.used_days),
        )
        return cls(transaction, network, times)

    def time_to_wait(self, recipient: str, greylist: Greylist) -> timedelta:
        """Count the attempt for one recipient. Raises `Unavailable`."""
        now = self.transaction.received_at
        key = triplet(self.network, self.transaction.reverse_path, recipient)
        return time_to_wait(greylist.attempt(key, recipient, now, self.times), now, self.times)


def _ask(attempt: _Attempt, acceptors: list[RecipientDecision], greylist: Greylist) -> CheckResult[NoEvidence]:
    """Ask for each recipient until one passes. Raises `Unavailable`."""
    addresses = tuple(sorted({one.address for one in acceptors}))
    longest = timedelta(0)
    for address in addresses[:MAX_TRIPLETS]:
        waiting = attempt.time_to_wait(address, greylist)
        if not waiting:
            return _passed(Finding(RETURNED, f"{attempt.network} for {address}"))
        longest = max(longest, waiting)
    opened = greylist.open_mailboxes(addresses[:MAX_TRIPLETS], attempt.transaction.received_at)
    if opened:
        return _passed(Finding(EXEMPT, f"{min(opened)} is waiting for a message"))
    return _deferred(attempt, addresses, minutes(longest))


def _passed(finding: Finding) -> CheckResult[NoEvidence]:
    return CheckResult(CHECK_ID, ResultWord.PASS, findings=(finding,), reason=finding.detail)


def _deferred(attempt: _Attempt, addresses: tuple[str, ...], wait: int) -> CheckResult[NoEvidence]:
    reason = f"{wait} minute{'' if wait == 1 else 's'} to wait for {attempt.network}"
    return CheckResult(
        CHECK_ID,
        ResultWord.POLICY,
        findings=(Finding(DEFERRED, reason, recipients=addresses),),
        proposals=(Proposal(Disposition.DEFER, replies.greylisted(wait), recipients=addresses, reason=reason),),
        properties={"network": attempt.network, "minutes": wait},
        reason=reason,
    )
