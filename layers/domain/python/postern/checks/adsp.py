"""ADSP: does the author domain say that it signs everything (RFC 5617)?

The standard is Historic; DMARC took its place, and a DMARC record wins. So this only observes unless policy says more.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from postern.author import extract_author
from postern.contract import CheckSpec, Needs, NoEvidence, Phase, Required, symbol
from postern.dkim.tags import TagListError, read_tag_list
from postern.dns import DnsAnswer, DnsStatus, Question
from postern.evidence import DkimEvidence, DmarcEvidence
from postern.message import Message
from postern.model import CheckResult, Disposition, Finding, MethodResult, Proposal, ResultWord, Transaction
from postern.policy import EVERY_SCOPE, CheckPolicy, Mode, setting
from postern.ports import Resolver

METHOD = "dkim-adsp"


class Practice(StrEnum):
    """What a domain says about its signing (RFC 5617 §4.2.1)."""

    UNKNOWN = "unknown"
    ALL = "all"
    DISCARDABLE = "discardable"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdspPolicy(CheckPolicy):
    """In mode enforce, mail that its domain calls discardable is quarantined."""

    mode: Mode = setting(Mode.OBSERVE, "off, observe, score or enforce", scopes=EVERY_SCOPE)


_WORDS = {
    ResultWord.NONE: (0.0, "The author domain publishes no signing practice"),
    ResultWord.PASS: (0.0, "The author domain has signed the message"),
    ResultWord.UNKNOWN: (0.0, "Not signed by the author domain, which signs some of its mail"),
    ResultWord.FAIL: (1.0, "Not signed by the author domain, which says that it signs everything"),
    ResultWord.DISCARD: (2.0, "Not signed by the author domain, which asks to discard such mail"),
    ResultWord.NXDOMAIN: (1.0, "The author domain does not exist"),
    ResultWord.TEMPERROR: (0.0, "The signing practice could not be looked up now"),
    ResultWord.PERMERROR: (0.0, "The author is not certain"),
}

SPEC = CheckSpec(
    check_id="adsp",
    title="Author domain signing practices (ADSP)",
    phase=Phase.CONTENT,
    policy=AdspPolicy,
    evidence=NoEvidence,
    symbols=tuple(symbol(f"ADSP_{word.name}", *rest) for word, rest in _WORDS.items()),
    requires=("dkim", "dmarc"),
    needs=frozenset({Needs.RESOLVER, Needs.MESSAGE}),
    standards=("RFC 5617",),
)

_UNSIGNED = {
    None: ResultWord.NONE,
    Practice.UNKNOWN: ResultWord.UNKNOWN,
    Practice.ALL: ResultWord.FAIL,
    Practice.DISCARDABLE: ResultWord.DISCARD,
}


def evaluate(
    transaction: Transaction, *, policy: AdspPolicy, required: Required, resolver: Resolver, message: Message
) -> CheckResult[NoEvidence]:
    """The ADSP result of the author domain (RFC 5617 §5.1); `none` without a look-up where DMARC applies."""
    dmarc = required.evidence("dmarc", DmarcEvidence)
    if dmarc and dmarc.record:
        return CheckResult(SPEC.check_id, ResultWord.NONE, reason="the author domain has a DMARC record, which wins")
    domain = extract_author(message).domain
    if not domain:
        return _outcome(ResultWord.PERMERROR, "")
    signed = _author_signature(domain, required)
    if signed in (ResultWord.PASS, ResultWord.TEMPERROR):
        return _outcome(signed, domain)
    if signed is ResultWord.SKIPPED:
        return CheckResult(SPEC.check_id, ResultWord.NONE, reason="signatures were not evaluated")
    existence, practice = resolver.query_all([Question(domain, "MX"), Question(f"_adsp._domainkey.{domain}", "TXT")])
    return _outcome(_word(existence, practice), domain)


def _author_signature(domain: str, required: Required) -> ResultWord:
    """What became of author domain signatures: those whose `d=` is the author domain itself (RFC 5617 §2.7).

    `skipped` when signatures were not looked at, `none` when there is no such signature.
    """
    dkim = required.evidence("dkim", DkimEvidence)
    if dkim is None:
        undone = required.result("dkim")
        return undone if undone is ResultWord.TEMPERROR else ResultWord.SKIPPED
    words = {one.result for one in dkim.signatures if one.signing_domain == domain}
    decisive = (ResultWord.PASS, ResultWord.TEMPERROR)
    return next((word for word in decisive if word in words), ResultWord.NONE)


def _word(existence: DnsAnswer, practice: DnsAnswer) -> ResultWord:
    """RFC 5617 §4.3: the domain must exist; several records or one that cannot be read are as good as none."""
    if existence.status is DnsStatus.NXDOMAIN:
        return ResultWord.NXDOMAIN
    if existence.failed or practice.failed:
        return ResultWord.TEMPERROR
    return _UNSIGNED[_read_practice(practice.records[0])] if len(practice.records) == 1 else ResultWord.NONE


def _read_practice(text: str) -> Practice | None:
    """The record's practice; a value that is not known counts as `unknown`, a record without the tag as none."""
    try:
        tags = read_tag_list(text)
    except TagListError:
        return None
    if next(iter(tags), "") != "dkim":
        return None
    word = tags["dkim"].lower()
    return Practice(word) if word in tuple(Practice) else Practice.UNKNOWN


def _outcome(result: ResultWord, domain: str) -> CheckResult[NoEvidence]:
    proposals = (Proposal(Disposition.QUARANTINE, reason=f"ADSP discard of {domain}"),)
    return CheckResult(
        SPEC.check_id,
        result,
        findings=(Finding(f"ADSP_{result.name}", domain),),
        proposals=proposals if result is ResultWord.DISCARD else (),
        methods=(MethodResult(METHOD, result, properties=(("header.from", domain),) if domain else ()),),
        properties={"header.from": domain},
        reason=_WORDS[result][1],
    )
