"""Vouch By Reference: does somebody we trust vouch for the domain that sent this (RFC 5518)?

Only certifiers that policy trusts are asked, and only about a domain that SPF or DKIM has authenticated; what a
message claims by itself is worth nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from postern.contract import CheckSpec, Needs, Phase, Required, symbol
from postern.dns import DnsAnswer, Question, is_askable
from postern.evidence import DkimEvidence, SpfEvidence, VbrEvidence
from postern.message import Message
from postern.model import CheckResult, Finding, MethodResult, ResultWord, Transaction
from postern.policy import CheckPolicy, setting
from postern.ports import Resolver
from postern.vbr import VbrClaim, VbrClaims, query_name, read_claims, vouches

PASS = symbol("VBR_PASS", -3.0, "A trusted certifier vouches for the sending domain")
SKIP = symbol("VBR_SKIP", -100.0, "A trusted certifier vouches for the sending domain, which policy believes")
FAIL = symbol("VBR_FAIL", 0.0, "The certifier that the message names does not vouch for it")
UNPROVEN = symbol("VBR_UNPROVEN", 0.0, "The message claims a certified domain that is not authenticated")
UNTRUSTED = symbol("VBR_UNTRUSTED", 0.0, "The message names only certifiers that are not trusted here")
MALFORMED = symbol("VBR_MALFORMED", 0.2, "VBR-Info cannot be read, or contradicts itself")
TEMPERROR = symbol("VBR_TEMPERROR", 0.0, "The certifier could not be asked now")

MAX_QUESTIONS = 8

_BEST_FIRST = (ResultWord.PASS, ResultWord.TEMPERROR, ResultWord.FAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class VbrPolicy(CheckPolicy):
    """Whom to believe, and how much."""

    trusted_certifiers: tuple[str, ...] = setting((), "domains of certifiers whose word counts")
    skip_spam_filter: bool = setting(False, "give certified mail enough credit to pass the spam filter")


SPEC = CheckSpec(
    check_id="vbr",
    title="Vouch By Reference",
    phase=Phase.CONTENT,
    policy=VbrPolicy,
    evidence=VbrEvidence,
    symbols=(PASS, SKIP, FAIL, UNPROVEN, UNTRUSTED, MALFORMED, TEMPERROR),
    requires=("spf", "dkim"),
    needs=frozenset({Needs.RESOLVER, Needs.MESSAGE}),
    standards=("RFC 5518", "RFC 6212"),
)


@dataclass(frozen=True, slots=True)
class _Opinion:
    """A claim, the certifier that was asked about it, and the word for its answer."""

    claim: VbrClaim
    certifier: str
    result: ResultWord


def evaluate(
    transaction: Transaction, *, policy: VbrPolicy, required: Required, resolver: Resolver, message: Message
) -> CheckResult[VbrEvidence]:
    """`pass` when a trusted certifier vouches for an authenticated domain, `none` when nobody could be asked."""
    claims = read_claims(message)
    if not claims.claims and not claims.malformed:
        return _outcome(ResultWord.NONE, "no VBR-Info")
    proven = _proven(claims, _authenticated(required))
    if any(claims.contradicts_itself(claim.domain) for claim in proven) or not claims.claims:
        return _outcome(ResultWord.PERMERROR, "VBR-Info cannot be used", Finding(MALFORMED.name))
    if not proven:
        domains = ", ".join(dict.fromkeys(claim.domain for claim in claims.claims))
        return _outcome(ResultWord.NONE, "the claimed domain is not authenticated", Finding(UNPROVEN.name, domains))
    opinions = _ask(proven, policy.trusted_certifiers, resolver)
    if not opinions:
        return _outcome(ResultWord.NONE, "no trusted certifier is named", Finding(UNTRUSTED.name))
    return _concluded(opinions, policy)


def _authenticated(required: Required) -> frozenset[str]:
    """The domains that a reverse-path or a signature proves."""
    spf, dkim = required.evidence("spf", SpfEvidence), required.evidence("dkim", DkimEvidence)
    by_spf = {spf.mail_from.domain.lower()} if spf and spf.mail_from.result is ResultWord.PASS else set()
    return frozenset(by_spf | {domain.lower() for domain in (dkim.passing_domains() if dkim else ())})


def _proven(claims: VbrClaims, authenticated: frozenset[str]) -> list[VbrClaim]:
    return [claim for claim in claims.claims if claim.domain in authenticated]


def _ask(claims: Iterable[VbrClaim], trusted_certifiers: Sequence[str], resolver: Resolver) -> list[_Opinion]:
    trusted = {name.lower().rstrip(".") for name in trusted_certifiers}
    pairs = dict.fromkeys(
        (claim, certifier) for claim in claims for certifier in claim.certifiers if certifier in trusted
    )
    asked = [pair for pair in pairs if is_askable(query_name(pair[0].domain, pair[1]))][:MAX_QUESTIONS]
    answers = resolver.query_all([Question(query_name(claim.domain, certifier), "TXT") for claim, certifier in asked])
    return [
        _Opinion(claim, certifier, _word(answer, claim))
        for (claim, certifier), answer in zip(asked, answers, strict=True)
    ]


def _word(answer: DnsAnswer, claim: VbrClaim) -> ResultWord:
    if answer.failed:
        return ResultWord.TEMPERROR
    return ResultWord.PASS if vouches(answer.records, claim.message_type) else ResultWord.FAIL


def _concluded(opinions: Sequence[_Opinion], policy: VbrPolicy) -> CheckResult[VbrEvidence]:
    """The best opinion decides: one certifier's word is enough."""
    found = min(opinions, key=lambda opinion: _BEST_FIRST.index(opinion.result))
    certified = SKIP if policy.skip_spam_filter else PASS
    names = {ResultWord.PASS: certified.name, ResultWord.TEMPERROR: TEMPERROR.name, ResultWord.FAIL: FAIL.name}
    detail = f"{found.certifier} about {found.claim.domain} ({found.claim.message_type})"
    return _outcome(found.result, detail, Finding(names[found.result], detail), opinion=found)


def _outcome(
    result: ResultWord, reason: str, *findings: Finding, opinion: _Opinion | None = None
) -> CheckResult[VbrEvidence]:
    named = (("header.md", opinion.claim.domain), ("header.mv", opinion.certifier)) if opinion else ()
    return CheckResult(
        SPEC.check_id,
        result,
        findings=findings,
        evidence=VbrEvidence(result, opinion.claim.domain, opinion.certifier) if opinion else VbrEvidence(result),
        methods=(MethodResult(SPEC.check_id, result, properties=named),) if findings else (),
        properties=dict(named),
        reason=reason,
    )
