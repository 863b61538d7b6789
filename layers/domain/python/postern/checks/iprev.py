"""Reverse look-ups: does the client have a name that leads back to it, and do the domains it names exist?

They inform rather than block: findings, `iprev=` (RFC 8601 §2.7.3) and an X-Lookup-Warning field for each oddity. The
mode is `enforce`, but each kind of oddity has an outcome of its own and most of them only score; what is refused by
default is a reverse-path that no bounce could ever reach: its domain does not exist (deferred, for a new domain may
not be everywhere yet), or says that it takes no mail (RFC 7505 §4.2). Trouble with the DNS never counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from postern import replies
from postern.author import extract_author
from postern.contract import CheckSpec, Needs, Phase, Required, SymbolSpec, symbol
from postern.evidence import IprevEvidence
from postern.judged_client import JudgedClient, judged_client
from postern.message import Message
from postern.mime.domain_labels import to_ascii_domain
from postern.model import (
    CheckResult,
    Disposition,
    Finding,
    HeaderField,
    MethodResult,
    Proposal,
    ResultWord,
    Transaction,
)
from postern.networks import IPAddress, known_address
from postern.policy import EVERY_SCOPE, CheckPolicy, Mode, setting
from postern.ports import Resolver
from postern.replies import Reply
from postern.reverse_lookup import DomainState, LookupReport, Pointer, look_up

CHECK_ID = "iprev"
WARNING_FIELD = "X-Lookup-Warning"
MAX_AUTHOR_DOMAINS = 3
MAX_NAME_SHOWN = 120

_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")


class Outcome(StrEnum):
    """What follows from one kind of oddity."""

    SCORE = "score"
    DEFER = "defer"
    REJECT = "reject"


class _Group(StrEnum):
    """Where a client names a domain; the value is the word for it in warnings."""

    HELO = "HELO/EHLO"
    MAIL_FROM = "MAIL"
    AUTHOR = "From"

    def symbol(self, state: DomainState) -> str:
        return f"{CHECK_ID.upper()}_{self.name}_{state.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IprevPolicy(CheckPolicy):
    """Settings of the reverse look-ups. In mode score nothing is refused, whatever the outcomes say."""

    mode: Mode = setting(Mode.ENFORCE, "off, observe, score or enforce", scopes=EVERY_SCOPE)
    check_pointer: bool = setting(True, "look up the client's PTR names and their addresses")
    check_helo: bool = setting(True, "look up the hosts of the HELO identity")
    check_reverse_path: bool = setting(True, "look up the hosts of the reverse-path's domain")
    check_author: bool = setting(True, "look up whether the author domain has hosts")
    warning_header: bool = setting(True, "add an X-Lookup-Warning field for each oddity")
    on_no_pointer: Outcome = setting(Outcome.SCORE, "the client has no PTR record: score, defer or reject")
    on_pointer_mismatch: Outcome = setting(
        Outcome.SCORE, "no PTR name of the client leads back to it: score, defer or reject"
    )
    on_missing_domain: Outcome = setting(
        Outcome.DEFER, "the reverse-path's domain does not exist: score, defer or reject"
    )
    on_null_mx: Outcome = setting(
        Outcome.REJECT, "the reverse-path's domain takes no mail (RFC 7505): score, defer or reject"
    )


def _domain_symbols(group: _Group, subject: str, points: dict[DomainState, float]) -> tuple[SymbolSpec, ...]:
    said = {
        DomainState.MATCH: f"the client is a host of {subject}",
        DomainState.MISMATCH: f"the client is no host of {subject}",
        DomainState.NULL_MX: f"{subject} takes no mail",
        DomainState.UNREACHABLE: f"{subject} has neither MX nor address",
        DomainState.MISSING: f"{subject} does not exist",
        DomainState.TEMPERROR: f"{subject} could not be looked up",
    }
    return tuple(symbol(group.symbol(state), points.get(state, 0), text) for state, text in said.items())


SPEC = CheckSpec(
    check_id=CHECK_ID,
    title="Reverse look-ups",
    phase=Phase.ENVELOPE,
    policy=IprevPolicy,
    evidence=IprevEvidence,
    symbols=(
        symbol("IPREV_PASS", 0, "the client has a name that leads back to it"),
        symbol("IPREV_FAIL", 0.5, "no name of the client leads back to it"),
        symbol("IPREV_NO_PTR", 1, "the client has no name"),
        symbol("IPREV_TEMPERROR", 0, "the client's names could not be looked up"),
        symbol("IPREV_HELO_INVALID", 0.5, "the HELO identity is neither a full name nor the client's address"),
        *_domain_symbols(_Group.HELO, "the HELO identity", {DomainState.MISSING: 0.5}),
        *_domain_symbols(
            _Group.MAIL_FROM,
            "the reverse-path's domain",
            {DomainState.MISSING: 3, DomainState.NULL_MX: 3, DomainState.UNREACHABLE: 1},
        ),
        *_domain_symbols(
            _Group.AUTHOR,
            "the author domain",
            {DomainState.MISSING: 2, DomainState.NULL_MX: 0.5, DomainState.UNREACHABLE: 0.5},
        ),
    ),
    needs=frozenset({Needs.RESOLVER, Needs.MESSAGE}),
    standards=("RFC 8601 §3", "RFC 1912 §2.1", "RFC 7505"),
)


@dataclass(frozen=True, slots=True)
class _Subject:
    """A domain as the client said it, and as the DNS is asked for it: empty when it is no domain name."""

    group: _Group
    said: str
    asked: str


@dataclass(frozen=True, slots=True)
class _Oddity:
    """Something found: its symbol, what it is about, and the proposal and warning that may follow."""

    symbol: str
    detail: str
    warning: str = ""
    outcome: Outcome = Outcome.SCORE
    reply: Reply | None = None


def evaluate(
    transaction: Transaction,
    *,
    policy: IprevPolicy,
    required: Required,
    resolver: Resolver,
    message: Message | None = None,
) -> CheckResult[IprevEvidence]:
    """The `iprev` result of the judged client, with findings about the domains that it names.

    `permerror` is "no PTR record", as RFC 8601 §2.7.3 words it. `none` without a session.
    """
    client = judged_client(transaction, message)
    if client.address is None:
        return CheckResult(CHECK_ID, ResultWord.NONE, reason=client.reason)
    subjects = tuple(_subjects(transaction, client, policy, message))
    domains = tuple(dict.fromkeys(subject.asked for subject in subjects if subject.asked))
    report = look_up(client.address, domains, resolver, with_pointer=policy.check_pointer)
    oddities = (
        *_pointer_oddities(report.pointer, client.address, policy),
        *(_domain_oddity(subject, report, client.address, policy) for subject in subjects),
    )
    return _result(client.address, subjects, report, oddities, policy)


def _subjects(
    transaction: Transaction, client: JudgedClient, policy: IprevPolicy, message: Message | None
) -> Iterator[_Subject]:
    if policy.check_helo and client.helo_identity:
        asked = to_ascii_domain(client.helo_identity)
        yield _Subject(_Group.HELO, client.helo_identity, asked if "." in asked else "")
    local_domains = transaction.site.local_domains
    if policy.check_reverse_path and transaction.reverse_path:
        said = transaction.reverse_path.rpartition("@")[2]
        if not said.startswith("[") and to_ascii_domain(said) not in local_domains:
            yield _Subject(_Group.MAIL_FROM, said, to_ascii_domain(said))
    if policy.check_author and message is not None:
        for domain in extract_author(message).candidate_domains[:MAX_AUTHOR_DOMAINS]:
            if domain not in local_domains:
                yield _Subject(_Group.AUTHOR, domain, domain)


def _pointer_oddities(pointer: Pointer | None, client: IPAddress, policy: IprevPolicy) -> Iterator[_Oddity]:
    if pointer is None:
        return
    names = ", ".join(pointer.confirmed or pointer.names)[:MAX_NAME_SHOWN]
    if pointer.result is ResultWord.PERMERROR:
        warning = f"reverse lookup: {client} has no name"
        yield _Oddity("IPREV_NO_PTR", str(client), warning, policy.on_no_pointer, replies.NO_POINTER_RECORD)
    elif pointer.result is ResultWord.FAIL:
        warning = f"reverse lookup: {_shown(names)} does not lead back to {client}"
        yield _Oddity("IPREV_FAIL", names, warning, policy.on_pointer_mismatch, replies.NO_POINTER_RECORD)
    else:
        yield _Oddity(f"IPREV_{pointer.result.name}", names)


def _domain_oddity(subject: _Subject, report: LookupReport, client: IPAddress, policy: IprevPolicy) -> _Oddity:
    shown = _shown(subject.said)
    if not subject.asked and subject.group is _Group.HELO:
        return _helo_without_domain(subject, client)
    state = report.domains[subject.asked] if subject.asked else DomainState.MISSING
    found = _Oddity(subject.group.symbol(state), subject.said[:MAX_NAME_SHOWN])
    if state in (DomainState.MATCH, DomainState.TEMPERROR):
        return found
    if state is DomainState.MISMATCH:
        # That the author domain's hosts are others says nothing: whether it has any was asked.
        about_author = subject.group is _Group.AUTHOR
        return found if about_author else replace(found, warning=f"{subject.group} lookup: {shown} is not {client}")
    outcome, reply = _refusal(subject, state, policy)
    return replace(found, warning=f"{subject.group} lookup: {shown}: {state.value}", outcome=outcome, reply=reply)


def _helo_without_domain(subject: _Subject, client: IPAddress) -> _Oddity:
    """An address literal must be the client's (RFC 5321 §4.1.4 lets a server say so); anything else is no name."""
    literal = subject.said.removeprefix("[").removesuffix("]")
    tagged = literal[:5].lower() == "ipv6:"
    if subject.said.startswith("[") and known_address(literal[5:] if tagged else literal) == client:
        return _Oddity("IPREV_HELO_MATCH", subject.said[:MAX_NAME_SHOWN])
    warning = f"HELO/EHLO lookup: {_shown(subject.said)} is not a full name"
    return _Oddity("IPREV_HELO_INVALID", subject.said[:MAX_NAME_SHOWN], warning)


