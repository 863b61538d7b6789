"""The DKIM check: every rule of verification, seen from outside."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import timedelta

import pytest

from postern.authres.reading import read_results
from postern.authres.writing import write_results
from postern.checks import dkim
from postern.checks.dkim import DkimPolicy
from postern.contract import Required
from postern.dkim.canonical import Canonicalization
from postern.dkim.verification import MAX_SIGNATURES
from postern.evidence import DkimEvidence, DkimSignature
from postern.line_ends import normalise_line_ends
from postern.message import parse_message
from postern.model import CheckResult, ResultWord
from postern.result_size import MAX_RESULT_OCTETS, size_of
from postern.runner import RecordingResolver
from postern.wire import from_json, to_json
from postern.zone import Zone, ZoneResolver
from tests.signing import (
    DOMAIN,
    FIELDS,
    MESSAGE,
    record_of,
    signature_of,
    signed,
    signed_by_all,
    signing_key,
    zone_of,
)
from tests.transactions import RECEIVED_AT, make_transaction

KEY = signing_key()
ZONE = zone_of(KEY)
NAME = "s1._domainkey.example.com"
NOW = int(RECEIVED_AT.timestamp())


def judge(raw: bytes, zone: Zone = ZONE, policy: DkimPolicy | None = None) -> CheckResult[DkimEvidence]:
    return dkim.evaluate(
        make_transaction(),
        policy=policy or DkimPolicy(),
        required=Required({}),
        resolver=ZoneResolver(zone),
        message=parse_message(raw),
    )


def signatures(result: CheckResult[DkimEvidence]) -> tuple[DkimSignature, ...]:
    assert result.evidence is not None
    return result.evidence.signatures


def symbols(result: CheckResult[DkimEvidence]) -> list[str]:
    return [finding.symbol for finding in result.findings]


# --- what passes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", Canonicalization)
@pytest.mark.parametrize("body", Canonicalization)
@pytest.mark.parametrize("ed25519", [False, True])
def test_all_canonicalizations_and_keys(header: Canonicalization, body: Canonicalization, *, ed25519: bool) -> None:
    key = signing_key(ed25519=ed25519)
    result = judge(signed(MESSAGE, key, header_method=header, body_method=body), zone_of(key))
    assert result.result is ResultWord.PASS
    assert symbols(result) == ["DKIM_PASS"]
    (signature,) = signatures(result)
    assert (signature.signing_domain, signature.selector, signature.identity) == (DOMAIN, "s1", "@example.com")
    assert signature.key_bits == (256 if ed25519 else 1024)
    assert signature.signed_fields == ("from", "to", "subject")


def test_an_unsigned_message() -> None:
    result = judge(MESSAGE)
    assert (result.result, symbols(result)) == (ResultWord.NONE, ["DKIM_NONE"])
    assert [method.result for method in result.methods] == [ResultWord.NONE]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Subject: hello\r\n\tworld", b"SUBJECT:   hello\r\n    world  "),
        (b"\nSubject:", b"\nSubject  \t:"),
        (b"To: ann", b"X-New: 1\r\nTo: ann"),
        (b"This  is the body. \r\n\r\n", b"This is\tthe body.\r\n\r\n\r\n\r\n"),
    ],
)
def test_what_relaxed_allows(old: bytes, new: bytes) -> None:
    assert judge(signed().replace(old, new)).result is ResultWord.PASS


def test_normalised_line_ends_verify() -> None:
    assert judge(normalise_line_ends(signed().replace(b"\r\n", b"\n"))).result is ResultWord.PASS


@pytest.mark.parametrize("body", [b"", b"\r\n", b"no line end", b"  \r\n\r\n"])
def test_odd_bodies(body: bytes) -> None:
    raw = MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body
    for method in Canonicalization:
        assert judge(signed(raw, body_method=method)).result is ResultWord.PASS


def test_a_header_that_is_the_whole_message() -> None:
    raw = b"To: ann@receiver.example\r\nFrom: bob@example.com"
    assert judge(signed(raw, signed_fields=("From", "To"))).result is ResultWord.PASS


def test_of_several_fields_the_lowest_is_signed_first() -> None:
    raw = b"Received: b\r\nReceived: a\r\n" + MESSAGE
    message = signed(raw, signed_fields=("From", "Received"))
    assert judge(message.replace(b"Received: b", b"Received: changed")).result is ResultWord.PASS
    assert judge(message.replace(b"Received: a", b"Received: changed")).result is ResultWord.FAIL


def test_a_signature_can_cover_another_but_not_itself() -> None:
    first = signed(MESSAGE)
    other = signing_key("s2")
    both = signature_of(first, other, signed_fields=("From", "DKIM-Signature")) + first
    zone = {**ZONE, **zone_of(other)}
    assert [one.result for one in signatures(judge(both, zone))] == [ResultWord.PASS, ResultWord.PASS]
    changed = both.replace(b"s=s1", b"s=S1", 1)
    assert [one.result for one in signatures(judge(changed, zone))] == [ResultWord.FAIL, ResultWord.FAIL]


# --- what fails --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"hello", b"Hello"),
        (b"the body", b"a body"),
        (b"Subject: hello\r\n\tworld\r\n", b""),
        (b"bob@example.com", b"eve@example.com"),
    ],
)
def test_a_changed_message_fails(old: bytes, new: bytes) -> None:
    result = judge(signed().replace(old, new))
    assert (result.result, symbols(result)) == (ResultWord.FAIL, ["DKIM_FAIL"])


@pytest.mark.parametrize("name", [b"From", b"Subject", b"To"])
def test_an_oversigned_field_cannot_be_added(name: bytes) -> None:
    message = signed(MESSAGE, signed_fields=(*FIELDS, "From", "Subject", "To"))
    assert judge(message).result is ResultWord.PASS
    assert judge(name + b": x\r\n" + message).result is ResultWord.FAIL
    assert judge(message.replace(b"\r\n\r\n", b"\r\n" + name + b" : x\r\n\r\n", 1)).result is ResultWord.FAIL


def test_a_failing_signature_of_a_domain_in_test_mode_is_not_held_against_it() -> None:
    result = judge(signed().replace(b"hello", b"Hello"), zone_of(KEY, tags="t=y:s; "))
    assert (result.result, symbols(result)) == (ResultWord.FAIL, ["DKIM_TESTING"])
    assert signatures(result)[0].testing


# --- what cannot be checked --------------------------------------------------------------------------------


def edited(old: bytes, new: bytes) -> bytes:
    """A signed message whose signature field was edited before anybody saw it."""
    raw = signed(MESSAGE, signed_at=NOW - 10, margin=0)
    field, rest = raw.split(b"\r\n", 1)
    assert old in field
    return field.replace(old, new, 1) + b"\r\n" + rest


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"v=1;", b"", "v= is missing"),
        (b"v=1;", b"v=2;", "unknown version"),
        (b"v=1;", b"v=1; v=1;", "a tag occurs twice"),
        (b"v=1;", b"v=1; ; ", "not a list"),
        (b"a=rsa-sha256", b"a=rsa-sha512", "unknown algorithm"),
        (b"a=rsa-sha256", b"a=rsa-sha1", "no longer accepted"),
        (b"c=relaxed/", b"c=nofws/", "unknown canonicalization"),
        (b"d=example.com", b"d=exa mple.com", "the domain is malformed"),
        (b"d=example.com", b"d=", "the domain is malformed"),
        (b"s=s1", b"s=a..b", "the selector is malformed"),
        (b"d=example.com", b"d=example.com; i=@other.example", "i= is not within d="),
        (b"d=example.com", b"d=example.com; i=@badexample.com", "i= is not within d="),
        (b"d=example.com", b"d=example.com; i=example.com", "i= is not within d="),
        (b"d=example.com", b"d=example.com; q=dns/special", "unknown query method"),
        (b"d=example.com", b"d=example.com; l=-1", "l= is not a number"),
        (b"d=example.com", b"d=example.com; l=9999", "shorter than l="),
        (b"d=example.com", f"d=example.com; x={NOW - 1}".encode(), "expired"),
        (b"d=example.com", f"d=example.com; x={NOW - 20}".encode(), "expires before it was made"),
        (b"d=example.com", b"d=example.com; x=soon", "x= is not a number"),
        (b"h=From:", b"h=", "From is not signed"),
        (b"h=From:", b"h=From::", "list of signed fields"),
        (b"h=From:To:Subject:Date:Message-ID;", b"h=;", "list of signed fields"),
        (b"h=From:To:Subject:Date:Message-ID;", b"", "h= is missing"),
        (b"bh=", b"bh=!", "bh= is not base64"),
        (b"b=", b"b=!", "b= is not base64"),
        (b"d=example.com", b"d=example.com; x\xff=1", "neither ASCII nor UTF-8"),
        (b"d=example.com", b"d=example.com; n=\0", "not allowed"),
        (b"d=example.com", b"d=example.com; n=" + b"x" * 70_000, "too long"),
    ],
)
def test_a_signature_that_cannot_be_checked(old: bytes, new: bytes, reason: str) -> None:
    result = judge(edited(old, new))
    assert result.result is ResultWord.PERMERROR
    assert reason in result.reason
    assert symbols(result)[0] == "DKIM_PERMERROR"


def test_a_signature_dated_ahead_is_refused_but_a_wrong_time_zone_is_not() -> None:
    day = int(timedelta(days=1).total_seconds())
    assert judge(signed(MESSAGE, signed_at=NOW + day - 60)).result is ResultWord.PASS
    assert judge(signed(MESSAGE, signed_at=NOW + day + 60)).result is ResultWord.PERMERROR


def test_expiry_counts_to_the_second_and_may_be_far_away() -> None:
    assert judge(signed(MESSAGE, expires_at=NOW)).result is ResultWord.PASS
    assert judge(signed(MESSAGE, expires_at=10**70)).result is ResultWord.PASS


# --- keys --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "word", "reason"),
    [
        ([], ResultWord.PERMERROR, "no key"),
        (["v=spf1 -all"], ResultWord.PERMERROR, "key record"),
        ([record_of(KEY).replace("v=DKIM1", "v=DKIM2")], ResultWord.PERMERROR, "unknown version"),
        (["k=rsa; " + record_of(KEY)], ResultWord.PERMERROR, "unknown version"),
        (["v=DKIM1; p="], ResultWord.PERMERROR, "revoked"),
        (["v=DKIM1; k=rsa"], ResultWord.PERMERROR, "no key"),
        (["v=DKIM1; p=!!"], ResultWord.PERMERROR, "not base64"),
        (["v=DKIM1; p=AAAA"], ResultWord.PERMERROR, "malformed"),
        ([record_of(KEY, "k=ed25519; ")], ResultWord.PERMERROR, "another type"),
        ([record_of(KEY, "k=dsa; ")], ResultWord.PERMERROR, "another type"),
        ([record_of(KEY, "h=sha1; ")], ResultWord.PERMERROR, "hash"),
        ([record_of(KEY, "s=tlsrpt; ")], ResultWord.PERMERROR, "not for mail"),
        ([record_of(KEY, "h=sha1:sha256; s=tlsrpt:email; t=; n=n; g=*; unknown=1; ")], ResultWord.PASS, ""),
        ([record_of(KEY, "s=*; ")], ResultWord.PASS, ""),
        ([record_of(KEY).removeprefix("v=DKIM1; ")], ResultWord.PASS, ""),
        (["v=spf1 -all", record_of(signing_key(ed25519=True)), record_of(KEY)], ResultWord.PASS, ""),
    ],
)
def test_key_records(records: list[str], word: ResultWord, reason: str) -> None:
    result = judge(signed(), {NAME: {"TXT": records}})
    assert result.result is word
    assert reason in result.reason


@pytest.mark.parametrize("trouble", ["TIMEOUT", "SERVFAIL"])
def test_trouble_with_the_dns_is_temporary(trouble: str) -> None:
    result = judge(signed(), {NAME: {"TXT": trouble}})
    assert (result.result, symbols(result)) == (ResultWord.TEMPERROR, ["DKIM_TEMPERROR"])


def test_a_strict_key_allows_no_identity_below_the_domain() -> None:
    raw = signed(MESSAGE, identity="bob@mail.example.com")
    assert judge(raw).result is ResultWord.PASS
    assert judge(raw, zone_of(KEY, tags="t=s; ")).result is ResultWord.PERMERROR
    same = signed(MESSAGE, identity="bob@EXAMPLE.com")
    assert judge(same, zone_of(KEY, tags="t=s; ")).result is ResultWord.PASS


def test_the_keys_of_all_signatures_are_asked_together_and_once() -> None:
    keys = [signing_key("a"), signing_key("b"), signing_key("a")]
    resolver = Batches(zone_of(*keys))
    result = dkim.evaluate(
        make_transaction(),
        policy=DkimPolicy(),
        required=Required({}),
        resolver=resolver,
        message=parse_message(signed_by_all(MESSAGE, keys)),
    )
    assert [one.result for one in signatures(result)] == [ResultWord.PASS] * 3
    assert resolver.batches == [["a._domainkey.example.com", "b._domainkey.example.com"]]


class Batches(RecordingResolver):
    """Remembers which questions were asked together."""

    def __init__(self, zone: Mapping[str, Mapping[str, list[str] | str]]) -> None:
        super().__init__(ZoneResolver(zone))
        self.batches: list[list[str]] = []

    def query_all(self, questions):  # type: ignore[no-untyped-def]
        self.batches.append([question.name for question in questions])
        return super().query_all(questions)


def test_only_so_many_signatures_are_looked_at() -> None:
    keys = [signing_key(f"s{number}") for number in range(MAX_SIGNATURES + 2)]
    result = judge(signed_by_all(MESSAGE, keys), zone_of(*keys))
    assert len(signatures(result)) == MAX_SIGNATURES
    assert "DKIM_MANY_SIGNATURES" in symbols(result)


# --- body length -------------------------------------------------------------------------------------------


def test_what_a_length_leaves_unsigned_is_told() -> None:
    raw = signed(MESSAGE, with_length=True)
    assert symbols(judge(raw)) == ["DKIM_PASS"]
    result = judge(raw + b"Buy now!\r\n")
    assert (result.result, symbols(result)) == (ResultWord.PASS, ["DKIM_PASS", "DKIM_BODY_UNSIGNED"])
    assert signatures(result)[0].unsigned_octets == len(b"\r\nBuy now!\r\n")


def test_policy_can_refuse_partly_signed_bodies() -> None:
    result = judge(signed(MESSAGE, with_length=True) + b"Buy now!\r\n", policy=DkimPolicy(accept_partial_body=False))
    assert (result.result, symbols(result)) == (ResultWord.POLICY, ["DKIM_POLICY"])
    assert result.evidence is not None
    assert result.evidence.passing_domains() == ()


# --- several signatures ------------------------------------------------------------------------------------


def test_one_good_signature_is_enough() -> None:
    good, bad = signing_key("good"), signing_key("bad")
    raw = signature_of(MESSAGE.replace(b"hello", b"bye"), bad) + signed(MESSAGE, good)
    result = judge(raw, zone_of(good, bad))
    assert result.result is ResultWord.PASS
    assert [one.result for one in signatures(result)] == [ResultWord.FAIL, ResultWord.PASS]
    assert [method.result for method in result.methods] == [ResultWord.FAIL, ResultWord.PASS]


def test_a_key_that_could_not_be_asked_outweighs_a_failure() -> None:
    one, other = signing_key("one"), signing_key("other")
    raw = signed_by_all(MESSAGE, [one, other]).replace(b"hello", b"bye")
    zone: Zone = {**zone_of(one), "other._domainkey.example.com": {"TXT": "TIMEOUT"}}
    assert judge(raw, zone).result is ResultWord.TEMPERROR


# --- what is written ---------------------------------------------------------------------------------------


def test_methods_and_properties_name_the_signature() -> None:
    result = judge(signed(MESSAGE, identity="bob@example.com"))
    (method,) = result.methods
    named = dict(method.properties)
    assert named["header.d"] == DOMAIN
    assert named["header.i"] == "bob@example.com"
    assert (named["header.s"], named["header.a"], len(named["header.b"])) == ("s1", "rsa-sha256", 8)
    entries = result.properties["signatures"]
    assert isinstance(entries, list)
    (entry,) = entries
    assert entry["domain"] == DOMAIN
    assert entry["result"] == "pass"


def test_signatures_that_begin_alike_are_told_apart() -> None:
    first = edited(b"b=", b"b=AAAAAAAAAAAA").split(b"\r\n", 1)[0]
    second = edited(b"b=", b"b=AAAAAAAABBBB")
    prefixes = [one.signature_prefix for one in signatures(judge(first + b"\r\n" + second))]
    assert len(set(prefixes)) == 2
    assert all(len(prefix) > 8 for prefix in prefixes)


HOSTILE = (
    b"example.com; dkim=pass header.d=bank.example",
    b"a\r\n b; spf=pass",
    b'"; dkim=pass',
    "\N{LATIN SMALL LETTER E WITH ACUTE}\u202e.example".encode(),
    b"(comment",
    b"x" * 5_000,
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("tag", [b"d", b"s", b"i", b"a", b"b"])
def test_nothing_a_sender_writes_reaches_the_results(tag: bytes, text: bytes) -> None:
    raw = b"DKIM-Signature: v=1; " + tag + b"=" + text + b"\r\n" + MESSAGE
    result = judge(raw)
    read = read_results(write_results("mx.example", result.methods))
    assert read is not None
    assert [(one.method, one.result) for one in read.results] == [("dkim", "permerror")]


def test_the_result_stays_small_whatever_is_signed() -> None:
    domain = ".".join(["d" * 60] * 3)
    keys = [signing_key("s" * 55, domain)] * MAX_SIGNATURES
    names = tuple(f"X-{number:060}" for number in range(200))
    fields = b"".join(
        signature_of(
            MESSAGE,
            key,
            signed_fields=(*FIELDS, "Sender", "Reply-To", "VBR-Info", *names),
            identity=f"{'l' * 300}@{domain}",
        )
        for key in keys
    )
    result = judge(fields + MESSAGE, zone_of(*keys))
    assert result.result is ResultWord.PASS
    assert size_of(result) - size_of(result.properties) <= MAX_RESULT_OCTETS


def test_evidence_survives_the_wire() -> None:
    result = judge(signed())
    assert from_json(CheckResult, to_json(result), evidence=DkimEvidence).evidence == result.evidence


def test_any_octets_give_a_result() -> None:
    chance = random.Random(20261122)  # noqa: S311 - chooses octets to change
    raw = bytearray(signed())
    for _ in range(300):
        mutated = bytearray(raw)
        for _ in range(chance.randrange(1, 6)):
            mutated[chance.randrange(len(mutated))] = chance.randrange(256)
        assert judge(bytes(mutated)).result in ResultWord
