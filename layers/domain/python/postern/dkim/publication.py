"""The record of a key as it is to be published, and whether it is (RFC 6376 §3.6.1, RFC 8463 §4, RFC 1035 §3.3.14)."""

from __future__ import annotations

import base64
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from postern.dkim.keys import key_name, read_key_records
from postern.dkim.rejection import SignatureRejected
from postern.dkim.signing import SigningKey
from postern.ports import Resolver

MAX_STRING = 255
"""Octets of one string of a TXT record; longer texts are several, which readers join without a blank."""


class Published(StrEnum):
    """What the DNS says about a key."""

    YES = "published"
    MISSING = "missing"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


def record_name(key: SigningKey) -> str:
    """Where the record belongs."""
    return key_name(key.selector, key.signing_domain)


def record_text(key: SigningKey) -> str:
    """What the record says."""
    encoded = base64.b64encode(_public_octets(key)).decode("ascii")
    return f"v=DKIM1; k={key.algorithm.key_type}; p={encoded}"


def record_strings(text: str) -> tuple[str, ...]:
    """The text in strings that a TXT record takes."""
    return tuple(text[start : start + MAX_STRING] for start in range(0, len(text), MAX_STRING))


def zone_line(key: SigningKey) -> str:
    """The record as a line of a zone file."""
    strings = " ".join(f'"{one}"' for one in record_strings(record_text(key)))
    return f"{record_name(key)}. IN TXT ( {strings} )"


def look_up(key: SigningKey, resolver: Resolver) -> Published:
    """Whether the record is seen. Several records under the name are undefined, and count as different."""
    answer = resolver.query(record_name(key), "TXT")
    if answer.failed:
        return Published.UNKNOWN
    if not answer.records:
        return Published.MISSING
    try:
        found = read_key_records(answer)
    except SignatureRejected:
        return Published.DIFFERENT
    right = len(answer.records) == 1 and found[0].key == _public_octets(key)
    return Published.YES if right and found[0].key_type == key.algorithm.key_type else Published.DIFFERENT


def _public_octets(key: SigningKey) -> bytes:
    if isinstance(key.private, RSAPrivateKey):
        return key.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
