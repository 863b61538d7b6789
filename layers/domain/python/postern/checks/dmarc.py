"""DMARC: is the message from the domain it shows, and what does that domain ask for if not (RFC 9989)?

`p=reject` by itself refuses nothing, as RFC 9989 §5.4 demands: other evidence must agree, or the postmaster must say
`reject: always`. Until then such mail goes to the quarantine. List traffic, and what a trusted ARC sealer saw pass, is
left alone but for its score; the deviation is kept for the domain owner's report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from postern import replies
from postern.author import Author, AuthorProblem, extract_author
from postern.author_field import HARMLESS
from postern.contract import CheckSpec, Needs, Phase, Required, symbol
from postern.dmarc.facts import facts_of
from postern.dmarc.tree_walk import TreeWalker
from postern.dmarc.verdict import DmarcVerdict, Identifier, identifiers_of, judge_author
from postern.evidence import ArcEvidence, DkimEvidence, DmarcEvidence, DmarcPolicy, SpfEvidence
from postern.message import Message
from postern.model import CheckResult, Disposition, Finding, MethodResult, Proposal, ResultWord, Transaction
from postern.policy import EVERY_SCOPE, CheckPolicy, Mode, setting
from postern.ports import Resolver
from postern.wire import truncate

PASS = symbol("DMARC_PASS", 0.0, "The author domain is authenticated")
NONE = symbol("DMARC_NONE", 0.0, "The author domain has no DMARC policy")
FAIL_NONE = symbol("DMARC_FAIL_NONE", 0.0, "Not authenticated; the author domain asks for nothing")
QUARANTINE = symbol("DMARC_QUARANTINE", 2.5, "Not authenticated; the author domain asks for quarantine")
REJECT = symbol("DMARC_REJECT", 4.0, "Not authenticated; the author domain asks for refusal")
FAIL_FORWARDED = symbol("DMARC_FAIL_FORWARDED", 0.0, "Not authenticated, but a trusted ARC sealer saw it pass")
FAIL_LIST = symbol("DMARC_FAIL_LIST", 1.5, "Not authenticated, but the message came through a mailing list")
INCOMPLETE = symbol("DMARC_INCOMPLETE", 0.0, "Not authenticated, but SPF or DKIM was not evaluated")
OWN_DOMAIN = symbol("DMARC_OWN_DOMAIN", 2.0, "One of our own domains is forged", corroborates=True)
AUTHOR_NONE = symbol("DMARC_AUTHOR_NONE", 2.0, "The message shows no author domain")
AUTHOR_SEVERAL = symbol("DMARC_AUTHOR_SEVERAL", 2.5, "The message shows more than one author")
AUTHOR_AMBIGUOUS = symbol("DMARC_AUTHOR_AMBIGUOUS", 2.5, "Mail readers disagree about the message's author")
TEMPERROR = symbol("DMARC_TEMPERROR", 0.0, "The policy or an alignment could not be looked up now")

MAX_AUTHOR_DOMAINS = 3
"""Domains judged for a message with several authors (RFC 9989 §11.5 asks for a limit)."""

_SHOWN = 300
_SEVERITY = tuple(DmarcPolicy)
_LIST_FIELDS = ("list-id", "list-post", "mailing-list")
_STILL_ONE_DOMAIN = frozenset({AuthorProblem.SEVERAL_ADDRESSES})
_SEVERAL = frozenset({AuthorProblem.SEVERAL_ADDRESSES, AuthorProblem.SEVERAL_FIELDS, AuthorProblem.HIDDEN_FIELD})
_NO_AUTHOR = frozenset({AuthorProblem.NO_FIELD, AuthorProblem.NO_ADDRESS})


class RejectWhen(StrEnum):
    """When a failure under `p=reject` is refused."""

    CORROBORATED = "corroborated"
    ALWAYS = "always"
    NEVER = "never"


class QuarantineAs(StrEnum):
    """Where mail goes that is not to be delivered normally."""

    QUARANTINE = "quarantine"
    JUNK = "junk"

    @property
    def disposition(self) -> Disposition:
        """The disposition of the same name."""
        return Disposition(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcCheckPolicy(CheckPolicy):
    """What is done with mail whose author domain is not authenticated. In mode enforce the owner's wish is followed."""

    mode: Mode = setting(Mode.ENFORCE, "off, observe, score or enforce", scopes=EVERY_SCOPE)
    reject: RejectWhen = setting(
        RejectWhen.CORROBORATED, "refuse under p=reject: corroborated (other evidence agrees), always or never"
    )
    quarantine: QuarantineAs = setting(QuarantineAs.QUARANTINE, "where failing mail goes: quarantine or junk")
    spare_lists: bool = setting(True, "only score failures of mailing-list traffic")
    trusted_sealers: tuple[str, ...] = setting((), "domains whose ARC seals are believed")


