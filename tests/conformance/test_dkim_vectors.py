"""DKIM against what other implementations' suites say, all through the check itself (verifying) or its signer.

RFC 8301 came after most of these suites: rsa-sha1 and RSA keys under 1024 bits prove nothing any more. What a suite
passes on such grounds must be refused here, and the test lists those cases with the reason.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from postern.checks import dkim
from postern.contract import Required
from postern.dkim.algorithms import ALGORITHMS, RSA_SHA1
from postern.dkim.canonical import Canonicalization, canonical_field
from postern.dkim.keys import load_key, read_key_record
from postern.dkim.signature import read_base64, read_methods, read_number, read_tags, without_signature_value
from postern.dkim.signing import (
    SignatureRequest,
    SigningError,
    SigningKey,
    load_signing_key,
    write_signature,
)
from postern.dkim.tags import colon_list, read_tag_list
from postern.dkim.verification import SignedContent
from postern.evidence import DkimEvidence
from postern.line_ends import normalise_line_ends
from postern.message import parse_message
from postern.model import CheckResult, ResultWord
from postern.ports import Resolver
from postern.zone import Zone, ZoneResolver
from postern_aws.dns import NameServers, SystemResolver
from tests.dns_server import DnsServer, serve
from tests.material import vectors
from tests.transactions import make_transaction

Case = dict[str, Any]

OPENDKIM: list[Case] = json.loads(vectors("dkim", "opendkim", "cases.json").read_text("utf-8"))
VERIFYING = [case for case in OPENDKIM if case["mode"] == "verify"]
SIGNING = [case for case in OPENDKIM if case["mode"] == "sign"]
OPENDKIM_ZONE: Zone = {
    name: {"TXT": [text]}
    for name, text in json.loads(vectors("dkim", "opendkim", "dns-txt.json").read_text("utf-8")).items()
}

LATER = datetime(2026, 11, 22, tzinfo=UTC)


def judge(raw: bytes, zone: Zone) -> CheckResult[DkimEvidence]:
    return judge_with(raw, ZoneResolver(zone))


def judge_with(raw: bytes, resolver: Resolver) -> CheckResult[DkimEvidence]:
    return dkim.evaluate(
        make_transaction(received_at=LATER),
        policy=dkim.DkimPolicy(),
        required=Required({}),
        resolver=resolver,
        message=parse_message(normalise_line_ends(raw)),
    )


def read(*parts: str) -> bytes:
    return vectors("dkim", *parts).read_bytes()


# --- OpenDKIM, verifying -----------------------------------------------------------------------------------

OPENDKIM_WORDS = {
    "pass": (ResultWord.PASS,),
    "badsig": (ResultWord.FAIL,),
    "nokey": (ResultWord.PERMERROR,),
    "cantverify": (ResultWord.PERMERROR,),
    "nosig": (ResultWord.NONE,),
}

REFUSED_AS_SHA1 = frozenset(
    f"t-test{number}"
    for number in (
        *("04", "05", "06", "07", "12", "13", "14", "15"),
        *("64", "69", "78", "80", "89", "93", "101", "120", "138", "139", "149"),
    )
)
"""Cases that OpenDKIM passes and RFC 8301 §3.1 refuses: their only signature is rsa-sha1."""

ALSO_SIGNED_WITH_SHA256 = frozenset({"t-test67", "t-test74"})


def test_the_opendkim_suite_is_complete() -> None:
    assert (len(VERIFYING), len(SIGNING)) == (73, 42)
    passing = {case["id"] for case in VERIFYING if case["expected"] == "pass" and case["algorithm"] == "rsa-sha1"}
    assert passing == REFUSED_AS_SHA1 | ALSO_SIGNED_WITH_SHA256


@pytest.mark.parametrize("case", VERIFYING, ids=lambda case: f"{case['id']}-{case['message']}")
def test_opendkim_verifying(case: Case) -> None:
    assert_as_opendkim_says(case, ZoneResolver(OPENDKIM_ZONE))


def test_opendkim_verifying_over_a_real_name_server() -> None:
    with serve(DnsServer(OPENDKIM_ZONE)) as server:
        for case in VERIFYING:
            assert_as_opendkim_says(case, SystemResolver(None, NameServers(("127.0.0.1",), server.port), 1.0, 1.0))


def assert_as_opendkim_says(case: Case, resolver: Resolver) -> None:
    result = judge_with(read("opendkim", case["message"]), resolver)
    if case["algorithm"] == "rsa-sha1" and case["id"] not in ALSO_SIGNED_WITH_SHA256:
        assert result.result is ResultWord.PERMERROR
        assert any(finding.symbol == "DKIM_OLD_ALGORITHM" for finding in result.findings)
    else:
        assert result.result in OPENDKIM_WORDS[case["expected"]], result.reason


@pytest.mark.parametrize(
    "case",
    [case for case in VERIFYING if case["expected"] == "pass" and case["id"] in REFUSED_AS_SHA1],
    ids=lambda case: case["message"],
)
def test_refused_cases_are_refused_for_their_algorithm_alone(case: Case) -> None:
    """With SHA-1 put back, done here by the test, header and body are canonicalized as OpenDKIM does it."""
    message = parse_message(normalise_line_ends(read("opendkim", case["message"])))
    assert any(verifies_with_sha1(message, field) for field in message.fields("dkim-signature"))


def verifies_with_sha1(message: Any, field: Any) -> bool:
    tags = read_tags(field.raw_value)
    header_method, body_method = read_methods(tags)
    content = SignedContent(message)
    if content.body_digest(body_method, "sha1", read_number(tags, "l")).value != read_base64(tags, "bh"):
        return False
    record = OPENDKIM_ZONE[f"{tags['s']}._domainkey.{tags['d']}"]["TXT"][0]
    public = load_key(read_key_record(record)).key
    assert isinstance(public, RSAPublicKey)
    own = canonical_field(header_method, field.raw_name + b":" + without_signature_value(field.raw_value))
    data = content.fields_data(header_method, colon_list(tags["h"]), field) + own
    public.verify(read_base64(tags, "b"), data, PKCS1v15(), SHA1())  # noqa: S303 - what RFC 8301 took away is put back here only
    return True


# --- OpenDKIM, signing -------------------------------------------------------------------------------------

KNOWN_TAGS = frozenset("v a c d s t x i bh l h z b".split())
SMALL_KEY_CASE = "t-test150"
INVALID_IDENTITY_CASE = "t-test148"


def request_of(case: Case) -> SignatureRequest:
    """What the case asked OpenDKIM for, read back from what it wrote."""
    tags = read_tag_list(case["expected_signature_header_value"])
    header_method, _, body_method = tags["c"].partition("/")
    return SignatureRequest(
        algorithm=ALGORITHMS[tags["a"]],
        signing_domain=tags["d"],
        selector=tags["s"],
        signed_fields=colon_list(tags["h"]),
        header_method=Canonicalization(header_method),
        body_method=Canonicalization(body_method),
        signed_at=int(tags["t"]),
        expires_at=int(tags["x"]) if "x" in tags else None,
        identity=tags.get("i", ""),
        with_length="l" in tags,
        copy_fields="z" in tags,
        extra_tags=tuple((name, value) for name, value in tags.items() if name not in KNOWN_TAGS),
        margin=75 if "\r\n" in case["expected_signature_header_value"] else 0,
    )


def sign(key: SigningKey, data: bytes, request: SignatureRequest) -> bytes:
    """RSA with SHA-1 is the test's own: the signer has none."""
    if request.algorithm is not RSA_SHA1:
        return key.sign(data)
    assert isinstance(key.private, RSAPrivateKey)
    return key.private.sign(data, PKCS1v15(), SHA1())  # noqa: S303 - what RFC 8301 took away is put back here only


