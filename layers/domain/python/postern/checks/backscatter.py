"""Backscatter: reports about mail that we never sent must not reach anybody.

Outgoing mail carries a tag in its reverse-path; a real delivery report comes back to it. One to a protected address
without a valid tag is about somebody else's mail in our name. Where Amazon SES sends, which replaces the reverse-path,
the report proves itself by the Message-ID of a message that was sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from postern import replies
from postern.backscatter.domains import ProtectedDomain, SendingRoute, protected_domain
from postern.backscatter.keys import KeyRing
from postern.backscatter.reports import Reporting, kind_of, original_message_ids
from postern.backscatter.tags import TagResult, read_tag, verify
from postern.contract import CheckSpec, Needs, Phase, Required, symbol
from postern.evidence import BackscatterEvidence
from postern.message import Message
from postern.model import CheckResult, Disposition, Finding, Points, Proposal, Recipient, ResultWord, Transaction
from postern.policy import EVERY_SCOPE, CheckPolicy, Mode, setting
from postern.ports import BatvKeys, SentMessages, Unavailable

CHECK_ID = "backscatter"
PROVEN, MISSING, INVALID, EXPIRED, REPLY = (
    "BACKSCATTER_PROVEN",
    "BACKSCATTER_MISSING",
    "BACKSCATTER_INVALID",
    "BACKSCATTER_EXPIRED",
    "BACKSCATTER_REPLY",
)
_SYMBOLS = {
    TagResult.PASS: PROVEN,
    TagResult.MISSING: MISSING,
    TagResult.INVALID: INVALID,
    TagResult.EXPIRED: EXPIRED,
}
NOTHING = Points(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackscatterPolicy(CheckPolicy):
    """Settings of backscatter protection. It protects the domains that are named, each some days after it was named."""

    mode: Mode = setting(Mode.OFF, "off, observe, score or enforce", scopes=EVERY_SCOPE)
    domains: tuple[ProtectedDomain, ...] = setting((), "the protected domains; all their outgoing mail passes here")
    wait_days: int = setting(7, "days of signing before an unproven report counts", minimum=0, maximum=60)
    exempt: tuple[str, ...] = setting(
        ("postmaster", "abuse"), "local parts or addresses that take any report, such as those of DMARC reports"
    )


SPEC = CheckSpec(
    check_id=CHECK_ID,
    title="Backscatter protection",
    phase=Phase.ENVELOPE,
    policy=BackscatterPolicy,
    evidence=BackscatterEvidence,
    symbols=(
        symbol(PROVEN, 0, "a report about a message that we sent"),
        symbol(MISSING, 3.0, "a delivery report to an address without a tag"),
        symbol(INVALID, 3.0, "a delivery report with a tag that is not ours"),
        symbol(EXPIRED, 2.0, "a delivery report that comes too late"),
        symbol(REPLY, 0.5, "a read receipt or automatic reply to an address without a valid tag"),
    ),
    needs=frozenset({Needs.MESSAGE, Needs.BATV_KEYS, Needs.SENT_MESSAGES}),
    standards=("draft-levine-smtp-batv-01",),
)


def evaluate(
    transaction: Transaction,
    *,
    policy: BackscatterPolicy,
    required: Required,
    message: Message,
    batv_keys: BatvKeys,
    sent_messages: SentMessages,
) -> CheckResult[BackscatterEvidence]:
    """`pass` when every protected recipient's report is proven, `fail` when one is not, `none` for other mail."""
    kind = kind_of(transaction.reverse_path, message) if transaction.envelope else Reporting.NO
    protected = tuple(_protected(transaction.recipients, policy)) if kind is not Reporting.NO else ()
    if not protected:
        reason = kind.value if kind is Reporting.NO else "no recipient is protected"
        return CheckResult(CHECK_ID, ResultWord.NONE, reason=reason)
    try:
        ring = batv_keys.ring()
        if not ring.keys and any(one.domain.route is SendingRoute.DIRECT for one in protected):
            # Nobody could have signed anything, or the keys were lost: either way it is not the sender's fault.
            return CheckResult(CHECK_ID, ResultWord.TEMPERROR, reason="there are no keys")
        proofs = _prove(protected, message, transaction, ring, sent_messages)
    except Unavailable:
        return CheckResult(CHECK_ID, ResultWord.TEMPERROR, reason="the keys or the sent messages could not be read")
    waiting = {one.address for one in protected if one.waits(transaction, policy)}
    failed = sorted({word.value for word in proofs.values() if word is not TagResult.PASS})
    return CheckResult(
        CHECK_ID,
        ResultWord.FAIL if failed else ResultWord.PASS,
        findings=tuple(_findings(proofs, kind, waiting)),
        proposals=tuple(_refusals(proofs, waiting)) if kind is Reporting.DELIVERY else (),
        evidence=BackscatterEvidence(tuple(sorted(address for address in proofs if proofs[address] is TagResult.PASS))),
        properties={"kind": kind.value, "tags": {address: word.value for address, word in sorted(proofs.items())}},
        reason=f"{kind.value}: {', '.join(failed) or 'proven'}",
    )


