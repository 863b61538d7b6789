"""Making signatures (RFC 6376 §5, RFC 8301 §3.1, RFC 8463 §3): a message and a key in, a DKIM-Signature field out.

SigningError    the key or what is asked for cannot make a signature that verifies
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from postern.dkim.algorithms import ED25519_SHA256, MIN_RSA_BITS, RSA_SHA256, Algorithm
from postern.dkim.canonical import Canonicalization, canonical_field
from postern.dkim.layout import MARGIN, lay_out, lay_out_signature
from postern.dkim.verification import SignedContent
from postern.message import HeaderField, Message

FIELD_NAME = "DKIM-Signature"

SIGNED_WHEN_PRESENT = (
    "From",
    "Sender",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "To",
    "Cc",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Id",
    "List-Post",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "VBR-Info",
)
"""What a signature covers where it occurs (RFC 6376 §5.4.1)."""

OVERSIGNED = ("From", "Subject", "To", "Date", "Message-ID")
"""Signed once more than they occur, so that nobody can add another (RFC 6376 §8.15)."""

MAX_SAME = 20
"""Fields of one name that are covered, from the lowest up; mail has one, and a trace of forwards a few."""

REWRITTEN_BY_SES = frozenset({"Date", "Message-ID"})
"""Fields that Amazon SES writes anew; signed, they would break every signature on that route."""


class SigningError(ValueError):
    """A key or a request that cannot make a valid signature."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and where its public half is published."""

    signing_domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> Algorithm:
        """What this key signs with."""
        return RSA_SHA256 if isinstance(self.private, RSAPrivateKey) else ED25519_SHA256

    def sign(self, data: bytes) -> bytes:
        """The signature of `data`."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(data, PKCS1v15(), SHA256())
        return self.private.sign(hashlib.sha256(data).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRequest:
    """What a signature is to say. `signed_fields` are written as given, a name once per field that it covers.

    `with_length` writes `l=`, which nobody should want; `copy_fields` writes `z=`; times are seconds since 1970;
    `extra_tags` are written after the times; `margin` is the width of lines.
    """

    algorithm: Algorithm
    signing_domain: str
    selector: str
    signed_fields: tuple[str, ...]
    header_method: Canonicalization = Canonicalization.RELAXED
    body_method: Canonicalization = Canonicalization.RELAXED
    signed_at: int | None = None
    expires_at: int | None = None
    identity: str = ""
    with_length: bool = False
    copy_fields: bool = False
    extra_tags: tuple[tuple[str, str], ...] = ()
    margin: int = MARGIN


def load_signing_key(signing_domain: str, selector: str, pem: bytes) -> SigningKey:
    """A key from PEM text. Raises `SigningError` for what is no RSA key of 1024 bits or more and no Ed25519 key."""
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as wrong:
        raise SigningError(f"the key of {selector}._domainkey.{signing_domain} cannot be read") from wrong
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise SigningError("only RSA and Ed25519 keys can sign mail")
    if isinstance(private, RSAPrivateKey) and private.key_size < MIN_RSA_BITS:
        raise SigningError(f"an RSA key of {private.key_size} bits is too short (RFC 8301 §3.2)")
    return SigningKey(signing_domain, selector, private)


def fields_to_sign(message: Message, *, through_ses: bool = False) -> tuple[str, ...]:
    """The names for `h=`: what is there, and the important ones once more."""
    left_out = REWRITTEN_BY_SES if through_ses else frozenset[str]()
    present = (name for name in SIGNED_WHEN_PRESENT for _ in message.fields(name)[:MAX_SAME])
    return tuple(name for name in (*present, *OVERSIGNED) if name not in left_out)


def sign_message(message: Message, keys: Sequence[SigningKey], now: datetime, *, through_ses: bool = False) -> bytes:
    """DKIM-Signature fields for the top of `message`, one per key: relaxed/relaxed, oversigned.

    Raises `SigningError` for a message without exactly one From field.
    """
    if len(message.fields("from")) != 1:
        raise SigningError("a message is signed for the one From field it has")
    names = fields_to_sign(message, through_ses=through_ses)
    content = SignedContent(message)
    return b"".join(write_signature(message, content, _request(key, names, now), key.sign) for key in keys)


def _request(key: SigningKey, names: tuple[str, ...], now: datetime) -> SignatureRequest:
    return SignatureRequest(
        algorithm=key.algorithm,
        signing_domain=key.signing_domain,
        selector=key.selector,
        signed_fields=names,
        signed_at=int(now.timestamp()),
    )


def write_signature(
    message: Message, content: SignedContent, request: SignatureRequest, sign: Callable[[bytes], bytes]
) -> bytes:
    """The whole field with its CRLF; `sign` makes the signature of the octets it is given. Raises `SigningError`."""
    _check(request)
    value = lay_out(FIELD_NAME, list(_tags(message, content, request)), request.margin)
    unsigned = f"{FIELD_NAME}: {value}".encode()
    data = content.fields_data(request.header_method, request.signed_fields, None)
    signature = sign(data + canonical_field(request.header_method, unsigned))
    written = lay_out_signature(base64.b64encode(signature).decode("ascii"), request.margin)
    return unsigned + written.encode("ascii") + b"\r\n"


def _check(request: SignatureRequest) -> None:
    domain = request.identity.rpartition("@")[2].lower()
    ours = request.signing_domain.lower()
    if request.identity and domain != ours and not domain.endswith(f".{ours}"):
        raise SigningError("i= must be within d=")
    if "from" not in (name.lower() for name in request.signed_fields):
        raise SigningError("From must be signed")


def _tags(message: Message, content: SignedContent, request: SignatureRequest) -> Iterator[tuple[str, str]]:
    digest = content.body_digest(request.body_method, request.algorithm.hash_name, None)
    yield "v", "1"
    yield "a", request.algorithm.name
    yield "c", f"{request.header_method}/{request.body_method}"
    yield "d", request.signing_domain
    yield "s", request.selector
    if request.signed_at is not None:
        yield "t", str(request.signed_at)
    if request.expires_at is not None:
        yield "x", str(request.expires_at)
    yield from request.extra_tags
    if request.identity:
        yield "i", request.identity
    yield "bh", base64.b64encode(digest.value).decode("ascii")
    if request.with_length:
        yield "l", str(digest.octets)
    yield "h", ":".join(request.signed_fields)
    if request.copy_fields:
        signed = {name.lower() for name in request.signed_fields}
        yield "z", "|".join(_copy(field) for field in message.header_fields if field.key in signed)


def _copy(field: HeaderField) -> str:
    """A field in DKIM-Quoted-Printable (RFC 6376 §2.11), as `z=` holds it."""
    return f"{field.name}:" + "".join(
        chr(octet) if 0x21 <= octet <= 0x7E and octet not in b";=|" else f"={octet:02X}" for octet in field.raw_value
    )
