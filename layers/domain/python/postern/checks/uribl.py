"""Domain and URL blocklists (RFC 5782 §3): what do others know about the names that a message shows?

Only declared return codes count. A list that refuses us, or that lists everything, is told about and never counts as
a listing. Few names are asked for, and never our own or those that exist in nobody's public DNS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from postern import replies
from postern.author import extract_author
from postern.contract import CheckSpec, Needs, Phase, Required, symbol
from postern.dnsbl.lookup import ListState
from postern.dnsbl.name_lists import SHIPPED, NameList, NameRole, spamhaus_names
from postern.dnsbl.name_lookup import NameListAnswer, ask_about_names
from postern.dnsbl.names import NotAsked, Sources, names_to_ask, not_asked
from postern.evidence import UriblEvidence
from postern.message import Message
from postern.model import CheckResult, Disposition, Finding, Proposal, ResultWord, Transaction
from postern.policy import CheckPolicy, PolicyError, setting
from postern.ports import Resolver
from postern.text.view import view_text

CHECK_ID = "uribl"
MAX_LISTS = 10
MAX_NAMES_SHOWN = 5

WELL_KNOWN = tuple(
    (
        "adobe.com amazon.com apache.org apple.com debian.org ebay.com facebook.com gmail.com gmx.de gmx.net"
        " googlemail.com hotmail.com icloud.com ietf.org instagram.com linkedin.com live.com microsoft.com mozilla.org"
        " msn.com netflix.com outlook.com paypal.com python.org twitter.com ubuntu.com w3.org web.de wikipedia.org"
        " yahoo.com youtube.com"
    ).split()
)
"""Names that are in a great deal of mail and on no list; not those where strangers publish, such as google.com."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UriblPolicy(CheckPolicy):
    """Settings of the lists. In mode enforce a message is refused (550 5.7.1) for a name on a list with `refuse`."""

    shipped: tuple[str, ...] = setting(("surbl", "uribl"), f"known lists that are asked: {', '.join(SHIPPED)}")
    spamhaus_dqs_key: str = setting(
        "",
        "key of a Spamhaus Data Query Service account; asks Spamhaus DBL and ZRD when set; empty: the one of dnsbl",
        shared_with="dnsbl",
    )
    lists: tuple[NameList, ...] = setting((), "further lists; one with the name of a known list takes its place")
    skip: tuple[str, ...] = setting(WELL_KNOWN, "domains that are never asked for, with all below them")
    observed: tuple[str, ...] = setting((), "names of lists that are asked and told about, but never count")
    always_counted: tuple[str, ...] = setting((), "names of lists that the self-test must not switch to observe")
    max_names: int = setting(20, "how many names of one message are asked for", minimum=1, maximum=50)

    def __post_init__(self) -> None:
        unknown = [name for name in self.shipped if name not in SHIPPED]
        if unknown:
            raise PolicyError(f"uribl.shipped: there is no list {unknown[0]!r}; the lists are: {', '.join(SHIPPED)}")
        if len(self.every_list()) > MAX_LISTS:
            raise PolicyError(f"uribl.lists: at most {MAX_LISTS} lists in all")

    def every_list(self) -> tuple[NameList, ...]:
        """The lists that are asked."""
        keyed = {one.name: one for one in spamhaus_names(self.spamhaus_dqs_key)} if self.spamhaus_dqs_key else {}
        own = {one.name: one for one in self.lists}
        return tuple({**{name: SHIPPED[name] for name in self.shipped}, **keyed, **own}.values())


SPEC = CheckSpec(
    check_id=CHECK_ID,
    title="Domain and URL blocklists",
    phase=Phase.CONTENT,
    policy=UriblPolicy,
    evidence=UriblEvidence,
    symbols=(
        symbol("URIBL_AUTHOR_LISTED", 4, "a list lists the author's domain", corroborates=True),
        symbol("URIBL_REVERSE_PATH_LISTED", 3, "a list lists the domain of the reverse-path", corroborates=True),
        symbol("URIBL_HELO_LISTED", 2, "a list lists what the client calls itself", corroborates=True),
        symbol("URIBL_LINK_LISTED", 3, "a list lists a domain that the message leads to", corroborates=True),
        symbol("URIBL_MANY_NAMES", 0, "the message has more names than are asked for"),
        symbol("URIBL_OBSERVED", 0, "what a list says that is only observed"),
        symbol("URIBL_REFUSES_US", 0, "a list refuses our questions; see its terms", is_trouble=True),
        symbol("URIBL_BROKEN", 0, "a list answers what no list may; take it out"),
        symbol("URIBL_TEMPERROR", 0, "a list did not answer"),
    ),
    needs=frozenset({Needs.RESOLVER, Needs.MESSAGE}),
    memory_mb=512,
    layers=("scan",),
    standards=("RFC 5782",),
)

