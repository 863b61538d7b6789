"""ARC chains for tests: each server on the way adds its set (RFC 8617 §5.1)."""

from __future__ import annotations

import base64

from postern.dkim.canonical import Canonicalization, canonical_field
from postern.dkim.signing import SigningKey
from postern.dkim.verification import SignedContent
from postern.message import parse_message

RELAXED = Canonicalization.RELAXED
SEALED_FIELDS = "from:to:subject:date:message-id"


def seal(
    raw: bytes,
    key: SigningKey,
    instance: int,
    results: str = "spf=pass",
    *,
    chain: str = "",
    names: str = SEALED_FIELDS,
    extra: str = "",
) -> bytes:
    """`raw` with one more set on top; `results` follow the authserv-id, `extra` are tags of the message signature."""
    aar = f"ARC-Authentication-Results: i={instance}; {key.signing_domain}; {results}\r\n".encode()
    content = SignedContent(parse_message(raw))
    body_hash = base64.b64encode(content.body_digest(RELAXED, "sha256", _limit(extra)).value).decode()
    ams = _signed(
        f"ARC-Message-Signature: i={instance}; a={key.algorithm.name}; c=relaxed/relaxed; d={key.signing_domain};"
        f" s={key.selector}; h={names}; {extra}bh={body_hash}; b=",
        content.fields_data(RELAXED, names.split(":"), None),
        key,
    )
    state = chain or ("none" if instance == 1 else "pass")
    before = b"".join(canonical_field(RELAXED, field) for field in (*_sealed_before(raw, instance), aar, ams))
    sealed = _signed(
        f"ARC-Seal: i={instance}; a={key.algorithm.name}; cv={state}; d={key.signing_domain}; s={key.selector}; b=",
        before,
        key,
    )
    return sealed + ams + aar + raw


def _limit(extra: str) -> int | None:
    return int(extra.partition("l=")[2].partition(";")[0]) if "l=" in extra else None


def _signed(unsigned: str, before: bytes, key: SigningKey) -> bytes:
    signature = key.sign(before + canonical_field(RELAXED, unsigned.encode()))
    return unsigned.encode() + base64.b64encode(signature) + b"\r\n"


def _sealed_before(raw: bytes, instance: int) -> list[bytes]:
    """The fields of the earlier sets in the order they are sealed in; each kind stands latest first."""
    message = parse_message(raw)
    kinds = [message.fields(f"arc-{kind}") for kind in ("authentication-results", "message-signature", "seal")]
    return [fields[-number].raw_field for number in range(1, instance) for fields in kinds]
