"""The DKIM-Signature field: its tags, read and checked (RFC 6376 §3.5, §6.1.1)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from postern.dkim.algorithms import ALGORITHMS, Algorithm
from postern.dkim.canonical import Canonicalization
from postern.dkim.rejection import SignatureRejected
from postern.dkim.tags import TagListError, colon_list, read_tag_list, without_blanks
from postern.mime.domain_labels import to_ascii_domain

MAX_FIELD_OCTETS = 64 * 1024
MAX_SIGNED_FIELDS = 1_000
FUTURE_MARGIN = timedelta(days=1)
"""How far a signature may be dated ahead: a clock set to the wrong time zone is no forgery (RFC 6376 §3.5, `t=`)."""

_B_VALUE = re.compile(rb"((?:\A|;)[ \t\r\n]*+b[ \t\r\n]*+=)[^;]*+")
_FIELD_NAME = re.compile(r"[!-9;-~]++")
_NUMBER = re.compile(r"[0-9]{1,76}")
_QUOTED_OCTET = re.compile(r"=([0-9A-F]{2})")


@dataclass(frozen=True, slots=True)
class Signature:
    """The tags of one signature; names are in lower case, domains as A-labels.

    The local part of `identity` is as written, still in DKIM-Quoted-Printable (RFC 6376 §2.11).
    """

    algorithm: Algorithm
    signature: bytes
    body_hash: bytes
    header_method: Canonicalization
    body_method: Canonicalization
    signing_domain: str
    selector: str
    signed_fields: tuple[str, ...]
    identity: str
    body_length: int | None = None
    signed_at: int | None = None
    expires_at: int | None = None

    @property
    def identity_domain(self) -> str:
        """The domain of the `i=` tag."""
        return self.identity.rpartition("@")[2]


def read_tags(raw_value: bytes) -> Mapping[str, str]:
    """The tags of a signature field's value. Raises `SignatureRejected`."""
    if len(raw_value) > MAX_FIELD_OCTETS:
        raise SignatureRejected("the signature field is too long")
    try:
        return read_tag_list(raw_value.decode("utf-8"))
    except UnicodeDecodeError as wrong:
        raise SignatureRejected("the signature field is neither ASCII nor UTF-8") from wrong
    except TagListError as wrong:
        raise SignatureRejected(f"signature: {wrong}") from wrong


def read_signature(tags: Mapping[str, str]) -> Signature:
    """A DKIM-Signature from its tags. Raises `SignatureRejected`."""
    if _wanted(tags, "v") != "1":
        raise SignatureRejected("signature: unknown version")
    if "dns/txt" not in colon_list(tags.get("q", "dns/txt").lower()):
        raise SignatureRejected("signature: unknown query method")
    algorithm = read_algorithm(tags)
    header_method, body_method = read_methods(tags)
    signing_domain = read_signing_domain(tags)
    signed_at, expires_at = read_number(tags, "t"), read_number(tags, "x")
    if signed_at is not None and expires_at is not None and expires_at <= signed_at:
        raise SignatureRejected("signature: it expires before it was made")
    return Signature(
        algorithm=algorithm,
        signature=read_base64(tags, "b"),
        body_hash=read_base64(tags, "bh"),
        header_method=header_method,
        body_method=body_method,
        signing_domain=signing_domain,
        selector=read_selector(tags),
        signed_fields=_with_author(read_signed_fields(tags)),
        identity=_read_identity(tags, signing_domain),
        body_length=read_number(tags, "l"),
        signed_at=signed_at,
        expires_at=expires_at,
    )


def check_time(signature: Signature, now: datetime) -> None:
    """Raise `SignatureRejected` for a signature that has expired or is dated ahead of `now`."""
    seconds = now.timestamp()
    if signature.expires_at is not None and seconds > signature.expires_at:
        raise SignatureRejected("the signature has expired")
    if signature.signed_at is not None and signature.signed_at > seconds + FUTURE_MARGIN.total_seconds():
        raise SignatureRejected("the signature is dated in the future")