@pytest.mark.parametrize(
    "case", [case for case in SIGNING if case["expected_signature_header_value"]], ids=lambda case: case["message"]
)
def test_opendkim_signing_byte_for_byte(case: Case) -> None:
    key = load_signing_key(case["domain"], case["selector"], read("opendkim", "testkey.private.pem"))
    message = parse_message(normalise_line_ends(read("opendkim", case["message"])))
    request = request_of(case)
    field = write_signature(message, SignedContent(message), request, lambda data: sign(key, data, request))
    assert field.decode("ascii") == f"DKIM-Signature: {case['expected_signature_header_value']}\r\n"


@pytest.mark.parametrize(
    "case", [case for case in SIGNING if not case["expected_signature_header_value"]], ids=lambda case: case["id"]
)
def test_opendkim_refuses_to_sign(case: Case) -> None:
    """An unreadable key, one of 512 bits, an identity outside the signing domain."""
    if case["id"] == INVALID_IDENTITY_CASE:
        message = parse_message(normalise_line_ends(read("opendkim", case["message"])))
        request = SignatureRequest(
            algorithm=RSA_SHA1, signing_domain="sendmail.com", selector="test", signed_fields=("From",), identity="@x.y"
        )
        with pytest.raises(SigningError, match="i="):
            write_signature(message, SignedContent(message), request, lambda _: b"")
        return
    pem = SMALL_KEY if case["id"] == SMALL_KEY_CASE else b"-----BEGIN RSA PRIVATE KEY-----\nno\n"
    with pytest.raises(SigningError):
        load_signing_key(case["domain"], case["selector"], pem)


