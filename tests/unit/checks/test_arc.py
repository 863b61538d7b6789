"""The ARC check: chains that hold, chains that do not, and what is told about the sealers."""

from __future__ import annotations

import random

import pytest

from postern.checks import arc
from postern.contract import Required
from postern.evidence import ArcEvidence, ArcSeal
from postern.message import parse_message
from postern.model import CheckResult, ResultWord
from postern.result_size import MAX_RESULT_OCTETS, size_of
from postern.wire import from_json, to_json
from postern.zone import Zone, ZoneResolver
from tests.sealing import seal
from tests.signing import MESSAGE, signing_key, zone_of
from tests.transactions import make_transaction

LISTS, RELAY = signing_key("l1", "lists.example"), signing_key("r1", "relay.example", ed25519=True)
ZONE = zone_of(LISTS, RELAY)
PASSED = "dkim=pass header.d=example.com; dmarc=pass header.from=Example.COM"


def judge(raw: bytes, zone: Zone = ZONE) -> CheckResult[ArcEvidence]:
    return arc.evaluate(
        make_transaction(),
        policy=arc.ArcPolicy(),
        required=Required({}),
        resolver=ZoneResolver(zone),
        message=parse_message(raw),
    )


def evidence(result: CheckResult[ArcEvidence]) -> ArcEvidence:
    assert result.evidence is not None
    return result.evidence


def test_no_chain() -> None:
    result = judge(MESSAGE)
    assert (result.result, result.findings[0].symbol) == (ResultWord.NONE, "ARC_NONE")


def test_a_chain_of_two_names_its_sealers_latest_first() -> None:
    result = judge(seal(seal(MESSAGE, LISTS, 1, PASSED), RELAY, 2, "arc=pass; dmarc=fail header.from=example.com"))
    assert (result.result, result.findings[0].symbol) == (ResultWord.PASS, "ARC_PASS")
    assert evidence(result) == ArcEvidence(
        ResultWord.PASS,
        (ArcSeal(2, "relay.example", "r1"), ArcSeal(1, "lists.example", "l1", "example.com")),
        oldest_pass=0,
        whole=True,
    )
    assert result.methods[0].properties == (("header.oldest-pass", "0"),)


def test_the_oldest_signature_that_holds_is_told() -> None:
    changed = seal(MESSAGE, LISTS, 1).replace(b"hello", b"[list] hello")
    assert evidence(judge(seal(changed, RELAY, 2))).oldest_pass == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"hello", b"goodbye"),
        (b"the body", b"a body"),
        (b"dmarc=pass", b"dmarc=fail"),
        (b"cv=none", b"cv=pass"),
        (b"cv=none", b"cv=fail"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=2"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=x"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=0"),
        (b"ARC-Seal:", b"X-Seal:"),
        (b"a=rsa-sha256; cv", b"a=rsa-sha1; cv"),
        (b"cv=none; d=", b"cv=none; h=from; d="),
        (b"h=from:", b"h=from:arc-seal:"),
        (b"ARC-Authentication-Results: i=1;", b"ARC-Authentication-Results:"),
        (b"cv=none", b"cv=none; cv=none"),
    ],
)
def test_a_chain_that_was_touched_fails(old: bytes, new: bytes) -> None:
    raw = seal(MESSAGE, LISTS, 1, PASSED)
    assert old in raw
    assert judge(raw.replace(old, new, 1)).result is ResultWord.FAIL


def test_a_set_twice_a_set_missing_and_too_many_sets_fail() -> None:
    one = seal(MESSAGE, LISTS, 1)
    doubled = one[: one.index(b"\r\n") + 2] + one
    assert judge(doubled).result is ResultWord.FAIL
    assert judge(seal(MESSAGE, LISTS, 1).replace(b"i=1", b"i=2")).result is ResultWord.FAIL
    many = b"".join(b"ARC-Seal: i=%d; cv=pass\r\n" % number for number in range(1, 60))
    assert judge(many + MESSAGE).reason == "too many ARC sets"


def test_a_link_that_calls_the_chain_broken_breaks_it() -> None:
    assert judge(seal(seal(MESSAGE, LISTS, 1), RELAY, 2, chain="fail")).result is ResultWord.FAIL


@pytest.mark.parametrize(
    ("record", "word"),
    [("TIMEOUT", ResultWord.TEMPERROR), ("SERVFAIL", ResultWord.TEMPERROR), (["v=DKIM1; p="], ResultWord.FAIL)],
)
def test_keys(record: list[str] | str, word: ResultWord) -> None:
    zone: Zone = {"l1._domainkey.lists.example": {"TXT": record}}
    assert judge(seal(MESSAGE, LISTS, 1), zone).result is word


@pytest.mark.parametrize(("names", "extra"), [("to:subject", ""), ("from:to", "l=4; ")])
def test_a_signature_of_less_than_author_and_body_is_told(names: str, extra: str) -> None:
    result = judge(seal(MESSAGE, LISTS, 1, names=names, extra=extra))
    assert (result.result, evidence(result).whole) == (ResultWord.PASS, False)


@pytest.mark.parametrize(
    "results",
    [
        "dmarc=fail header.from=example.com",
        "dmarc=pass",
        "dmarc=pass header.from=example.com; dmarc=fail header.from=example.com",
        "dmarc=pass header.from=(",
        "spf=pass smtp.mailfrom=example.com",
    ],
)
def test_only_a_clear_dmarc_pass_counts(results: str) -> None:
    (one,) = evidence(judge(seal(MESSAGE, LISTS, 1, results))).seals
    assert one.dmarc_passed_for == ""


def test_fifty_sets_stay_small_and_survive_the_wire() -> None:
    raw = MESSAGE
    for instance in range(1, 51):
        raw = seal(raw, RELAY, instance, f"dmarc=pass header.from={'a' * 60}.example")
    result = judge(raw)
    assert result.result is ResultWord.PASS
    assert size_of(result) <= MAX_RESULT_OCTETS
    assert from_json(CheckResult, to_json(result), evidence=ArcEvidence).evidence == result.evidence


def test_any_octets_give_a_result() -> None:
    chance = random.Random(20261122)  # noqa: S311 - chooses octets to change
    raw = seal(seal(MESSAGE, LISTS, 1, PASSED), RELAY, 2)
    for _ in range(300):
        mutated = bytearray(raw)
        for _ in range(chance.randrange(1, 6)):
            mutated[chance.randrange(len(mutated))] = chance.randrange(256)
        assert judge(bytes(mutated)).result in ResultWord
