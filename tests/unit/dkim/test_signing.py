"""Signing outgoing mail: what is covered, with which keys, and what is refused."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from postern.dkim.signing import SigningError, SigningKey, fields_to_sign, load_signing_key, sign_message
from postern.dkim.verification import verify_signatures
from postern.message import parse_message
from postern.model import ResultWord
from postern.zone import ZoneResolver
from tests.signing import MESSAGE, pem_of, signing_key, zone_of
from tests.transactions import RECEIVED_AT

RSA, ED25519 = signing_key("rsa"), signing_key("ed", ed25519=True)


def verify(raw: bytes, *keys: SigningKey) -> list[ResultWord]:
    verdicts = verify_signatures(parse_message(raw), ZoneResolver(zone_of(*keys)), RECEIVED_AT)
    return [verdict.result for verdict in verdicts]


def signed(raw: bytes, *keys: SigningKey, through_ses: bool = False) -> bytes:
    return sign_message(parse_message(raw), keys, RECEIVED_AT, through_ses=through_ses) + raw


def test_one_signature_per_key_and_all_verify() -> None:
    assert verify(signed(MESSAGE, RSA, ED25519), RSA, ED25519) == [ResultWord.PASS, ResultWord.PASS]


def test_a_signature_is_one_folded_field() -> None:
    field = sign_message(parse_message(MESSAGE), [RSA], RECEIVED_AT)
    head, *rest = field.removesuffix(b"\r\n").split(b"\r\n")
    assert head.startswith(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com;")
    assert all(line.startswith(b"\t") for line in rest)


@pytest.mark.parametrize("name", [b"From", b"Subject", b"To", b"Date", b"Message-ID"])
def test_important_fields_cannot_be_added(name: bytes) -> None:
    raw = signed(MESSAGE, RSA)
    assert verify(name + b": x\r\n" + raw, RSA) == [ResultWord.FAIL]


@pytest.mark.parametrize("name", [b"Date", b"Message-ID"])
def test_what_ses_rewrites_is_not_signed_on_that_route(name: bytes) -> None:
    raw = signed(MESSAGE, RSA, through_ses=True)
    start = raw.index(b"\n" + name + b":") + 1
    rewritten = raw[:start] + name + b": new\r\n" + raw[raw.index(b"\n", start) + 1 :]
    assert verify(rewritten, RSA) == [ResultWord.PASS]
    assert verify(b"Subject: x\r\n" + raw, RSA) == [ResultWord.FAIL]


def test_fields_are_covered_where_they_occur() -> None:
    raw = b"VBR-Info: md=example.com; mc=all; mv=c.example\r\nCc: a@b.example\r\nX-Mine: 1\r\n" + MESSAGE
    names = fields_to_sign(parse_message(raw))
    assert names.count("From") == 2
    assert names.count("VBR-Info") == names.count("Cc") == 1
    assert "X-Mine" not in names
    assert "Reply-To" not in names


@pytest.mark.parametrize("raw", [b"To: a@b.example\r\n\r\n", b"From: a@b.example\r\nFrom: c@d.example\r\n\r\n"])
def test_a_message_without_one_author_field_is_not_signed(raw: bytes) -> None:
    with pytest.raises(SigningError, match="one From"):
        sign_message(parse_message(raw), [RSA], RECEIVED_AT)


@pytest.mark.parametrize("key", [RSA, ED25519])
def test_keys_are_read_from_pem(key: SigningKey) -> None:
    loaded = load_signing_key(key.signing_domain, key.selector, pem_of(key))
    assert loaded.algorithm is key.algorithm
    assert verify(signed(MESSAGE, loaded), key) == [ResultWord.PASS]


def test_other_keys_are_refused() -> None:
    curve = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(SigningError, match="only RSA and Ed25519"):
        load_signing_key("example.com", "s1", curve)
    with pytest.raises(SigningError, match="cannot be read"):
        load_signing_key("example.com", "s1", b"not a key")
