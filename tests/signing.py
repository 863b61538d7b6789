"""Signed mail for tests: one RSA and one Ed25519 key, their records, and messages signed in any way a test needs."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from postern.dkim.signing import SignatureRequest, SigningKey, write_signature
from postern.dkim.verification import SignedContent
from postern.message import parse_message

DOMAIN = "example.com"
MESSAGE = (
    b"From: Bob <bob@example.com>\r\nTo: ann@receiver.example\r\nSubject: hello\r\n\tworld\r\n"
    b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\nThis  is the body. \r\n\r\n"
)
FIELDS = ("From", "To", "Subject", "Date", "Message-ID")


@cache
def rsa_key() -> RSAPrivateKey:
    """An RSA key of 1,024 bits, the shortest that verifies, made once per run."""
    return generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - guards nothing


@cache
def ed25519_key() -> Ed25519PrivateKey:
    """An Ed25519 key, made once per run."""
    return Ed25519PrivateKey.generate()


def signing_key(selector: str = "s1", signing_domain: str = DOMAIN, *, ed25519: bool = False) -> SigningKey:
    """A key by the name of its selector."""
    return SigningKey(signing_domain, selector, ed25519_key() if ed25519 else rsa_key())


def pem_of(key: SigningKey) -> bytes:
    """The private key as other programs read it."""
    pem: bytes = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


def record_of(key: SigningKey, tags: str = "") -> str:
    """The key record to publish; `tags` such as `t=s; ` come before the key."""
    if isinstance(key.private, RSAPrivateKey):
        octets = key.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; {tags}p={base64.b64encode(octets).decode()}"
    octets = key.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; {tags}p={base64.b64encode(octets).decode()}"


def zone_of(*keys: SigningKey, tags: str = "") -> dict[str, dict[str, list[str] | str]]:
    """A zone with the keys' records."""
    return {f"{key.selector}._domainkey.{key.signing_domain}": {"TXT": [record_of(key, tags)]} for key in keys}


def signature_of(raw: bytes, key: SigningKey | None = None, **changes: Any) -> bytes:
    """A DKIM-Signature field for `raw`; `changes` are attributes of `SignatureRequest`."""
    key = key or signing_key()
    asked: dict[str, Any] = {
        "algorithm": key.algorithm,
        "signing_domain": key.signing_domain,
        "selector": key.selector,
        "signed_fields": FIELDS,
    }
    message = parse_message(raw)
    return write_signature(message, SignedContent(message), SignatureRequest(**{**asked, **changes}), key.sign)


def signed(raw: bytes = MESSAGE, key: SigningKey | None = None, **changes: Any) -> bytes:
    """`raw` with a signature on top."""
    return signature_of(raw, key, **changes) + raw


def signed_by_all(raw: bytes, keys: Iterable[SigningKey]) -> bytes:
    """`raw` with one signature per key."""
    return b"".join(signature_of(raw, key) for key in keys) + raw