SMALL_KEY = b"""-----BEGIN PRIVATE KEY-----
MIIBVAIBADANBgkqhkiG9w0BAQEFAASCAT4wggE6AgEAAkEAqbX9xVS7Mptoa0Hc
n5rdWkcm6p95bon6CFgX9XVCAtEWemxA+o3Eei91eegvWdJr5m9oIDCiv98a8FMF
fr+mbwIDAQABAkAZXf6ktFmW4uvkvF+B6+ASUnhasaOxBia9gI10PyayzNfB+iuH
T5C68W9yOP+qIhVApItLs4cGlZIhCzMKhdmhAiEA0zGq3mkduXDp3UtTpI38vFRF
rHu5zFdNu7QTH0RHUpUCIQDNt0zlgjMZgCxW9m9HgADE7cqBaVRgBcTjS8pMT8V3
8wIhAJjm5KaRxAt2TFsDJlOE2O4gtTDjgukGbCjxfsasUFbhAiA/CgO7dQmZr+hm
gcAaBgS2VDQxMgjUIBB0or4MYomdtwIgRSwSAGauqGZwBf4Fcii7vwUmI7yBhH4i
HtkFcH0Gnmw=
-----END PRIVATE KEY-----
"""
"""An RSA key of 512 bits, made for this test."""

# --- mail-dkim ---------------------------------------------------------------------------------------------

MAIL_DKIM: list[Case] = json.loads(vectors("dkim", "mail-dkim", "expectations.json").read_text("utf-8"))


def fake_dns() -> Zone:
    zone: dict[str, dict[str, list[str] | str]] = {}
    for line in read("mail-dkim", "FAKE_DNS.dat").decode("utf-8").splitlines():
        name, _, text = line.partition(" ")
        text = text.strip()
        if not name or name.startswith("#") or text == "NXDOMAIN":
            continue
        if text.startswith("~~"):
            zone[name] = {"TXT": "TIMEOUT" if "timed out" in text else "SERVFAIL"}
        else:
            zone[name] = {"TXT": ["" if text == '""' else text]}
    return zone


def mail_dkim_words(case: Case) -> tuple[ResultWord, ...]:
    """What RFC 6376 with RFC 8301 makes of a case of a suite that also knows drafts and DomainKeys (RFC 4870)."""
    if case["signature_class"] == "domainkeys-rfc4870":
        return (ResultWord.NONE,)
    if case["signature_class"] == "pre-rfc-draft" or "rsa-sha1" in case["algorithms"]:
        return (ResultWord.PERMERROR,)
    return {
        "pass": (ResultWord.PASS,),
        "fail": (ResultWord.FAIL,),
        "invalid": (ResultWord.PERMERROR, ResultWord.TEMPERROR),
    }[case["upstream_expected"]]


