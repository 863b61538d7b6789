"""Known correspondents: people to whom a mailbox has written get a little credit with it, once they are proven.

An address is easy to write into a message, so it counts only when DMARC passes for the author it names, or SPF for the
reverse-path. What is known is known to one mailbox, not to all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from postern.author import extract_author
from postern.contract import CheckSpec, Needs, Phase, Required, symbol
from postern.correspondents import known_as
from postern.evidence import CorrespondentEvidence, Credit
from postern.message import Message
from postern.model import CheckResult, Finding, ResultWord, Transaction
from postern.policy import CheckPolicy, setting
from postern.ports import Correspondence, Correspondents, Unavailable
from postern.sender_list_match import Correspondent, Source

CHECK_ID = "correspondents"
KNOWN = "KNOWN_CORRESPONDENT"

MAX_MAILBOXES = 50
"""Recipients of one message for whom is looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrespondentsPolicy(CheckPolicy):
    """Settings of the known correspondents."""

    keep_days: int = setting(180, "days after the last message to an address that it is known", minimum=1, maximum=3650)


SPEC = CheckSpec(
    check_id=CHECK_ID,
    title="Known correspondents",
    phase=Phase.ENVELOPE,
    policy=CorrespondentsPolicy,
    evidence=CorrespondentEvidence,
    symbols=(symbol(KNOWN, -2.0, "the mailbox has written to this sender, who is proven"),),
    needs=frozenset({Needs.MESSAGE, Needs.CORRESPONDENTS}),
)


def evaluate(
    transaction: Transaction,
    *,
    policy: CorrespondentsPolicy,
    required: Required,
    message: Message,
    correspondents: Correspondents,
) -> CheckResult[CorrespondentEvidence]:
    """`pass` when a recipient knows the sender, proven or not yet; `none` when nobody does."""
    sender = Correspondent(client=None, reverse_path=transaction.reverse_path, author=extract_author(message))
    names = _names(sender)
    mailboxes = [one.address for one in transaction.recipients if one.address][:MAX_MAILBOXES]
    try:
        found = correspondents.known(mailboxes, names, transaction.received_at) if names else ()
    except Unavailable:
        return CheckResult(CHECK_ID, ResultWord.TEMPERROR, reason="the correspondents could not be looked up")
    credits_ = tuple(_credits(found, names, sender))
    return CheckResult(
        CHECK_ID,
        ResultWord.PASS if credits_ else ResultWord.NONE,
        findings=tuple(Finding(KNOWN, one.name, recipients=one.recipients, needs_pass=one.proofs) for one in credits_),
        evidence=CorrespondentEvidence(credits_),
        reason=", ".join(one.name for one in credits_),
    )


def _names(sender: Correspondent) -> dict[str, set[Source]]:
    """The addresses the sender may be known by, and what of the message shows each."""
    shown = {Source.REVERSE_PATH: sender.reverse_path, Source.AUTHOR: sender.author.address if sender.author else ""}
    names: dict[str, set[Source]] = {}
    for source, address in shown.items():
        name = known_as(address) if address else ""
        if name:
            names.setdefault(name, set()).add(source)
    return names


def _credits(
    found: tuple[Correspondence, ...], names: dict[str, set[Source]], sender: Correspondent
) -> Iterator[Credit]:
    """One credit for each recipient, with a proof of any of the addresses the recipient knows."""
    known_by: dict[str, list[str]] = {}
    for one in found:
        known_by.setdefault(one.mailbox, []).append(one.address)
    alike: dict[tuple[str, ...], list[str]] = {}
    for mailbox, addresses in known_by.items():
        alike.setdefault(tuple(sorted(addresses)), []).append(mailbox)
    for known, mailboxes in alike.items():
        proofs = {proof for address in known for proof in sender.proofs(names[address])}
        yield Credit(" and ".join(known), tuple(sorted(mailboxes)), tuple(sorted(proofs)))
