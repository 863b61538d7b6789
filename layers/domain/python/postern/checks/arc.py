"""ARC: what earlier servers found, if their chain of seals is whole (RFC 8617).

Only a fact. A chain that is whole proves that nobody changed what the sealers wrote, not that they wrote the truth: the
DMARC check listens to sealers that its policy trusts, and nobody else does.
"""

from __future__ import annotations

from dataclasses import dataclass

from postern.arc.sets import ArcSet
from postern.arc.validation import Chain, validate_chain
from postern.authres.reading import read_results
from postern.contract import CheckSpec, Needs, Phase, Required, symbol
from postern.evidence import ArcEvidence, ArcSeal
from postern.message import Message
from postern.mime.charsets import decode_unlabelled
from postern.mime.domain_labels import to_ascii_domain
from postern.model import CheckResult, Finding, MethodResult, ResultWord, Transaction
from postern.policy import CheckPolicy
from postern.ports import Resolver
from postern.wire import truncate

NONE = symbol("ARC_NONE", 0.0, "The message has no ARC chain")
PASS = symbol("ARC_PASS", 0.0, "The ARC chain is whole")
FAIL = symbol("ARC_FAIL", 0.0, "The ARC chain is broken")
TEMPERROR = symbol("ARC_TEMPERROR", 0.0, "A key of the ARC chain could not be looked up now")

MAX_SEALS = 10
"""Seals told about, latest first."""

_SHOWN_NAME = 100
_SYMBOLS = {
    ResultWord.NONE: NONE,
    ResultWord.PASS: PASS,
    ResultWord.FAIL: FAIL,
    ResultWord.TEMPERROR: TEMPERROR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArcPolicy(CheckPolicy):
    """ARC has nothing to set but its mode; whom to believe is a setting of DMARC."""


SPEC = CheckSpec(
    check_id="arc",
    title="ARC chain",
    phase=Phase.CONTENT,
    policy=ArcPolicy,
    evidence=ArcEvidence,
    symbols=(NONE, PASS, FAIL, TEMPERROR),
    needs=frozenset({Needs.RESOLVER, Needs.MESSAGE}),
    memory_mb=512,
    standards=("RFC 8617",),
)


def evaluate(
    transaction: Transaction, *, policy: ArcPolicy, required: Required, resolver: Resolver, message: Message
) -> CheckResult[ArcEvidence]:
    """The state of the chain; its evidence names the sealers and whose DMARC result each of them saw pass."""
    chain = validate_chain(message, resolver)
    seals = tuple(_seal(one) for one in reversed(chain.sets[-MAX_SEALS:]))
    return CheckResult(
        SPEC.check_id,
        chain.result,
        findings=(Finding(_SYMBOLS[chain.result].name, _detail(chain, seals)),),
        evidence=ArcEvidence(chain.result, seals, chain.oldest_pass, chain.whole),
        methods=(_method(chain),),
        properties={
            "instances": len(chain.sets),
            "oldest_pass": chain.oldest_pass,
            "whole": chain.whole,
            "seals": [
                {"instance": one.instance, "domain": one.signing_domain, "dmarc_passed_for": one.dmarc_passed_for}
                for one in seals
            ],
        },
        reason=chain.reason or chain.result.value,
    )


def _seal(one: ArcSet) -> ArcSeal:
    return ArcSeal(
        one.instance,
        truncate(to_ascii_domain(one.seal_tags.get("d", "")), _SHOWN_NAME),
        truncate(one.seal_tags.get("s", ""), _SHOWN_NAME // 2),
        truncate(_dmarc_passed_for(one), _SHOWN_NAME),
    )


def _dmarc_passed_for(one: ArcSet) -> str:
    """The author domain for which this server's own results say `dmarc=pass`."""
    read = read_results(decode_unlabelled(one.results.raw_value))
    passed = [item for item in read.results if item.method.lower() == "dmarc"] if read else []
    if len(passed) != 1 or passed[0].result.lower() != "pass":
        return ""
    return to_ascii_domain(passed[0].value("header", "from") or "")


def _detail(chain: Chain, seals: tuple[ArcSeal, ...]) -> str:
    sealers = ", ".join(one.signing_domain for one in seals)
    return f"{chain.reason}: {sealers}" if chain.reason and sealers else chain.reason or sealers


def _method(chain: Chain) -> MethodResult:
    passed = chain.result is ResultWord.PASS
    properties = (("header.oldest-pass", str(chain.oldest_pass)),) if passed else ()
    return MethodResult(SPEC.check_id, chain.result, chain.reason, properties)
