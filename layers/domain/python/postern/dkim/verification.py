"""Verifying the signatures of a message (RFC 6376 §6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from postern.dkim.algorithms import is_signature_of
from postern.dkim.canonical import BodyDigest, Canonicalization, canonical_field, digest_body
from postern.dkim.keys import (
    KeyRecord,
    PublicKey,
    check_size,
    check_usable,
    key_name,
    load_key,
    read_key_records,
)
from postern.dkim.rejection import SignatureRejected
from postern.dkim.signature import (
    Signature,
    check_time,
    read_signature,
    read_tags,
    without_signature_value,
)
from postern.dns import DnsAnswer, Question
from postern.message import HeaderField, Message
from postern.model import ResultWord
from postern.ports import Resolver

MAX_SIGNATURES = 8
"""Signatures looked at, topmost first; each can cost a look-up and a pass over the body (RFC 6376 §8.4)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one DKIM-Signature field.

    The names are those of the field wherever they could be read, else empty. `key_bits` is 0 when no key was seen.
    """

    result: ResultWord
    reason: str = ""
    signing_domain: str = ""
    selector: str = ""
    identity: str = ""
    algorithm: str = ""
    signature_text: str = ""
    signed_fields: tuple[str, ...] = ()
    key_bits: int = 0
    testing: bool = False
    unsigned_octets: int = 0


class SignedContent:
    """What signatures are made of: the fields by name, and the body's hashes, each worked out once."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._digests: dict[tuple[Canonicalization, str, int | None], BodyDigest] = {}

    def body_digest(self, method: Canonicalization, hash_name: str, limit: int | None) -> BodyDigest:
        """The hash of the body's canonical form up to `limit` octets."""
        key = method, hash_name, limit
        if key not in self._digests:
            message = self._message
            self._digests[key] = digest_body(method, hash_name, message.raw, message.body_offset, limit)
        return self._digests[key]

    def fields_data(self, method: Canonicalization, names: Sequence[str], own: HeaderField | None) -> bytes:
        """The octets of the named fields in canonical form.

        Of several fields of one name the lowest is taken first; a name beyond those there are stands for nothing, so
        that adding such a field breaks the signature (RFC 6376 §5.4.2). Its `own` field is never among them.
        """
        remaining: dict[str, list[HeaderField]] = {}
        pieces: list[bytes] = []
        for name in names:
            key = name.lower()
            if key not in remaining:
                remaining[key] = [field for field in self._message.fields(key) if field is not own]
            if remaining[key]:
                pieces.append(_ended(canonical_field(method, remaining[key].pop().raw_field)))
        return b"".join(pieces)


def _ended(field: bytes) -> bytes:
    """A field that ends the message ends without a line end, yet is signed with one."""
    return field if field.endswith(b"\r\n") else field + b"\r\n"


def verify_signatures(message: Message, resolver: Resolver, now: datetime) -> tuple[Verdict, ...]:
    """A verdict for each of the topmost `MAX_SIGNATURES` signatures, in header order; their keys are asked together."""
    fields = message.fields("dkim-signature")[:MAX_SIGNATURES]
    examined = [_examine(field, now) for field in fields]
    signatures = [found for found in examined if isinstance(found, _Examined)]
    answers = _ask_for_keys(signatures, resolver)
    content = SignedContent(message)
    return tuple(
        _judge(found, answers[found.question], content) if isinstance(found, _Examined) else found for found in examined
    )


@dataclass(frozen=True, slots=True)
class _Examined:
    """A signature whose tags are in order, before its key is known."""

    field: HeaderField
    signature: Signature
    verdict: Verdict

    @property
    def question(self) -> Question:
        return Question(key_name(self.signature.selector, self.signature.signing_domain), "TXT")


def _examine(field: HeaderField, now: datetime) -> _Examined | Verdict:
    verdict = Verdict(ResultWord.PERMERROR)
    try:
        tags = read_tags(field.raw_value)
        verdict = replace(
            verdict,
            signing_domain=tags.get("d", ""),
            selector=tags.get("s", ""),
            algorithm=tags.get("a", ""),
            signature_text=tags.get("b", ""),
        )
        signature = read_signature(tags)
        verdict = replace(
            verdict,
            signing_domain=signature.signing_domain,
            selector=signature.selector,
            identity=signature.identity,
            algorithm=signature.algorithm.name,
            signed_fields=signature.signed_fields,
        )
        check_time(signature, now)
    except SignatureRejected as rejection:
        return replace(verdict, result=rejection.result, reason=rejection.reason)
    return _Examined(field, signature, verdict)


def _ask_for_keys(signatures: Sequence[_Examined], resolver: Resolver) -> dict[Question, DnsAnswer]:
    questions = list(dict.fromkeys(found.question for found in signatures))
    return dict(zip(questions, resolver.query_all(questions), strict=True)) if questions else {}


def _judge(found: _Examined, answer: DnsAnswer, content: SignedContent) -> Verdict:
    """The verdict under the first key that verifies, or what was wrong with the last one."""
    verdict = found.verdict
    try:
        records = read_key_records(answer)
    except SignatureRejected as rejection:
        return replace(verdict, result=rejection.result, reason=rejection.reason)
    for record in records:
        verdict = _judge_with(record, found, content)
        if verdict.result is ResultWord.PASS:
            break
    return verdict


def _judge_with(record: KeyRecord, found: _Examined, content: SignedContent) -> Verdict:
    verdict = replace(found.verdict, testing=record.testing)
    try:
        public = _usable_key(record, found.signature)
        verdict = replace(verdict, key_bits=public.bits)
        check_size(public)
        unsigned = _check_body(found.signature, content)
        _check_header(public, found, content)
    except SignatureRejected as rejection:
        return replace(verdict, result=rejection.result, reason=rejection.reason)
    return replace(verdict, result=ResultWord.PASS, unsigned_octets=unsigned)


def _usable_key(record: KeyRecord, signature: Signature) -> PublicKey:
    check_usable(record, signature.algorithm)
    if record.strict_identity and signature.identity_domain != signature.signing_domain:
        raise SignatureRejected("the key does not allow i= below d=")  # RFC 6376 §3.6.1, t=s
    return load_key(record)


def _check_body(signature: Signature, content: SignedContent) -> int:
    """The octets that `l=` leaves unsigned; raises `SignatureRejected` when the hash differs."""
    limit = signature.body_length
    digest = content.body_digest(signature.body_method, signature.algorithm.hash_name, limit)
    if limit is not None and limit > digest.octets:
        raise SignatureRejected("the body is shorter than l=")
    if digest.value != signature.body_hash:
        raise SignatureRejected("the body hash did not verify", ResultWord.FAIL)
    return 0 if limit is None else digest.octets - limit


def _check_header(public: PublicKey, found: _Examined, content: SignedContent) -> None:
    signature = found.signature
    method, field = signature.header_method, found.field
    own = canonical_field(method, field.raw_name + b":" + without_signature_value(field.raw_value))
    data = content.fields_data(method, signature.signed_fields, field) + own
    if not is_signature_of(public.key, signature.signature, data):
        raise SignatureRejected("the signature did not verify", ResultWord.FAIL)
