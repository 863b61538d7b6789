"""Detached OpenPGP signatures by RSA keys that a person has named by their fingerprints (RFC 4880, RFC 9580).

Trust comes from the fingerprint alone: neither user ids nor the signatures on a key are looked at. That is why a
library that judges certificates does not fit: the keys by which rule channels are signed have self-signatures from the
time of SHA-1, which such a library rightly refuses. Here is only what verifying needs: version 4 keys and signatures,
RSA, SHA-256 and longer. Everything else is refused, and all sizes are bounded.

SignatureError    not verified; the text says why
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

MAX_KEY_OCTETS = 200_000
MAX_SIGNATURE_OCTETS = 20_000
MAX_PACKETS = 500
MIN_MODULUS_BITS, MAX_MODULUS_BITS = 2048, 8192

_SIGNATURE, _PUBLIC_KEY, _PUBLIC_SUBKEY = 2, 6, 14
_VERSION = 4
_BINARY = 0
_RSA = (1, 3)  # RFC 9580 §9.1
_HASHES: dict[int, hashes.HashAlgorithm] = {8: hashes.SHA256(), 9: hashes.SHA384(), 10: hashes.SHA512()}
_ARMOR = re.compile(
    r"-----BEGIN PGP [A-Z ]{1,40}-----\r?\n(?:[\w-]+: [^\n]*\n)*\r?\n"
    r"([A-Za-z0-9+/=\s]+?)(?:\n=[A-Za-z0-9+/]{4})?\r?\n-----END"
)


class SignatureError(ValueError):
    """A signature that does not verify, or a key or signature that cannot be read."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An RSA key and its fingerprint in capital hexadecimal digits (RFC 9580 §5.5.4.2)."""

    fingerprint: str
    key: rsa.RSAPublicKey = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Signature:
    """A version 4 signature of a binary document: the octets it hashes after the document, and its number."""

    algorithm: hashes.HashAlgorithm
    trailer: bytes
    number: bytes


def read_keys(content: bytes) -> tuple[PublicKey, ...]:
    """The RSA keys and subkeys of a key file, armored or not. Raises `SignatureError` when there is none."""
    found = []
    for tag, body in _packets(_dearmored(content, MAX_KEY_OCTETS)):
        key = _read_key(body) if tag in (_PUBLIC_KEY, _PUBLIC_SUBKEY) else None
        if key is not None:
            found.append(key)
    if not found:
        raise SignatureError("there is no usable key: expected RSA with 2048 to 8192 bits")
    return tuple(found)


def verify(document: bytes, signature: bytes, keys: Iterable[PublicKey]) -> PublicKey:
    """The key by which the document is signed. Raises `SignatureError` when it is none of these."""
    trusted = tuple(keys)
    for one in _signatures(signature):
        digest = hashes.Hash(one.algorithm)
        digest.update(document)
        digest.update(one.trailer)
        value = digest.finalize()
        for key in trusted:
            if _verifies(key, one, value):
                return key
    raise SignatureError("the signature is not by a key that is trusted, or the content was changed")


