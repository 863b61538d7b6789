"""Validating an ARC chain (RFC 8617 §5.2): structure, the latest message signature, every seal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from postern.arc.sets import SEAL, ArcSet, read_sets, rejected
from postern.dkim.algorithms import Algorithm, is_signature_of
from postern.dkim.canonical import Canonicalization, canonical_field
from postern.dkim.keys import check_size, check_usable, key_name, load_key, read_key_records
from postern.dkim.rejection import SignatureRejected
from postern.dkim.signature import (
    read_algorithm,
    read_base64,
    read_methods,
    read_number,
    read_selector,
    read_signing_domain,
    without_signature_value,
)
from postern.dkim.tags import colon_list
from postern.dkim.verification import SignedContent
from postern.dns import DnsAnswer, Question
from postern.message import HeaderField, Message
from postern.model import ResultWord
from postern.ports import Resolver

MAX_OLDER_SIGNATURES = 10
"""Message signatures before the latest that are tried, to tell how far back the message is unchanged."""

_NOT_IN_A_SEAL = ("h", "bh", "c", "l")


@dataclass(frozen=True, slots=True)
class Chain:
    """The state of the chain. `oldest_pass` is 0 when every message signature that was tried holds.

    `whole` says that the latest message signature covers From and all of the body.
    """

    result: ResultWord
    reason: str = ""
    sets: tuple[ArcSet, ...] = ()
    oldest_pass: int = 0
    whole: bool = False


def validate_chain(message: Message, resolver: Resolver) -> Chain:
    """`none` without ARC fields, `pass`, `fail`, or `temperror` when a key could not be looked up now."""
    try:
        sets = read_sets(message)
    except SignatureRejected as broken:
        return Chain(ResultWord.FAIL, broken.reason)
    if not sets:
        return Chain(ResultWord.NONE)
    validator = _Validator(message, resolver, sets)
    try:
        validator.check_message_signature(sets[-1])
        for count in range(len(sets), 0, -1):
            validator.check_seal(sets[:count])
    except SignatureRejected as broken:
        word = ResultWord.TEMPERROR if broken.result is ResultWord.TEMPERROR else ResultWord.FAIL
        return Chain(word, broken.reason, sets)
    return Chain(ResultWord.PASS, "", sets, validator.oldest_pass(), _is_whole(sets[-1]))


class _Validator:
    """One message's chain with the keys it needs, asked for together."""

    def __init__(self, message: Message, resolver: Resolver, sets: Sequence[ArcSet]) -> None:
        self._content = SignedContent(message)
        self._sets = sets
        questions = dict.fromkeys(question for one in sets for question in _questions(one))
        answers = resolver.query_all(list(questions)) if questions else ()
        self._answers: Mapping[Question, DnsAnswer] = dict(zip(questions, answers, strict=True))

    def check_message_signature(self, one: ArcSet) -> None:
        """Raise `SignatureRejected` when the message is not what this server signed."""
        tags, field = one.signature_tags, one.message_signature
        algorithm = read_algorithm(tags)
        # Whoever leaves c= out means relaxed, as the ARC test suite has it; empty names in h= stand for nothing.
        header_method, body_method = read_methods({"c": "relaxed/relaxed", **tags})
        names = _signed_names(tags)
        if "h" not in tags or SEAL in names:
            raise rejected("the signed fields are not what they must be")  # RFC 8617 §4.1.2
        limit = read_number(tags, "l")
        digest = self._content.body_digest(body_method, algorithm.hash_name, limit)
        if digest.value != read_base64(tags, "bh"):
            raise rejected("the body hash did not verify")
        data = self._content.fields_data(header_method, names, field) + _own(header_method, field)
        self._check_signature(tags, algorithm, data)

    def check_seal(self, sets: Sequence[ArcSet]) -> None:
        """Raise `SignatureRejected` when the last of `sets` did not seal exactly these (RFC 8617 §5.1.1)."""
        last = sets[-1]
        tags = last.seal_tags
        if any(name in tags for name in _NOT_IN_A_SEAL):
            raise rejected("a seal with tags that it must not have")
        method = Canonicalization.RELAXED
        sealed = [field for one in sets for field in one.fields if field is not last.seal]
        data = b"".join(canonical_field(method, field.raw_field) for field in sealed) + _own(method, last.seal)
        self._check_signature(tags, read_algorithm(tags), data)

    def oldest_pass(self) -> int:
        """The lowest instance from which on every message signature holds, 0 when that is the first."""
        oldest = len(self._sets)
        for one in reversed(self._sets[:-1][-MAX_OLDER_SIGNATURES:]):
            try:
                self.check_message_signature(one)
            except SignatureRejected:
                return oldest
            oldest = one.instance
        return 0 if oldest == 1 else oldest

    def _check_signature(self, tags: Mapping[str, str], algorithm: Algorithm, data: bytes) -> None:
        read_number(tags, "t")
        question = _question(tags)
        record = read_key_records(self._answers[question])[0]
        check_usable(record, algorithm)
        public = load_key(record)
        check_size(public)
        if not is_signature_of(public.key, read_base64(tags, "b"), data):
            raise rejected("a signature did not verify")


def _signed_names(tags: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name.lower() for name in colon_list(tags.get("h", "")) if name)


def _is_whole(latest: ArcSet) -> bool:
    return "from" in _signed_names(latest.signature_tags) and "l" not in latest.signature_tags


def _own(method: Canonicalization, field: HeaderField) -> bytes:
    return canonical_field(method, field.raw_name + b":" + without_signature_value(field.raw_value))


def _question(tags: Mapping[str, str]) -> Question:
    return Question(key_name(read_selector(tags), read_signing_domain(tags)), "TXT")


def _questions(one: ArcSet) -> list[Question]:
    """The keys of one set, as far as their names can be read; what is wrong with them is told later."""
    questions = []
    for tags in (one.signature_tags, one.seal_tags):
        try:
            questions.append(_question(tags))
        except SignatureRejected:
            continue
    return questions
