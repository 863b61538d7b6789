"""Signature algorithms (RFC 6376 §3.3, RFC 8301, RFC 8463)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

MIN_RSA_BITS = 1024  # RFC 8301 §3.2
MAX_RSA_BITS = 8192
"""Larger keys cost more to check than a signature is worth; RFC 8301 §3.2 demands 4096."""

VerifyingKey = RSAPublicKey | Ed25519PublicKey


class KeyType(StrEnum):
    """The `k=` tag of a key record."""

    RSA = "rsa"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A value of the `a=` tag; a historic one is known, but neither signs nor verifies (RFC 8301 §3.1)."""

    name: str
    key_type: KeyType
    hash_name: str
    historic: bool = False


RSA_SHA256 = Algorithm("rsa-sha256", KeyType.RSA, "sha256")
ED25519_SHA256 = Algorithm("ed25519-sha256", KeyType.ED25519, "sha256")
RSA_SHA1 = Algorithm("rsa-sha1", KeyType.RSA, "sha1", historic=True)
ALGORITHMS = {algorithm.name: algorithm for algorithm in (RSA_SHA256, ED25519_SHA256, RSA_SHA1)}


def is_signature_of(key: VerifyingKey, signature: bytes, data: bytes) -> bool:
    """Whether `signature` was made of `data` by the key's owner: RSA or Ed25519, both over SHA-256."""
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, hashlib.sha256(data).digest())  # RFC 8463 §3
        else:
            key.verify(signature, data, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True