def _refusal(subject: _Subject, state: DomainState, policy: IprevPolicy) -> tuple[Outcome, Reply | None]:
    if subject.group is not _Group.MAIL_FROM or state is DomainState.UNREACHABLE:
        return Outcome.SCORE, None
    if state is DomainState.NULL_MX:
        return policy.on_null_mx, replies.REVERSE_PATH_NULL_MX
    return policy.on_missing_domain, replies.REVERSE_PATH_DOMAIN_MISSING


def _result(
    client: IPAddress,
    subjects: tuple[_Subject, ...],
    report: LookupReport,
    oddities: tuple[_Oddity, ...],
    policy: IprevPolicy,
) -> CheckResult[IprevEvidence]:
    pointer = report.pointer
    word = pointer.result if pointer else ResultWord.NONE
    warnings = [oddity.warning for oddity in oddities if oddity.warning]
    method = MethodResult(CHECK_ID, word, properties=(("policy.iprev", str(client)),))
    return CheckResult(
        CHECK_ID,
        word,
        findings=tuple(Finding(oddity.symbol, oddity.detail) for oddity in oddities),
        proposals=tuple(_proposals(oddities)),
        evidence=IprevEvidence(word, pointer.confirmed if pointer else ()),
        methods=(method,) if pointer else (),
        headers=tuple(HeaderField(WARNING_FIELD, text) for text in warnings if policy.warning_header),
        properties=_properties(client, subjects, report),
        reason="; ".join(warnings) or f"{client} is {', '.join(pointer.confirmed) if pointer else 'not looked up'}",
    )


