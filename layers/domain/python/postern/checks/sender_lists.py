"""Sender lists: what postmasters and people decided about a client, a reverse-path or an author.

`block` and `allow` are points, so that one can offset the other; `refuse` is hard and final. Credit needs proof: an
allow entry counts once DMARC has passed for the author it names, or SPF for the reverse-path, unless it says that it
needs none. Each entry concerns the recipients of its scope only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from postern import replies
from postern.author import extract_author
from postern.contract import CheckSpec, Needs, Phase, Required, symbol
from postern.evidence import Credit, SenderListEvidence
from postern.judged_client import judged_client
from postern.message import Message
from postern.model import CheckResult, Disposition, Finding, Points, Proposal, ResultWord, Transaction
from postern.policy import EVERY_SCOPE, CheckPolicy, Mode, setting
from postern.ports import SenderLists, Unavailable
from postern.sender_list_entry import ListAction
from postern.sender_list_match import Correspondent, Match, find_matches

CHECK_ID = "sender_lists"
BLOCKED = "SENDER_BLOCKED"
ALLOWED = "SENDER_ALLOWED"
REFUSED = "SENDER_REFUSED"
FULL_POINTS = Points(100_00)


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderListsPolicy(CheckPolicy):
    """Settings of the sender lists. In mode score a refuse entry only adds its points."""

    mode: Mode = setting(Mode.ENFORCE, "off, observe, score or enforce", scopes=EVERY_SCOPE)
    check_author: bool = setting(True, "look authors up as well as the reverse-path and the client")


SPEC = CheckSpec(
    check_id=CHECK_ID,
    title="Sender lists",
    phase=Phase.ENVELOPE,
    policy=SenderListsPolicy,
    evidence=SenderListEvidence,
    symbols=(
        symbol(BLOCKED, 100, "a block entry matches"),
        symbol(ALLOWED, -100, "an allow entry matches and is proven"),
        symbol(REFUSED, 100, "a refuse entry matches"),
    ),
    needs=frozenset({Needs.SENDER_LISTS, Needs.MESSAGE}),
)


def evaluate(
    transaction: Transaction,
    *,
    policy: SenderListsPolicy,
    required: Required,
    sender_lists: SenderLists,
    message: Message | None = None,
) -> CheckResult[SenderListEvidence]:
    """`fail` when an entry blocks or refuses for anybody, `pass` when entries only allow, `none` when none matches."""
    correspondent = Correspondent(
        client=judged_client(transaction, message).address,
        reverse_path=transaction.reverse_path,
        author=extract_author(message) if message is not None and policy.check_author else None,
    )
    try:
        matches = find_matches(correspondent, transaction.recipients, sender_lists, transaction.received_at)
    except Unavailable:
        return CheckResult(CHECK_ID, ResultWord.TEMPERROR, reason="the sender lists could not be read")
    allowances = _of(matches, ListAction.ALLOW)
    return CheckResult(
        CHECK_ID,
        _word(matches),
        findings=(
            *_strongest(BLOCKED, _of(matches, ListAction.BLOCK), transaction),
            *(_credit(match, correspondent) for match in allowances),
            *_strongest(REFUSED, _of(matches, ListAction.REFUSE), transaction),
        ),
        proposals=tuple(_refusals(_of(matches, ListAction.REFUSE))),
        evidence=SenderListEvidence(
            tuple(match.name for match in matches),
            tuple(Credit(match.name, match.recipients, _proofs(match, correspondent)) for match in allowances),
        ),
        properties={"matches": [_facts(match) for match in matches]},
        reason="; ".join(match.name for match in matches),
    )


def _of(matches: Sequence[Match], action: ListAction) -> list[Match]:
    return [match for match in matches if match.entry.action == action]


def _word(matches: Sequence[Match]) -> ResultWord:
    if not matches:
        return ResultWord.NONE
    only_allow = len(_of(matches, ListAction.ALLOW)) == len(matches)
    return ResultWord.PASS if only_allow else ResultWord.FAIL


def _strongest(name: str, matches: Sequence[Match], transaction: Transaction) -> Iterator[Finding]:
    """One finding per recipient at most, that of the entry with the most points.

    So that one allow entry offsets a sender who is blocked by address and by domain, too.
    """
    chosen: dict[str, list[str]] = {}
    by_name = {match.name: match for match in matches}
    for recipient in transaction.recipients:
        concerning = [match for match in matches if match.recipients is None or recipient.address in match.recipients]
        if concerning:
            chosen.setdefault(max(concerning, key=_weight).name, []).append(recipient.address)
    for match_name, addresses in chosen.items():
        match = by_name[match_name]
        everyone = len(addresses) == len(transaction.recipients)
        yield Finding(name, _detail(match), Points(_weight(match)), None if everyone else tuple(addresses))


def _credit(match: Match, correspondent: Correspondent) -> Finding:
    """An allow entry with the proof that it needs of its own."""
    proofs = _proofs(match, correspondent)
    return Finding(ALLOWED, _detail(match), Points(-_weight(match)), match.recipients, needs_pass=proofs)


def _proofs(match: Match, correspondent: Correspondent) -> tuple[str, ...]:
    return correspondent.proofs(match.sources) if match.entry.needs_proof else ()


def _refusals(matches: Sequence[Match]) -> Iterator[Proposal]:
    for match in matches:
        yield Proposal(
            Disposition.REJECT,
            replies.REFUSED_BY_POLICY,
            final=True,
            recipients=match.recipients,
            reason=f"refuse entry {match.name}",
        )


def _weight(match: Match) -> int:
    return FULL_POINTS if match.entry.points is None else abs(match.entry.points)


def _detail(match: Match) -> str:
    return f"{match.name} ({', '.join(sorted(match.sources))})"


def _facts(match: Match) -> dict[str, object]:
    return {
        "entry": match.name,
        "matched": sorted(match.sources),
        "note": match.entry.note,
        "recipients": list(match.recipients) if match.recipients is not None else None,
    }
