"""DNS blocklists and allow lists of addresses (RFC 5782): what do others know about the client?

Only declared return codes count. A list that refuses us, or that lists everything, is told about and never counts
as a listing; addresses that are inside somebody's own network are never looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from postern import replies
from postern.contract import CheckSpec, Needs, Phase, Required, symbol
from postern.dnsbl.lists import SHIPPED, DnsList, spamhaus
from postern.dnsbl.lookup import ListAnswer, ListState, ask_lists
from postern.evidence import DnsblEvidence
from postern.judged_client import judged_client
from postern.message import Message
from postern.model import CheckResult, Disposition, Finding, MethodResult, Proposal, ResultWord, Transaction
from postern.networks import IPAddress, is_internal, is_within
from postern.policy import CheckPolicy, PolicyError, setting
from postern.ports import Resolver

CHECK_ID = "dnsbl"
MAX_LISTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsblPolicy(CheckPolicy):
    """Settings of the lists. In mode enforce a client on a list with `refuse` is refused with 550 5.7.1."""

    shipped: tuple[str, ...] = setting(("spamcop", "psbl"), f"known lists that are asked: {', '.join(SHIPPED)}")
    spamhaus_dqs_key: str = setting("", "key of a Spamhaus Data Query Service account; asks Spamhaus ZEN when set")
    lists: tuple[DnsList, ...] = setting((), "further lists; one with the name of a known list takes its place")
    observed: tuple[str, ...] = setting((), "names of lists that are asked and told about, but never count")
    always_counted: tuple[str, ...] = setting((), "names of lists that the self-test must not switch to observe")

    def __post_init__(self) -> None:
        unknown = [name for name in self.shipped if name not in SHIPPED]
        if unknown:
            raise PolicyError(f"dnsbl.shipped: there is no list {unknown[0]!r}; the lists are: {', '.join(SHIPPED)}")
        if len(self.every_list()) > MAX_LISTS:
            raise PolicyError(f"dnsbl.lists: at most {MAX_LISTS} lists in all")

    def every_list(self) -> tuple[DnsList, ...]:
        """The lists that are asked."""
        keyed = {"spamhaus-zen": spamhaus(self.spamhaus_dqs_key)} if self.spamhaus_dqs_key else {}
        own = {one.name: one for one in self.lists}
        return tuple({**{name: SHIPPED[name] for name in self.shipped}, **keyed, **own}.values())


SPEC = CheckSpec(
    check_id=CHECK_ID,
    title="DNS blocklists",
    phase=Phase.ENVELOPE,
    policy=DnsblPolicy,
    evidence=DnsblEvidence,
    symbols=(
        symbol("DNSBL_LISTED", 2, "a blocklist lists the client", corroborates=True),
        symbol("DNSBL_ALLOWED", -0.5, "an allow list lists the client"),
        symbol("DNSBL_OBSERVED", 0, "what a list says that is only observed"),
        symbol("DNSBL_REFUSES_US", 0, "a list refuses our questions; see its terms", is_trouble=True),
        symbol("DNSBL_BROKEN", 0, "a list answers what no list may; take it out"),
        symbol("DNSBL_TEMPERROR", 0, "a list did not answer"),
    ),
    needs=frozenset({Needs.RESOLVER, Needs.MESSAGE}),
    standards=("RFC 5782", "RFC 8904"),
)

_SYMBOLS = {
    ListState.BLOCKS: "DNSBL_LISTED",
    ListState.ALLOWS: "DNSBL_ALLOWED",
    ListState.REFUSES_US: "DNSBL_REFUSES_US",
    ListState.BROKEN: "DNSBL_BROKEN",
    ListState.TEMPERROR: "DNSBL_TEMPERROR",
}
_UNUSABLE = (ListState.REFUSES_US, ListState.BROKEN, ListState.TEMPERROR)
_SAYS_NOTHING = (ListState.SILENT, ListState.TEMPERROR)


def evaluate(
    transaction: Transaction,
    *,
    policy: DnsblPolicy,
    required: Required,
    resolver: Resolver,
    message: Message | None = None,
) -> CheckResult[DnsblEvidence]:
    """`fail` when a list blocks the judged client, `temperror` when no list could be used, `pass` otherwise.

    `none` without a client that can be asked for.
    """
    client = judged_client(transaction, message)
    if client.address is None:
        return CheckResult(CHECK_ID, ResultWord.NONE, reason=client.reason)
    if is_internal(client.address) or is_within(client.address, transaction.site.trusted_networks):
        return CheckResult(CHECK_ID, ResultWord.NONE, reason=f"{client.address} is a private or trusted address")
    answers = ask_lists(client.address, policy.every_list(), resolver)
    observed = tuple(one for one in answers if one.dns_list.name in policy.observed)
    return _outcome(client.address, tuple(one for one in answers if one not in observed), observed)


def _outcome(
    client: IPAddress, answers: tuple[ListAnswer, ...], observed: tuple[ListAnswer, ...]
) -> CheckResult[DnsblEvidence]:
    """What the lists that count make of it; the observed ones are only told about."""
    return CheckResult(
        CHECK_ID,
        _word(answers),
        findings=(*_findings(answers), *_observations(observed)),
        proposals=tuple(_proposals(answers, client))[:1],
        evidence=DnsblEvidence(
            listed_by=tuple(one.dns_list.zone for one in answers if one.state is ListState.BLOCKS),
            unusable=tuple(one.dns_list.zone for one in answers if one.state in _UNUSABLE),
        ),
        methods=tuple(_methods(answers)),
        properties={
            "client_ip": str(client),
            "lists": {
                one.dns_list.name: {"result": one.state.value, "codes": list(one.codes)}
                for one in (*answers, *observed)
            },
            "observed": [one.dns_list.name for one in observed],
        },
        reason="; ".join(
            [f"{one.dns_list.name}: {one.state}" for one in answers]
            + [f"{one.dns_list.name}: {one.state} (only observed)" for one in observed]
        ),
    )


def _word(answers: tuple[ListAnswer, ...]) -> ResultWord:
    if not answers:
        return ResultWord.NONE
    if any(one.state is ListState.BLOCKS for one in answers):
        return ResultWord.FAIL
    return ResultWord.TEMPERROR if all(one.state in _UNUSABLE for one in answers) else ResultWord.PASS


def _findings(answers: tuple[ListAnswer, ...]) -> Iterator[Finding]:
    for one in answers:
        if one.state in _SYMBOLS:
            yield Finding(_SYMBOLS[one.state], _detail(one), one.points)


def _observations(observed: tuple[ListAnswer, ...]) -> Iterator[Finding]:
    for one in observed:
        if one.state not in _SAYS_NOTHING:
            yield Finding("DNSBL_OBSERVED", f"{_detail(one)}, {one.state}")


def _detail(one: ListAnswer) -> str:
    return f"{one.dns_list.name} ({one.dns_list.zone}): {', '.join(one.codes) or one.state}"


def _proposals(answers: tuple[ListAnswer, ...], client: IPAddress) -> Iterator[Proposal]:
    for one in answers:
        if one.state is ListState.BLOCKS and one.dns_list.refuse:
            reply = replies.listed(str(client), one.dns_list.name)
            yield Proposal(Disposition.REJECT, reply, final=True, reason=f"{client} is listed by {one.dns_list.name}")


def _methods(answers: tuple[ListAnswer, ...]) -> Iterator[MethodResult]:
    """What allow lists say, as RFC 8904 writes it."""
    for one in answers:
        if one.state is ListState.ALLOWS:
            properties = (("dns.zone", one.dns_list.zone), ("policy.ip", one.codes[0]))
            yield MethodResult("dnswl", ResultWord.PASS, properties=properties)