_LISTED = {
    NameRole.AUTHOR: "URIBL_AUTHOR_LISTED",
    NameRole.REVERSE_PATH: "URIBL_REVERSE_PATH_LISTED",
    NameRole.HELO: "URIBL_HELO_LISTED",
    NameRole.LINK: "URIBL_LINK_LISTED",
}
_TROUBLES = {
    ListState.REFUSES_US: "URIBL_REFUSES_US",
    ListState.BROKEN: "URIBL_BROKEN",
    ListState.TEMPERROR: "URIBL_TEMPERROR",
}
_SAYS_NOTHING = (ListState.SILENT, ListState.TEMPERROR)


def evaluate(
    transaction: Transaction,
    *,
    policy: UriblPolicy,
    required: Required,
    resolver: Resolver,
    message: Message,
) -> CheckResult[UriblEvidence]:
    """`fail` when a list lists a name, `temperror` when no list could be used, `pass` otherwise; `none` without names.

    A list counts once, with the points of its strongest listing.
    """
    names, more = names_to_ask(_sources(transaction, message), _left_out(transaction, policy), policy.max_names)
    every = ask_about_names(names, policy.every_list(), resolver)
    observed = tuple(one for one in every if one.name_list.name in policy.observed)
    answers = tuple(one for one in every if one not in observed)
    listed = [one for one in answers if one.listings]
    found = tuple(dict.fromkeys(listing.subject for one in listed for listing in one.listings))
    many = (Finding("URIBL_MANY_NAMES", f"{policy.max_names} were asked for"),) if more and answers else ()
    return CheckResult(
        CHECK_ID,
        _word(answers),
        findings=(*_findings(answers), *_observations(observed), *many),
        proposals=tuple(_proposals(answers))[:1],
        evidence=UriblEvidence(
            names=found,
            listed_by=tuple(one.name_list.zone for one in listed),
            unusable=tuple(one.name_list.zone for one in answers if one.state in _TROUBLES),
        ),
        properties={
            "names": len(names),
            "listed": list(found[: policy.max_names]),
            "lists": {
                one.name_list.name: {"result": one.state.value, "asked": one.asked, "codes": list(one.codes)}
                for one in every
            },
            "observed": [one.name_list.name for one in observed],
        },
        reason="; ".join(
            [f"{one.name_list.name}: {one.state}" for one in answers]
            + [f"{one.name_list.name}: {one.state} (only observed)" for one in observed]
        ),
    )


def _sources(transaction: Transaction, message: Message) -> Sources:
    session, envelope = transaction.session, transaction.envelope
    return Sources(
        author_domains=extract_author(message).candidate_domains,
        reverse_path=(envelope.reverse_path if envelope else "") or "",
        helo=session.helo_identity if session else "",
        uris=view_text(message).uris,
    )


def _left_out(transaction: Transaction, policy: UriblPolicy) -> NotAsked:
    site = transaction.site
    return not_asked((*site.local_domains, site.hostname), policy.skip, site.trusted_networks)


def _word(answers: tuple[NameListAnswer, ...]) -> ResultWord:
    if not answers:
        return ResultWord.NONE
    if any(one.listings for one in answers):
        return ResultWord.FAIL
    return ResultWord.TEMPERROR if all(one.state in _TROUBLES for one in answers) else ResultWord.PASS


def _findings(answers: tuple[NameListAnswer, ...]) -> Iterator[Finding]:
    for one in answers:
        where = f"{one.name_list.name} ({one.name_list.zone})"
        if one.listings:
            shown = ", ".join(f"{each.subject} {'/'.join(each.codes)}" for each in one.listings[:MAX_NAMES_SHOWN])
            yield Finding(_LISTED[one.listings[0].role], f"{where}: {shown}", one.points)
        elif one.state in _TROUBLES:
            yield Finding(_TROUBLES[one.state], f"{where}: {', '.join(one.codes) or one.state}")


def _observations(observed: tuple[NameListAnswer, ...]) -> Iterator[Finding]:
    for one in observed:
        if one.state not in _SAYS_NOTHING:
            yield Finding("URIBL_OBSERVED", f"{one.name_list.name} ({one.name_list.zone}): {one.state}")


def _proposals(answers: tuple[NameListAnswer, ...]) -> Iterator[Proposal]:
    """Not final: unlike the client's address, a link can be in the mail of somebody who complains of it."""
    for one in answers:
        if one.listings and one.name_list.refuse:
            reason = f"{one.listings[0].subject} is listed by {one.name_list.name}"
            yield Proposal(Disposition.REJECT, replies.name_listed(one.name_list.name), reason=reason)