@pytest.mark.parametrize("case", MAIL_DKIM, ids=lambda case: case["file"])
def test_mail_dkim(case: Case) -> None:
    result = judge(read("mail-dkim", case["file"]), fake_dns())
    assert result.result in mail_dkim_words(case), result.reason


def test_mail_dkim_keeps_some_cases_of_today() -> None:
    words = [mail_dkim_words(case) for case in MAIL_DKIM]
    assert len(words) == 79
    assert words.count((ResultWord.PASS,)) == 1
    assert words.count((ResultWord.FAIL,)) == 2


# --- examples of the RFCs, and real mail with its keys -----------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("001.txt", [ResultWord.PASS, ResultWord.PASS]),
        ("002.txt", [ResultWord.PASS]),
        ("003.txt", [ResultWord.PASS, ResultWord.PASS]),
        ("004.txt", [ResultWord.PASS]),
        ("005.txt", [ResultWord.PERMERROR]),
        ("006.txt", [ResultWord.PASS]),
    ],
)
def test_mail_auth(name: str, expected: list[ResultWord]) -> None:
    """001 is RFC 8463's example, 002 RFC 6376's; 005 has expired."""
    keys, _, raw = read("mail-auth", name).partition(b"\n\n")
    entries = (line.split(" ", 1) for line in keys.decode("utf-8").splitlines())
    result = judge(raw, {key: {"TXT": [text.strip()]} for key, text in entries})
    assert result.evidence is not None
    assert [signature.result for signature in result.evidence.signatures] == expected


ED25519_EXAMPLE = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


def rfc8463_zone(rsa_record: str) -> Zone:
    return {
        "brisbane._domainkey.football.example.com": {"TXT": [ED25519_EXAMPLE]},
        "test._domainkey.football.example.com": {"TXT": [rsa_record]},
    }


@pytest.mark.parametrize("name", ["rfc6376.signed.msg", "rfc6376.signed.rsa.msg"])
@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("test.txt", ResultWord.PASS),
        ("test2.txt", ResultWord.PASS),
        ("1024_testkey_wo_markers.pub.txt", ResultWord.FAIL),
        ("badversion.txt", ResultWord.PERMERROR),
        ("badk.txt", ResultWord.PERMERROR),
        ("test_bad.txt", ResultWord.PERMERROR),
        ("test_tlsrpt.txt", ResultWord.PERMERROR),
    ],
)
def test_dkimpy_messages_under_its_key_records(name: str, record: str, expected: ResultWord) -> None:
    zone = rfc8463_zone(read("dkimpy", record).decode("ascii").strip())
    result = judge(read("dkimpy", name), zone)
    assert result.evidence is not None
    rsa = [one for one in result.evidence.signatures if one.algorithm == "rsa-sha256"]
    assert [one.result for one in rsa] == [expected], rsa


def test_a_message_whose_signature_was_edited() -> None:
    """dkimpy's message without `t=` was changed after it was signed."""
    zone = rfc8463_zone(read("dkimpy", "test.txt").decode("ascii").strip())
    assert judge(read("dkimpy", "rfc6376.signed.no_t.msg"), zone).result is ResultWord.FAIL


def pem_record(name: str) -> str:
    key = load_pem_public_key(read("rfc8463", name))
    assert isinstance(key, RSAPublicKey)
    text = read("rfc8463", name).decode("ascii")
    return "v=DKIM1; p=" + "".join(line for line in text.splitlines() if "-----" not in line)


@pytest.mark.parametrize("name", ["gmail.msg", "multipart-no-end-boundary.msg", "related.msg"])
def test_mail_from_gmail(name: str) -> None:
    zone: Zone = {"20120113._domainkey.gmail.com": {"TXT": [pem_record("gmail.pub")]}}
    assert judge(read("rfc8463", name), zone).result is ResultWord.PASS


def test_rfc_8463_example_as_mimekit_has_it() -> None:
    zone = rfc8463_zone(read("dkimpy", "test.txt").decode("ascii").strip())
    result = judge(read("rfc8463", "rfc8463-example.msg"), zone)
    assert result.evidence is not None
    assert [one.result for one in result.evidence.signatures] == [ResultWord.PASS, ResultWord.PASS]
