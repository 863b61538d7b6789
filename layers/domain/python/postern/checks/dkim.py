"""DKIM: who signed the message, and whether it is still what they signed (RFC 6376, RFC 8301, RFC 8463)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from postern.contract import CheckSpec, Needs, Phase, Required, symbol
from postern.dkim.algorithms import MIN_RSA_BITS, RSA_SHA1
from postern.dkim.tags import without_blanks
from postern.dkim.verification import MAX_SIGNATURES, Verdict, verify_signatures
from postern.evidence import DkimEvidence, DkimSignature
from postern.message import Message
from postern.model import CheckResult, Finding, MethodResult, ResultWord, Transaction
from postern.policy import CheckPolicy, setting
from postern.ports import Resolver
from postern.wire import truncate

PASS = symbol("DKIM_PASS", -0.1, "A signature verified")
FAIL = symbol("DKIM_FAIL", 0.2, "The message is not what was signed")
NONE = symbol("DKIM_NONE", 0.0, "The message is not signed")
TEMPERROR = symbol("DKIM_TEMPERROR", 0.0, "The key could not be looked up now")
PERMERROR = symbol("DKIM_PERMERROR", 0.1, "No signature can be checked")
POLICY = symbol("DKIM_POLICY", 0.1, "A signature verified, but our policy does not accept it")
TESTING = symbol("DKIM_TESTING", 0.0, "A signature of a domain that is only trying DKIM out did not verify")
BODY_UNSIGNED = symbol("DKIM_BODY_UNSIGNED", 1.5, "The signature leaves part of the body unsigned")
WEAK_KEY = symbol("DKIM_WEAK_KEY", 0.2, "Signed with an RSA key of less than 1024 bits, which proves nothing")
OLD_ALGORITHM = symbol("DKIM_OLD_ALGORITHM", 0.2, "Signed with rsa-sha1, which proves nothing any more")
MANY = symbol("DKIM_MANY_SIGNATURES", 0.0, "More signatures than are looked at")


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimPolicy(CheckPolicy):
    """How signatures are judged."""

    accept_partial_body: bool = setting(True, "let a signature pass that leaves part of the body unsigned (l=)")


SPEC = CheckSpec(
    check_id="dkim",
    title="DKIM signatures",
    phase=Phase.CONTENT,
    policy=DkimPolicy,
    evidence=DkimEvidence,
    symbols=(
        PASS,
        FAIL,
        NONE,
        TEMPERROR,
        PERMERROR,
        POLICY,
        TESTING,
        BODY_UNSIGNED,
        WEAK_KEY,
        OLD_ALGORITHM,
        MANY,
    ),
    needs=frozenset({Needs.RESOLVER, Needs.MESSAGE}),
    seconds=12,
    memory_mb=512,
    standards=("RFC 6376", "RFC 8301", "RFC 8463", "RFC 8616"),
)

_OVERALL = (
    (ResultWord.PASS, PASS),
    (ResultWord.TEMPERROR, TEMPERROR),
    (ResultWord.POLICY, POLICY),
    (ResultWord.FAIL, FAIL),
    (ResultWord.PERMERROR, PERMERROR),
)
"""The result of a message with several signatures is the first of these words that any of them has."""

_SHOWN_NAME = 80
_SHOWN_SELECTOR = 40
_TELLING_FIELDS = ("from", "sender", "reply-to", "to", "subject", "vbr-info")
"""Names the evidence tells about; a signature can cover hundreds, and a result must stay small."""
_PREFIX = 8
"""Characters of `b=` that tell signatures apart (RFC 6008 §4); more when two begin alike."""


def evaluate(
    transaction: Transaction, *, policy: DkimPolicy, required: Required, resolver: Resolver, message: Message
) -> CheckResult[DkimEvidence]:
    """Verify the message's signatures; the evidence holds each one's verdict."""
    verdicts = [
        _by_policy(verdict, policy) for verdict in verify_signatures(message, resolver, transaction.received_at)
    ]
    prefixes = _prefixes([without_blanks(verdict.signature_text) for verdict in verdicts])
    signatures = [_signature(verdict, prefix) for verdict, prefix in zip(verdicts, prefixes, strict=True)]
    result, overall = next(
        ((word, spec) for word, spec in _OVERALL if any(item.result is word for item in verdicts)),
        (ResultWord.NONE, NONE),
    )
    if result is ResultWord.FAIL and all(item.testing for item in verdicts if item.result is ResultWord.FAIL):
        overall = TESTING
    deciding = next((item for item in signatures if item.result is result), None)
    total = len(message.fields("dkim-signature"))
    return CheckResult(
        SPEC.check_id,
        result,
        findings=(Finding(overall.name, _explain(deciding)), *_facts(verdicts, total)),
        evidence=DkimEvidence(tuple(signatures)),
        methods=tuple(_method(item) for item in signatures) or (MethodResult(SPEC.check_id, ResultWord.NONE),),
        properties={"signatures": [_properties(item) for item in signatures]},
        reason=_explain(deciding) or "no signature",
    )


def _by_policy(verdict: Verdict, policy: DkimPolicy) -> Verdict:
    if verdict.result is ResultWord.PASS and verdict.unsigned_octets and not policy.accept_partial_body:
        return replace(verdict, result=ResultWord.POLICY, reason="part of the body is unsigned")
    return verdict


def _prefixes(texts: Sequence[str]) -> list[str]:
    """The shortest beginnings, `_PREFIX` characters or more, that tell different signatures apart."""
    different = set(texts)
    length = _PREFIX
    while len({text[:length] for text in different}) < len(different) and length < _SHOWN_NAME:
        length += _PREFIX
    return [text[:length] for text in texts]


def _signature(verdict: Verdict, prefix: str) -> DkimSignature:
    """The verdict as evidence, every text bounded; names that decide about alignment are whole."""
    counts = verdict.result in (ResultWord.PASS, ResultWord.TEMPERROR)
    names = verdict.signed_fields if verdict.result is ResultWord.PASS else ()
    return DkimSignature(
        signing_domain=verdict.signing_domain if counts else truncate(verdict.signing_domain, _SHOWN_NAME),
        selector=truncate(verdict.selector, _SHOWN_SELECTOR),
        result=verdict.result,
        reason=verdict.reason,
        identity=truncate(verdict.identity, _SHOWN_NAME),
        algorithm=truncate(verdict.algorithm, _PREFIX * 2),
        key_bits=verdict.key_bits,
        signed_fields=tuple(name for name in _TELLING_FIELDS if name in names),
        unsigned_octets=verdict.unsigned_octets,
        testing=verdict.testing,
        signature_prefix=prefix,
    )


def _explain(signature: DkimSignature | None) -> str:
    if signature is None:
        return ""
    domain = truncate(signature.signing_domain, _SHOWN_NAME)
    return f"{domain}: {signature.reason}" if signature.reason and domain else signature.reason or domain


def _facts(verdicts: Sequence[Verdict], total: int) -> Iterator[Finding]:
    """What is worth knowing beside the result, once each."""
    unsigned = max((item.unsigned_octets for item in verdicts if item.result is ResultWord.PASS), default=0)
    if unsigned:
        yield Finding(BODY_UNSIGNED.name, f"{unsigned} octets")
    weak = [item for item in verdicts if 0 < item.key_bits < MIN_RSA_BITS and item.algorithm.startswith("rsa")]
    if weak:
        yield Finding(WEAK_KEY.name, f"{truncate(weak[0].signing_domain, _SHOWN_NAME)}: {weak[0].key_bits} bits")
    old = [item for item in verdicts if item.algorithm.lower() == RSA_SHA1.name]
    if old:
        yield Finding(OLD_ALGORITHM.name, truncate(old[0].signing_domain, _SHOWN_NAME))
    if total > MAX_SIGNATURES:
        yield Finding(MANY.name, f"{total}, of which {MAX_SIGNATURES} were looked at")


def _method(signature: DkimSignature) -> MethodResult:
    named = (
        ("header.d", signature.signing_domain),
        ("header.i", signature.identity),
        ("header.s", signature.selector),
        ("header.a", signature.algorithm),
        ("header.b", signature.signature_prefix),
    )
    properties = tuple((name, truncate(value, _SHOWN_NAME)) for name, value in named if value)
    return MethodResult(SPEC.check_id, signature.result, signature.reason, properties)


def _properties(signature: DkimSignature) -> dict[str, object]:
    return {
        "result": signature.result.value,
        "reason": signature.reason,
        "domain": signature.signing_domain,
        "selector": signature.selector,
        "identity": signature.identity,
        "algorithm": signature.algorithm,
        "key_bits": signature.key_bits,
        "testing": signature.testing,
        "unsigned_octets": signature.unsigned_octets,
    }
