"""Write the sample messages anew: `python -m events.make_messages`.

A signed message's key is made for the occasion and forgotten; its public half goes into `zone.json`, so that the
signature is as real as any. Everything else of the zone is left as people wrote it.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from postern.dkim.signing import SigningKey, sign_message
from postern.message import parse_message
from tests.sealing import seal

EVENTS = Path(__file__).resolve().parent
ZONE = EVENTS / "zone.json"
TEXTS = EVENTS / "texts"
MESSAGES = EVENTS / "messages"
SELECTOR = "s2025"
SIGNED_AT = datetime(2025, 1, 20, 9, 0, tzinfo=UTC)
KEY_BITS = 2048

SIGNED: Mapping[str, str] = {"clean": "friend.example", "newsletter": "shop.example", "two-minds": "shop.example"}
"""The messages that are signed, and by whom."""

SEALED: Mapping[str, tuple[str, str]] = {
    "list-copy": ("list.example", "spf=pass smtp.mailfrom=friend.example; dmarc=pass header.from=friend.example")
}
"""The messages that are sealed (ARC): by whom, and what the sealer says it found."""


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A signing key and the record that publishes it."""

    key: SigningKey
    record: str


def make_key(signing_domain: str) -> PublishedKey:
    """A fresh key for a domain."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record = f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode('ascii')}"
    return PublishedKey(SigningKey(signing_domain, SELECTOR, private), record)


def make_message(name: str, keys: Mapping[str, PublishedKey]) -> bytes:
    """The octets of a sample: its text with CRLF line ends, signed or sealed when it is to be."""
    text = (TEXTS / f"{name}.txt").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if name in SEALED:
        sealer, results = SEALED[name]
        return seal(text, keys[sealer].key, 1, results)
    if name not in SIGNED:
        return text
    return sign_message(parse_message(text), [keys[SIGNED[name]].key], SIGNED_AT) + text


def main() -> int:
    """Write every message and the zone."""
    signing_domains = {*SIGNED.values(), *(sealer for sealer, _ in SEALED.values())}
    keys = {signing_domain: make_key(signing_domain) for signing_domain in sorted(signing_domains)}
    for text in sorted(TEXTS.glob("*.txt")):
        (MESSAGES / f"{text.stem}.eml").write_bytes(make_message(text.stem, keys))
    zone = json.loads(ZONE.read_text(encoding="utf-8"))
    for signing_domain, published in keys.items():
        zone[f"{SELECTOR}._domainkey.{signing_domain}"] = {"TXT": [published.record]}
    ZONE.write_text(json.dumps(zone, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