def without_signature_value(raw_value: bytes) -> bytes:
    """The field's value with an empty `b=` tag, as the signature was made of it (RFC 6376 §3.7)."""
    return _B_VALUE.sub(rb"\1", raw_value, count=1)


def read_algorithm(tags: Mapping[str, str]) -> Algorithm:
    """The `a=` tag; historic algorithms are refused (RFC 8301 §3.1). Raises `SignatureRejected`."""
    algorithm = ALGORITHMS.get(_wanted(tags, "a").lower())
    if algorithm is None:
        raise SignatureRejected("signature: unknown algorithm")
    if algorithm.historic:
        raise SignatureRejected(f"{algorithm.name} is no longer accepted")
    return algorithm


def read_methods(tags: Mapping[str, str]) -> tuple[Canonicalization, Canonicalization]:
    """The `c=` tag: header and body canonicalization, each `simple` unless written. Raises `SignatureRejected`."""
    header, _, body = tags.get("c", "simple").lower().partition("/")
    try:
        return Canonicalization(header), Canonicalization(body or "simple")
    except ValueError as wrong:
        raise SignatureRejected("signature: unknown canonicalization") from wrong


def read_signing_domain(tags: Mapping[str, str]) -> str:
    """The `d=` tag. Raises `SignatureRejected`."""
    return _domain(_wanted(tags, "d"), "the domain")


def read_selector(tags: Mapping[str, str]) -> str:
    """The `s=` tag. Raises `SignatureRejected`."""
    return _domain(_wanted(tags, "s"), "the selector")


def read_signed_fields(tags: Mapping[str, str]) -> tuple[str, ...]:
    """The `h=` tag: names in lower case, as often as they are written. Raises `SignatureRejected`."""
    names = tuple(name.lower() for name in colon_list(_wanted(tags, "h")))
    if len(names) > MAX_SIGNED_FIELDS or not all(_FIELD_NAME.fullmatch(name) for name in names):
        raise SignatureRejected("signature: the list of signed fields is malformed")
    return names


def _with_author(names: tuple[str, ...]) -> tuple[str, ...]:
    if "from" not in names:
        raise SignatureRejected("From is not signed")  # RFC 6376 §5.4
    return names


def read_base64(tags: Mapping[str, str], name: str) -> bytes:
    """A tag's octets. Raises `SignatureRejected`."""
    try:
        octets = base64.b64decode(without_blanks(_wanted(tags, name)), validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise SignatureRejected(f"signature: {name}= is not base64") from wrong
    if not octets:
        raise SignatureRejected(f"signature: {name}= is empty")
    return octets


def read_number(tags: Mapping[str, str], name: str) -> int | None:
    """A tag that is a number, `None` when it is absent. Raises `SignatureRejected`."""
    if name not in tags:
        return None
    if not _NUMBER.fullmatch(tags[name]):
        raise SignatureRejected(f"signature: {name}= is not a number")
    return int(tags[name])


def _wanted(tags: Mapping[str, str], name: str) -> str:
    if name not in tags:
        raise SignatureRejected(f"signature: {name}= is missing")
    return tags[name]


def _domain(name: str, what: str) -> str:
    """A name in lower case, U-labels as A-labels (RFC 8616 §4)."""
    ascii_name = to_ascii_domain(name)
    if not ascii_name:
        raise SignatureRejected(f"signature: {what} is malformed")
    return ascii_name


def _read_identity(tags: Mapping[str, str], signing_domain: str) -> str:
    """The `i=` tag; its domain is the signing domain or below it (RFC 6376 §3.5)."""
    if "i" not in tags:
        return f"@{signing_domain}"
    local_part, at, written = without_blanks(tags["i"]).rpartition("@")
    domain = _domain(_QUOTED_OCTET.sub(lambda found: chr(int(found[1], 16)), written), "i=")
    if not at or not (domain == signing_domain or domain.endswith("." + signing_domain)):
        raise SignatureRejected("signature: i= is not within d=")
    return f"{local_part}@{domain}"
