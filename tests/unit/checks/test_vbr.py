"""Vouch By Reference: only trusted certifiers, only about domains that are proven."""

from __future__ import annotations

import pytest

from postern.checks import vbr
from postern.checks.vbr import MAX_QUESTIONS, VbrPolicy
from postern.contract import Required
from postern.evidence import DkimEvidence, DkimSignature, SpfEvidence, SpfIdentity, VbrEvidence
from postern.message import parse_message
from postern.model import CheckResult, ResultWord
from postern.runner import RecordingResolver
from postern.zone import Zone, ZoneResolver
from tests.transactions import make_transaction

POLICY = VbrPolicy(trusted_certifiers=("Trusted.example", "second.example"))
CLAIM = "md=example.com; mc=list; mv=trusted.example"
NAME = "example.com._vouch.trusted.example"
VOUCHED: Zone = {NAME: {"TXT": ["list transaction"]}}


def proven(spf: str = "", dkim: str = "", word: ResultWord = ResultWord.PASS) -> Required:
    return Required(
        {
            "spf": CheckResult("spf", word, evidence=SpfEvidence(SpfIdentity(spf, word))),
            "dkim": CheckResult("dkim", word, evidence=DkimEvidence((DkimSignature(dkim, "s", word),))),
        }
    )


def judge(
    *claims: str, required: Required | None = None, zone: Zone = VOUCHED, policy: VbrPolicy = POLICY
) -> tuple[CheckResult[VbrEvidence], list[str]]:
    raw = "".join(f"VBR-Info: {claim}\r\n" for claim in claims).encode() + b"From: a@example.com\r\n\r\n"
    resolver = RecordingResolver(ZoneResolver(zone))
    result = vbr.evaluate(
        make_transaction(),
        policy=policy,
        required=required or proven(dkim="example.com"),
        resolver=resolver,
        message=parse_message(raw),
    )
    return result, [lookup.name for lookup in resolver.lookups]


def symbols(result: CheckResult[VbrEvidence]) -> list[str]:
    return [finding.symbol for finding in result.findings]


@pytest.mark.parametrize("required", [proven(dkim="Example.com"), proven(spf="EXAMPLE.com")])
def test_a_proven_and_certified_domain_passes(required: Required) -> None:
    result, asked = judge(CLAIM, required=required)
    assert (result.result, symbols(result), asked) == (ResultWord.PASS, ["VBR_PASS"], [NAME])
    assert result.properties == {"header.md": "example.com", "header.mv": "trusted.example"}
    assert result.methods[0].properties == (("header.md", "example.com"), ("header.mv", "trusted.example"))
    assert result.evidence == VbrEvidence(ResultWord.PASS, "example.com", "trusted.example")


def test_the_credit_is_three_points_or_as_policy_says() -> None:
    points = {spec.name: spec.score for spec in vbr.SPEC.symbols}
    assert points["VBR_PASS"] == -300
    result, _ = judge(CLAIM, policy=VbrPolicy(trusted_certifiers=("trusted.example",), skip_spam_filter=True))
    assert symbols(result) == ["VBR_SKIP"]
    assert points["VBR_SKIP"] == -10_000


@pytest.mark.parametrize(
    "required",
    [
        proven(),
        proven(dkim="mail.example.com"),
        proven(spf="other.example"),
        proven(spf="example.com", dkim="example.com", word=ResultWord.FAIL),
        proven(dkim="example.com", word=ResultWord.TEMPERROR),
        Required({}),
    ],
)
def test_nobody_is_asked_about_a_domain_that_is_not_proven(required: Required) -> None:
    result, asked = judge(CLAIM, required=required)
    assert (result.result, symbols(result), asked) == (ResultWord.NONE, ["VBR_UNPROVEN"], [])


def test_nobody_is_asked_who_is_not_trusted() -> None:
    result, asked = judge("md=example.com; mc=list; mv=friend.example")
    assert (result.result, symbols(result), asked) == (ResultWord.NONE, ["VBR_UNTRUSTED"], [])
    result, asked = judge(CLAIM, policy=VbrPolicy())
    assert (result.result, asked) == (ResultWord.NONE, [])


@pytest.mark.parametrize(
    ("zone", "word", "symbol"),
    [
        ({}, ResultWord.FAIL, "VBR_FAIL"),
        ({NAME: {"TXT": ["transaction"]}}, ResultWord.FAIL, "VBR_FAIL"),
        ({NAME: {"TXT": ["all"]}}, ResultWord.PASS, "VBR_PASS"),
        ({NAME: {"TXT": "TIMEOUT"}}, ResultWord.TEMPERROR, "VBR_TEMPERROR"),
    ],
)
def test_answers(zone: Zone, word: ResultWord, symbol: str) -> None:
    result, _ = judge(CLAIM, zone=zone)
    assert (result.result, symbols(result)) == (word, [symbol])


def test_one_certifier_is_enough() -> None:
    claim = "md=example.com; mc=list; mv=friend.example:second.example:trusted.example"
    result, asked = judge(claim, zone={**VOUCHED, "example.com._vouch.second.example": {"TXT": "SERVFAIL"}})
    assert result.result is ResultWord.PASS
    assert asked == ["example.com._vouch.second.example", NAME]


def test_of_several_fields_the_proven_one_counts() -> None:
    result, asked = judge("md=other.example; mc=all; mv=trusted.example", "broken", CLAIM)
    assert (result.result, asked) == (ResultWord.PASS, [NAME])


@pytest.mark.parametrize("claims", [("broken",), (CLAIM, "md=example.com; mc=all; mv=second.example")])
def test_claims_that_cannot_be_used(claims: tuple[str, ...]) -> None:
    result, asked = judge(*claims)
    assert (result.result, symbols(result), asked) == (ResultWord.PERMERROR, ["VBR_MALFORMED"], [])


def test_no_claim_says_nothing() -> None:
    result, _ = judge()
    assert (result.result, result.findings, result.methods) == (ResultWord.NONE, (), ())


def test_questions_are_bounded_and_asked_together() -> None:
    trusted = tuple(f"c{number}.example" for number in range(50))
    claims = [f"md=example.com; mc=list; mv={':'.join(trusted[start : start + 8])}" for start in range(0, 48, 8)]
    _, asked = judge(*claims, policy=VbrPolicy(trusted_certifiers=trusted))
    assert len(asked) == MAX_QUESTIONS
