"""ADSP: what an author domain says about signing, unless DMARC has spoken (RFC 5617)."""

from __future__ import annotations

from typing import Any

import pytest

from postern.checks import adsp
from postern.checks.adsp import AdspPolicy
from postern.contract import NoEvidence, Required
from postern.evidence import DkimEvidence, DkimSignature, DmarcEvidence
from postern.message import parse_message
from postern.model import CheckResult, Disposition, ResultWord
from postern.policy import Mode
from postern.runner import RecordingResolver
from postern.zone import Zone, ZoneResolver
from tests.transactions import make_transaction

EXISTS: Zone = {"example.com": {"MX": ["10 mx.example.com"]}}


def required(*signatures: tuple[str, ResultWord], dmarc: str = "") -> Required:
    found = tuple(DkimSignature(domain, "s", word) for domain, word in signatures)
    results: dict[str, CheckResult[Any]] = {
        "dkim": CheckResult("dkim", ResultWord.NONE, evidence=DkimEvidence(found)),
        "dmarc": CheckResult("dmarc", ResultWord.NONE, evidence=DmarcEvidence(ResultWord.NONE, record=dmarc)),
    }
    return Required(results)


def practice(*records: str) -> Zone:
    return {**EXISTS, "_adsp._domainkey.example.com": {"TXT": list(records)}}


def judge(
    zone: Zone, given: Required | None = None, raw: bytes = b"From: bob@example.com\r\n\r\n"
) -> tuple[CheckResult[NoEvidence], int]:
    resolver = RecordingResolver(ZoneResolver(zone))
    result = adsp.evaluate(
        make_transaction(),
        policy=AdspPolicy(),
        required=given or required(),
        resolver=resolver,
        message=parse_message(raw),
    )
    return result, len(resolver.lookups)


@pytest.mark.parametrize(
    ("zone", "word"),
    [
        (EXISTS, ResultWord.NONE),
        (practice("dkim=unknown"), ResultWord.UNKNOWN),
        (practice("dkim=all"), ResultWord.FAIL),
        (practice(" dkim = ALL ; t=s"), ResultWord.FAIL),
        (practice("dkim=discardable"), ResultWord.DISCARD),
        (practice("dkim=whatever"), ResultWord.UNKNOWN),
        (practice("t=s; dkim=all"), ResultWord.NONE),
        (practice("junk"), ResultWord.NONE),
        (practice("dkim=all", "dkim=discardable"), ResultWord.NONE),
        ({}, ResultWord.NXDOMAIN),
        ({"example.com": {"MX": "TIMEOUT"}}, ResultWord.TEMPERROR),
        ({**EXISTS, "_adsp._domainkey.example.com": {"TXT": "SERVFAIL"}}, ResultWord.TEMPERROR),
    ],
)
def test_unsigned_mail(zone: Zone, word: ResultWord) -> None:
    result, _ = judge(zone)
    assert result.result is word
    assert [finding.symbol for finding in result.findings] == [f"ADSP_{word.name}"]
    (method,) = result.methods
    assert (method.method, method.result, method.properties) == ("dkim-adsp", word, (("header.from", "example.com"),))


@pytest.mark.parametrize(
    ("signature", "word", "questions"),
    [
        (("example.com", ResultWord.PASS), ResultWord.PASS, 0),
        (("example.com", ResultWord.TEMPERROR), ResultWord.TEMPERROR, 0),
        (("example.com", ResultWord.FAIL), ResultWord.FAIL, 2),
        (("mail.example.com", ResultWord.PASS), ResultWord.FAIL, 2),
        (("other.example", ResultWord.PASS), ResultWord.FAIL, 2),
    ],
)
def test_only_a_signature_of_the_author_domain_itself_counts(
    signature: tuple[str, ResultWord], word: ResultWord, questions: int
) -> None:
    result, asked = judge(practice("dkim=all"), required(signature))
    assert (result.result, asked) == (word, questions)


def test_a_dmarc_record_wins() -> None:
    result, asked = judge(practice("dkim=all"), required(dmarc="v=DMARC1; p=none"))
    assert (result.result, result.findings, result.methods, asked) == (ResultWord.NONE, (), (), 0)


@pytest.mark.parametrize(
    ("word", "expected"),
    [(ResultWord.TEMPERROR, ResultWord.TEMPERROR), (ResultWord.SKIPPED, ResultWord.NONE)],
)
def test_signatures_that_were_not_looked_at_are_not_missing(word: ResultWord, expected: ResultWord) -> None:
    result, _ = judge(practice("dkim=all"), Required({"dkim": CheckResult("dkim", word)}))
    assert result.result is expected


def test_an_uncertain_author_has_no_result() -> None:
    result, asked = judge(practice("dkim=all"), raw=b"From: bob@example.com, eve@evil.example\r\n\r\n")
    assert (result.result, asked) == (ResultWord.PERMERROR, 0)


def test_by_default_it_only_observes_and_enforced_it_quarantines() -> None:
    assert AdspPolicy().mode is Mode.OBSERVE
    result, _ = judge(practice("dkim=discardable"))
    assert [proposal.disposition for proposal in result.proposals] == [Disposition.QUARANTINE]
    assert judge(practice("dkim=all"))[0].proposals == ()