@dataclass(frozen=True, slots=True)
class _Protected:
    """A recipient in a protected domain."""

    recipient: Recipient
    domain: ProtectedDomain

    @property
    def address(self) -> str:
        """Where the report would be delivered."""
        return self.recipient.address

    def tag_result(self, ring: KeyRing, transaction: Transaction) -> TagResult:
        """What the tag of the forward-path proves."""
        return verify(self.recipient.forward_path, (self.address,), ring, transaction.received_at)

    def waits(self, transaction: Transaction, policy: BackscatterPolicy) -> bool:
        """Whether untagged reports may still be about mail that was sent before signing began."""
        return transaction.received_at < self.domain.enforced_from(timedelta(days=policy.wait_days))


def _protected(recipients: Iterable[Recipient], policy: BackscatterPolicy) -> Iterator[_Protected]:
    exempt = {entry.lower() for entry in policy.exempt}
    for recipient in recipients:
        local_part, _, name = recipient.forward_path.rpartition("@")
        tag = read_tag(local_part)
        plain = (tag.local_part if tag else local_part).lower()
        domain = protected_domain(policy.domains, name)
        if domain and exempt.isdisjoint((plain, f"{plain}@{domain.domain}", recipient.address.lower())):
            yield _Protected(recipient, domain)


def _prove(
    protected: Sequence[_Protected],
    message: Message,
    transaction: Transaction,
    ring: KeyRing,
    sent_messages: SentMessages,
) -> dict[str, TagResult]:
    """What proves the report for each recipient; who is named twice needs one proof. Raises `Unavailable`."""
    proofs: dict[str, TagResult] = {}
    for one in protected:
        found = one.tag_result(ring, transaction)
        proofs[one.address] = TagResult.PASS if TagResult.PASS in (found, proofs.get(one.address)) else found
    by_ses = {one.address for one in protected if one.domain.route is SendingRoute.SES}
    unproven = {address for address in by_ses if proofs[address] is not TagResult.PASS}
    originals = original_message_ids(message) if unproven else ()
    if originals:
        senders = sent_messages.senders(originals, transaction.received_at)
        proofs.update(dict.fromkeys(unproven & senders, TagResult.PASS))
    return proofs


def _findings(proofs: dict[str, TagResult], kind: Reporting, waiting: set[str]) -> Iterator[Finding]:
    """A finding for each word, and its points only where signing is old enough."""
    for word in TagResult:
        symbol_name = _SYMBOLS[word]
        if word is not TagResult.PASS and kind is not Reporting.DELIVERY:
            symbol_name = REPLY
        for waits in (False, True):
            addresses = sorted(one for one, found in proofs.items() if found is word and (one in waiting) is waits)
            if addresses:
                detail = f"{kind.value}, {word.value}{', not counted yet' if waits else ''}"
                yield Finding(symbol_name, detail, NOTHING if waits else None, tuple(addresses))


def _refusals(proofs: dict[str, TagResult], waiting: set[str]) -> Iterator[Proposal]:
    refusing = sorted(address for address, word in proofs.items() if word is not TagResult.PASS)
    addresses = tuple(address for address in refusing if address not in waiting)
    if addresses:
        yield Proposal(
            Disposition.REJECT, replies.NOT_OUR_MESSAGE, recipients=addresses, reason="a report about no mail of ours"
        )