def _proposals(oddities: tuple[_Oddity, ...]) -> Iterator[Proposal]:
    for oddity in oddities:
        if oddity.reply is None or oddity.outcome is Outcome.SCORE:
            continue
        defers = oddity.outcome is Outcome.DEFER
        disposition = Disposition.DEFER if defers else Disposition.REJECT
        reply = _temporary(oddity.reply) if defers else oddity.reply
        yield Proposal(disposition, reply, reason=oddity.warning)


def _temporary(reply: Reply) -> Reply:
    enhanced = f"4{reply.enhanced[1:]}" if reply.enhanced else None
    return Reply(451, enhanced, f"{reply.text}; try again later")


def _properties(client: IPAddress, subjects: tuple[_Subject, ...], report: LookupReport) -> dict[str, object]:
    facts: dict[str, object] = {"client_ip": str(client)}
    if report.pointer:
        facts["pointer"] = {
            "result": report.pointer.result.value,
            "names": list(report.pointer.names),
            "confirmed": list(report.pointer.confirmed),
        }
    facts["domains"] = [
        {
            "said_in": subject.group.value,
            "name": subject.said[:MAX_NAME_SHOWN],
            "result": report.domains[subject.asked].value if subject.asked else "no domain name",
        }
        for subject in subjects
    ]
    return facts


def _shown(text: str) -> str:
    """What a client said, fit for a header field."""
    return _UNPRINTABLE.sub("?", text[:MAX_NAME_SHOWN])