def _verifies(key: PublicKey, signature: _Signature, digest: bytes) -> bool:
    number = signature.number.rjust((key.key.key_size + 7) // 8, b"\0")
    try:
        key.key.verify(number, digest, PKCS1v15(), Prehashed(signature.algorithm))
    except InvalidSignature:
        return False
    return True


def _signatures(content: bytes) -> list[_Signature]:
    packets = _packets(_dearmored(content, MAX_SIGNATURE_OCTETS))
    found = [one for tag, body in packets if tag == _SIGNATURE and (one := _read_signature(body)) is not None]
    if not found:
        raise SignatureError("there is no usable signature: expected RSA with SHA-256, SHA-384 or SHA-512")
    return found


def _read_key(body: bytes) -> PublicKey | None:
    """RFC 9580 §5.5.2.2: version, four octets of time, algorithm, modulus, exponent."""
    if len(body) < 6 or body[0] != _VERSION or body[5] not in _RSA:
        return None
    modulus, rest = _read_number(body[6:])
    exponent, _ = _read_number(rest)
    number, power = int.from_bytes(modulus), int.from_bytes(exponent)
    if not MIN_MODULUS_BITS <= number.bit_length() <= MAX_MODULUS_BITS:
        return None
    # The fingerprint is SHA-1 by definition; forging a second key for one is out of reach, unlike a collision.
    digest = hashlib.sha1(b"\x99" + len(body).to_bytes(2) + body, usedforsecurity=False)
    try:
        return PublicKey(digest.hexdigest().upper(), rsa.RSAPublicNumbers(power, number).public_key())
    except ValueError:
        return None


def _read_signature(body: bytes) -> _Signature | None:
    """RFC 9580 §5.2.3: version, type, algorithms, hashed subpackets, others, 16 bits of the hash, the number."""
    if len(body) < 6 or body[0] != _VERSION or body[1] != _BINARY or body[2] not in _RSA or body[3] not in _HASHES:
        return None
    hashed_end = 6 + int.from_bytes(body[4:6])
    hashed = body[:hashed_end]
    others_end = hashed_end + 2 + int.from_bytes(body[hashed_end : hashed_end + 2])
    if len(body) < others_end + 2:
        raise SignatureError("the signature is cut off")
    number, _ = _read_number(body[others_end + 2 :])
    return _Signature(_HASHES[body[3]], hashed + b"\x04\xff" + len(hashed).to_bytes(4), number)


def _read_number(octets: bytes) -> tuple[bytes, bytes]:
    """A multiprecision integer and what follows it (RFC 9580 §3.2)."""
    length = (int.from_bytes(octets[:2]) + 7) // 8
    if len(octets) < 2 + length:
        raise SignatureError("a number is cut off")
    return octets[2 : 2 + length], octets[2 + length :]


def _packets(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags and bodies (RFC 9580 §4.2); bodies of partial or unknown length are refused."""
    position = 0
    for _ in range(MAX_PACKETS):
        if position >= len(octets):
            return
        first = octets[position]
        if not first & 0x80:
            raise SignatureError("this is not OpenPGP")
        tag, start, length = (_new_format if first & 0x40 else _old_format)(octets, position)
        if start + length > len(octets):
            raise SignatureError("a packet is cut off")
        yield tag, octets[start : start + length]
        position = start + length
    raise SignatureError(f"there are more than {MAX_PACKETS} packets")


def _new_format(octets: bytes, at: int) -> tuple[int, int, int]:
    """The tag of a packet, where its body begins, and its length (RFC 9580 §4.2.1)."""
    tag, lengths = octets[at] & 0x3F, octets[at + 1 : at + 6]
    if lengths and lengths[0] < 192:
        return tag, at + 2, lengths[0]
    if len(lengths) >= 2 and lengths[0] < 224:
        return tag, at + 3, ((lengths[0] - 192) << 8) + lengths[1] + 192
    if len(lengths) == 5 and lengths[0] == 255:
        return tag, at + 6, int.from_bytes(lengths[1:])
    raise SignatureError("a packet has no definite length")


def _old_format(octets: bytes, at: int) -> tuple[int, int, int]:
    """The same in the old format (RFC 9580 §4.2.2)."""
    kind = octets[at] & 0x03
    if kind == 3:
        raise SignatureError("a packet has no definite length")
    width = 1 << kind
    return (octets[at] >> 2) & 0x0F, at + 1 + width, int.from_bytes(octets[at + 1 : at + 1 + width])


def _dearmored(content: bytes, limit: int) -> bytes:
    """The octets of all armored blocks (RFC 9580 §6), or the content as it is when it is not armored."""
    if len(content) > limit:
        raise SignatureError(f"it has more than {limit} octets")
    if content[:1] and content[0] & 0x80:
        return content
    blocks = _ARMOR.findall(content.decode("ascii", "replace"))
    try:
        return b"".join(base64.b64decode("".join(block.split()), validate=True) for block in blocks)
    except (binascii.Error, ValueError) as wrong:
        raise SignatureError(f"the armor cannot be read: {wrong}") from wrong
