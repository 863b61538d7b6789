"""Making keys to sign mail with: chance comes in here, and nowhere else in DKIM."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from postern.dkim.algorithms import KeyType

RSA_BITS = 2048
"""What every verifier takes; the record of a longer key fits no answer by UDP (RFC 8301 §3.2)."""

_PUBLIC_EXPONENT = 65537


def new_private_key(key_type: KeyType, bits: int = RSA_BITS) -> str:
    """A new private key as PEM; `bits` are those of an RSA key."""
    private = (
        Ed25519PrivateKey.generate() if key_type is KeyType.ED25519 else generate_private_key(_PUBLIC_EXPONENT, bits)
    )
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
