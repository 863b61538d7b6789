"""Key records: what a domain publishes at `selector._domainkey.domain` (RFC 6376 §3.6.1, RFC 8463 §4)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from postern.dkim.algorithms import MAX_RSA_BITS, MIN_RSA_BITS, Algorithm, KeyType, VerifyingKey
from postern.dkim.rejection import SignatureRejected
from postern.dkim.tags import TagListError, colon_list, read_tag_list, without_blanks
from postern.dns import DnsAnswer
from postern.model import ResultWord

MAX_RECORDS = 4
"""Records looked at under one name; more than one is undefined (RFC 6376 §3.6.2.2), and any of them may serve."""

ED25519_OCTETS = 32


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key record that could be read. `hashes` is `None` when every hash is allowed; `key` is as published."""

    key_type: str
    key: bytes
    hashes: tuple[str, ...] | None = None
    services: tuple[str, ...] = ("*",)
    flags: tuple[str, ...] = ()

    @property
    def testing(self) -> bool:
        """The domain is trying DKIM out: a failure is to be treated like no signature (`t=y`)."""
        return "y" in self.flags

    @property
    def strict_identity(self) -> bool:
        """The identity's domain must be the signing domain itself, not one below it (`t=s`)."""
        return "s" in self.flags


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that can verify, and its size; an Ed25519 key has 256 bits."""

    key: VerifyingKey
    bits: int


def key_name(selector: str, signing_domain: str) -> str:
    """The name a key is published at (RFC 6376 §3.6.2.1)."""
    return f"{selector}._domainkey.{signing_domain}"


def read_key_records(answer: DnsAnswer) -> tuple[KeyRecord, ...]:
    """The key records of a DNS answer; never empty. Raises `SignatureRejected`."""
    if answer.failed:
        raise SignatureRejected(f"key lookup: {answer.status}", ResultWord.TEMPERROR)
    if not answer.records:
        raise SignatureRejected("no key for the signature")
    records: list[KeyRecord] = []
    trouble = SignatureRejected("no key record")
    for text in answer.records[:MAX_RECORDS]:
        try:
            records.append(read_key_record(text))
        except SignatureRejected as wrong:
            trouble = wrong
    if not records:
        raise trouble
    return tuple(records)


def read_key_record(text: str) -> KeyRecord:
    """One record's tags; those that are not known are ignored. Raises `SignatureRejected`."""
    try:
        tags = read_tag_list(text)
    except TagListError as wrong:
        raise SignatureRejected(f"key record: {wrong}") from wrong
    if tags.get("v", "DKIM1") != "DKIM1" or ("v" in tags and next(iter(tags)) != "v"):
        raise SignatureRejected("key record: unknown version")
    if "p" not in tags:
        raise SignatureRejected("key record: no key")
    return KeyRecord(
        key_type=tags.get("k", KeyType.RSA.value).lower(),
        key=_decoded_key(tags["p"]),
        hashes=_words(tags, "h"),
        services=_words(tags, "s") or ("*",),
        flags=_words(tags, "t") or (),
    )


def _words(tags: Mapping[str, str], name: str) -> tuple[str, ...] | None:
    return colon_list(tags[name].lower()) if name in tags else None


def _decoded_key(value: str) -> bytes:
    try:
        return base64.b64decode(without_blanks(value), validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise SignatureRejected("key record: the key is not base64") from wrong


def check_usable(record: KeyRecord, algorithm: Algorithm) -> None:
    """Raise `SignatureRejected` when the record does not allow this signature (RFC 6376 §6.1.2)."""
    if not {"*", "email"}.intersection(record.services):
        raise SignatureRejected("the key is not for mail")
    if not record.key:
        raise SignatureRejected("the key was revoked")
    if record.key_type != algorithm.key_type:
        raise SignatureRejected("the key is of another type than the signature")
    if record.hashes is not None and algorithm.hash_name not in record.hashes:
        raise SignatureRejected("the key does not allow the signature's hash")


def load_key(record: KeyRecord) -> PublicKey:
    """The key itself. Raises `SignatureRejected` for what is no key of its type."""
    if record.key_type == KeyType.ED25519:
        if len(record.key) != ED25519_OCTETS:
            raise SignatureRejected("the key is malformed")
        return PublicKey(Ed25519PublicKey.from_public_bytes(record.key), 8 * ED25519_OCTETS)
    try:
        key = load_der_public_key(record.key)
    except (ValueError, UnsupportedAlgorithm) as wrong:
        raise SignatureRejected("the key is malformed") from wrong
    if not isinstance(key, RSAPublicKey):
        raise SignatureRejected("the key is of another type than it says")
    return PublicKey(key, key.key_size)


def check_size(public: PublicKey) -> None:
    """Raise `SignatureRejected` for an RSA key that is too short or out of all proportion (RFC 8301 §3.2)."""
    if isinstance(public.key, RSAPublicKey) and not MIN_RSA_BITS <= public.bits <= MAX_RSA_BITS:
        raise SignatureRejected(f"a key of {public.bits} bits is not accepted")