SPEC = CheckSpec(
    check_id="dmarc",
    title="DMARC",
    phase=Phase.CONTENT,
    policy=DmarcCheckPolicy,
    evidence=DmarcEvidence,
    symbols=(
        PASS,
        NONE,
        FAIL_NONE,
        QUARANTINE,
        REJECT,
        FAIL_FORWARDED,
        FAIL_LIST,
        INCOMPLETE,
        OWN_DOMAIN,
        AUTHOR_NONE,
        AUTHOR_SEVERAL,
        AUTHOR_AMBIGUOUS,
        TEMPERROR,
    ),
    requires=("spf", "dkim", "arc"),
    needs=frozenset({Needs.RESOLVER, Needs.MESSAGE}),
    standards=("RFC 9989",),
)

_FAILURES = {DmarcPolicy.NONE: FAIL_NONE, DmarcPolicy.QUARANTINE: QUARANTINE, DmarcPolicy.REJECT: REJECT}


class Override(StrEnum):
    """Why the owner's wish is not followed, in the words of aggregate reports (RFC 9990, PolicyOverrideType)."""

    TRUSTED_FORWARDER = "trusted_forwarder"
    MAILING_LIST = "mailing_list"
    LOCAL_POLICY = "local_policy"
    POLICY_TEST_MODE = "policy_test_mode"


@dataclass(frozen=True, slots=True)
class _Case:
    """A message as DMARC sees it: its author, the verdict that counts, and what stands beside the verdict."""

    author: Author
    verdict: DmarcVerdict
    forwarded: bool
    from_list: bool
    complete: bool
    own_domain: bool
    policy: DmarcCheckPolicy

    @property
    def spared(self) -> bool:
        """The owner's wish is not followed: lists break signatures, and what was not evaluated proves nothing."""
        return self.forwarded or self.from_list or not self.complete

    @property
    def override(self) -> Override | None:
        """Why a failure is not treated as the owner asks, for the report."""
        asked, record = self.verdict.requested, self.verdict.record
        if self.verdict.result is not ResultWord.FAIL or record is None:
            return None
        if record.testing:
            return Override.POLICY_TEST_MODE
        if asked is DmarcPolicy.NONE:
            return None
        if self.forwarded:
            return Override.TRUSTED_FORWARDER
        if self.from_list:
            return Override.MAILING_LIST
        by_us = not self.complete or (asked is DmarcPolicy.REJECT and self.policy.reject is RejectWhen.NEVER)
        return Override.LOCAL_POLICY if by_us else None


def evaluate(
    transaction: Transaction, *, policy: DmarcCheckPolicy, required: Required, resolver: Resolver, message: Message
) -> CheckResult[DmarcEvidence]:
    """The DMARC result of the message's author domain. Never `pass` unless it is the only domain shown as author."""
    author = extract_author(message)
    verdict = _judge(author, _identifiers(required, author), resolver)
    case = _Case(
        author=author,
        verdict=verdict,
        forwarded=_was_sealed(required.evidence("arc", ArcEvidence), verdict.author_domain, policy.trusted_sealers),
        from_list=policy.spare_lists and any(message.fields(name) for name in _LIST_FIELDS),
        complete=ResultWord.SKIPPED not in (required.result("spf"), required.result("dkim")),
        own_domain=_is_within(verdict.author_domain, transaction.site.local_domains),
        policy=policy,
    )
    result = _result(author, verdict)
    return CheckResult(
        SPEC.check_id,
        result,
        findings=tuple(_findings(case, result)),
        proposals=tuple(_proposals(case)),
        evidence=_evidence(verdict, result),
        methods=(_method(case, result),),
        properties=_properties(case),
        reason=verdict.reason or result.value,
    )


# --- the verdict -------------------------------------------------------------------------------------------


def _judge(author: Author, identifiers: Sequence[Identifier], resolver: Resolver) -> DmarcVerdict:
    """The verdict on the author domain; of several, the failure whose owner asks for most (RFC 9989 §11.5)."""
    domains = author.candidate_domains[:MAX_AUTHOR_DOMAINS]
    walker = TreeWalker(resolver)
    walker.prepare(domains)
    verdicts = [judge_author(domain, identifiers, walker) for domain in domains]
    if not verdicts:
        return DmarcVerdict(ResultWord.PERMERROR, "", reason="no author domain")
    failures = [one for one in verdicts if one.result is ResultWord.FAIL]
    return max(failures, key=_severity) if failures else verdicts[0]


def _severity(verdict: DmarcVerdict) -> int:
    return _SEVERITY.index(verdict.requested or DmarcPolicy.NONE)


def _identifiers(required: Required, author: Author) -> tuple[Identifier, ...]:
    """What SPF and DKIM authenticated. One that could not be done at all might have authenticated the author."""
    spf, dkim = required.evidence("spf", SpfEvidence), required.evidence("dkim", DkimEvidence)
    undone = (
        Identifier(check_id, domain, ResultWord.TEMPERROR)
        for check_id, evidence in (("spf", spf), ("dkim", dkim))
        for domain in author.candidate_domains[:MAX_AUTHOR_DOMAINS]
        if evidence is None and required.result(check_id) is ResultWord.TEMPERROR
    )
    return (*identifiers_of(spf, dkim), *undone)


def _was_sealed(arc: ArcEvidence | None, author_domain: str, trusted_sealers: Sequence[str]) -> bool:
    """Whether a trusted sealer saw DMARC pass for the author, and only trusted ones handled the message since."""
    if arc is None or arc.result is not ResultWord.PASS or not arc.whole or not author_domain:
        return False
    trusted = {name.lower() for name in trusted_sealers}
    handled = takewhile(lambda seal: seal.signing_domain in trusted, arc.seals)
    return any(seal.dmarc_passed_for == author_domain for seal in handled)


def _serious_problems(author: Author) -> tuple[AuthorProblem, ...]:
    return tuple(problem for problem in author.problems if problem not in HARMLESS)


def _is_sole_domain(author: Author) -> bool:
    """Whether one domain is certain: one author, or several addresses in one field, all of that domain."""
    if author.domain:
        return True
    return len(author.candidate_domains) == 1 and _STILL_ONE_DOMAIN.issuperset(_serious_problems(author))


def _result(author: Author, verdict: DmarcVerdict) -> ResultWord:
    return verdict.result if _is_sole_domain(author) else ResultWord.PERMERROR


def _is_within(domain: str, parents: Sequence[str]) -> bool:
    return any(f".{domain}".endswith(f".{parent.lower()}") for parent in parents) if domain else False


# --- what is reported --------------------------------------------------------------------------------------


def _findings(case: _Case, result: ResultWord) -> Iterator[Finding]:
    verdict = case.verdict
    yield from _author_findings(case.author)
    if verdict.result is ResultWord.FAIL:
        yield Finding(_failure_symbol(case), _detail(verdict))
        if case.own_domain:
            yield Finding(OWN_DOMAIN.name, verdict.author_domain)
    elif verdict.result is ResultWord.TEMPERROR:
        yield Finding(TEMPERROR.name, verdict.reason)
    elif result is ResultWord.PASS:
        yield Finding(PASS.name, _detail(verdict))
    elif result is ResultWord.NONE:
        yield Finding(NONE.name, verdict.reason)


def _failure_symbol(case: _Case) -> str:
    if not case.complete:
        return INCOMPLETE.name
    asked = case.verdict.requested or DmarcPolicy.NONE
    if asked is DmarcPolicy.NONE:
        return FAIL_NONE.name
    if case.forwarded:
        return FAIL_FORWARDED.name
    return FAIL_LIST.name if case.from_list else _FAILURES[asked].name


def _author_findings(author: Author) -> Iterator[Finding]:
    problems = _serious_problems(author)
    if not problems:
        return
    detail = f"{', '.join(problems)}: {truncate(', '.join(author.candidate_domains), _SHOWN)}".rstrip(": ")
    if _NO_AUTHOR.intersection(problems):
        yield Finding(AUTHOR_NONE.name, detail)
    elif _SEVERAL.intersection(problems):
        yield Finding(AUTHOR_SEVERAL.name, detail)
    else:
        yield Finding(AUTHOR_AMBIGUOUS.name, detail)


def _detail(verdict: DmarcVerdict) -> str:
    asked = f"p={verdict.requested}" if verdict.requested else "no policy"
    return f"{verdict.author_domain} ({asked})"


def _proposals(case: _Case) -> Iterator[Proposal]:
    """What the owner asks for, as far as policy follows it."""
    verdict, policy = case.verdict, case.policy
    if verdict.result is not ResultWord.FAIL or case.spared:
        return
    reason = f"DMARC fail of {_detail(verdict)}"
    aside = policy.quarantine.disposition
    if verdict.requested is DmarcPolicy.REJECT and policy.reject is not RejectWhen.NEVER:
        yield Proposal(
            Disposition.REJECT,
            replies.DMARC_FAILED,
            needs_corroboration=policy.reject is RejectWhen.CORROBORATED,
            otherwise=aside,
            reason=reason,
        )
    elif verdict.requested is not DmarcPolicy.NONE:
        yield Proposal(aside, reason=reason)


def _evidence(verdict: DmarcVerdict, result: ResultWord) -> DmarcEvidence:
    spf = verdict.aligned("spf")
    return DmarcEvidence(
        result=result,
        author_domain=verdict.author_domain or None,
        organizational_domain=verdict.organizational_domain or None,
        policy_domain=verdict.policy_domain or None,
        requested=verdict.requested,
        aligned_spf=spf[0] if spf else None,
        aligned_dkim=verdict.aligned("dkim"),
        record=truncate(verdict.record.text, _SHOWN) if verdict.record else "",
    )


def _method(case: _Case, result: ResultWord) -> MethodResult:
    """`policy.dmarc` is what the owner asks for (RFC 9989 §9.1)."""
    verdict = case.verdict
    properties = [("header.from", verdict.author_domain)] if _is_sole_domain(case.author) else []
    if verdict.requested and properties:
        properties.append(("policy.dmarc", verdict.requested.value))
    reason = verdict.reason if result is verdict.result else "the author is not certain"
    return MethodResult(SPEC.check_id, result, "" if result is ResultWord.PASS else reason, tuple(properties))


def _properties(case: _Case) -> dict[str, object]:
    override = case.override
    return {
        **facts_of(case.verdict),
        "author_problems": [problem.value for problem in case.author.problems],
        "shown_domains": list(case.author.candidate_domains[:MAX_AUTHOR_DOMAINS]),
        "override": override.value if override else None,
    }
