"""The IP shield: who may use a shielded domain, what lifts the shield, and what an entry enforces."""

from __future__ import annotations

from typing import Any

import pytest

from postern import replies
from postern.checks.ip_shield import IpShieldPolicy, LocalReversePath, ShieldEntry, evaluate
from postern.contract import Required
from postern.evidence import DkimEvidence, DkimSignature, SpfEvidence, SpfIdentity
from postern.message import parse_message
from postern.model import CheckResult, ResultWord
from tests.transactions import make_transaction

MAIL = parse_message(b"From: ann@example.com\r\nSubject: x\r\n\r\nx\r\n")
OURS = ("example.com", "receiver.example")
PARTNER = ShieldEntry(domain="partner.example", networks=("198.51.100.0/24",), enforce=True)
BELOW = ShieldEntry(domain="*.partner.example", networks=("2001:db8::/32",))


def judged(
    reverse_path: str | None, client_ip: str | None, *results: CheckResult[Any], **policy: Any
) -> tuple[str, ...]:
    settings = IpShieldPolicy(**({"local_reverse_path": LocalReversePath.OBSERVE} | policy))
    required = Required({one.check_id: one for one in results})
    found = evaluate(
        make_transaction(client_ip=client_ip, mail_from=reverse_path, local_domains=OURS),
        policy=settings,
        required=required,
        message=MAIL,
    )
    return (found.result.value, *(finding.symbol for finding in found.findings), *("refused" for _ in found.proposals))


def spf(domain: str, word: ResultWord = ResultWord.PASS) -> CheckResult[SpfEvidence]:
    return CheckResult("spf", word, evidence=SpfEvidence(SpfIdentity(domain, word)))


def dkim(domain: str, word: ResultWord = ResultWord.PASS) -> CheckResult[DkimEvidence]:
    return CheckResult("dkim", word, evidence=DkimEvidence((DkimSignature(domain, "s1", word),)))


@pytest.mark.parametrize(
    ("reverse_path", "client_ip", "expected"),
    [
        ("ann@example.com", "203.0.113.9", ("fail", "SHIELD_VIOLATION")),
        ("ann@EXAMPLE.com", "203.0.113.9", ("fail", "SHIELD_VIOLATION")),
        ("ann@example.com", "10.1.2.3", ("pass", "SHIELD_HONOURED")),
        ("ann@example.com", "fd00::1", ("pass", "SHIELD_HONOURED")),
        ("bob@sender.example", "203.0.113.9", ("none",)),
        ("ann@example.com.evil.example", "203.0.113.9", ("none",)),
        (None, "203.0.113.9", ("none",)),
        ("ann@example.com", None, ("none",)),
    ],
)
def test_our_own_domains_are_shielded_by_default(reverse_path: str, client_ip: str, expected: tuple[str, ...]) -> None:
    assert judged(reverse_path, client_ip) == expected


@pytest.mark.parametrize(
    ("reverse_path", "client_ip", "expected"),
    [
        ("a@partner.example", "198.51.100.7", ("pass", "SHIELD_HONOURED")),
        ("a@partner.example", "198.51.101.7", ("fail", "SHIELD_VIOLATION", "refused")),
        ("a@mail.partner.example", "198.51.100.7", ("fail", "SHIELD_VIOLATION")),
        ("a@mail.partner.example", "2001:db8::1", ("pass", "SHIELD_HONOURED")),
        ("a@notpartner.example", "198.51.101.7", ("none",)),
    ],
)
def test_an_entry_is_enforced_or_scored_by_itself(reverse_path: str, client_ip: str, expected: tuple[str, ...]) -> None:
    assert judged(reverse_path, client_ip, entries=(PARTNER, BELOW)) == expected


@pytest.mark.parametrize(
    ("proof", "lifted"),
    [
        (spf("example.com"), True),
        (spf("other.example"), False),
        (spf("example.com", ResultWord.SOFTFAIL), False),
        (dkim("example.com"), True),
        (dkim("lists.example.com"), True),
        (dkim("com"), False),
        (dkim("example.com", ResultWord.FAIL), False),
        (dkim("badexample.com"), False),
    ],
)
def test_an_aligned_pass_lifts_the_shield(proof: CheckResult[Any], lifted: bool) -> None:
    expected = ("pass", "SHIELD_BYPASSED") if lifted else ("fail", "SHIELD_VIOLATION")
    assert judged("ann@example.com", "203.0.113.9", proof) == expected
    assert judged("ann@example.com", "203.0.113.9", proof, bypass_aligned=False)[0] == "fail"


def test_the_author_is_held_to_the_entries_only_on_demand() -> None:
    assert judged("bounce@lists.example", "203.0.113.9") == ("none",)
    assert judged("bounce@lists.example", "203.0.113.9", check_author=True) == ("fail", "SHIELD_AUTHOR_VIOLATION")


def test_mail_to_local_recipients_can_be_spared() -> None:
    assert judged("ann@example.com", "203.0.113.9", bypass_local_recipients=True) == ("none",)
    relayed = make_transaction(mail_from="ann@example.com", rcpt_to=("x@elsewhere.example",), local_domains=OURS)
    policy = IpShieldPolicy(bypass_local_recipients=True)
    assert evaluate(relayed, policy=policy, required=Required({}), message=MAIL).result is ResultWord.FAIL


@pytest.mark.parametrize(
    ("reverse_path", "client_ip", "proofs", "refused"),
    [
        ("ann@example.com", "203.0.113.9", (), True),
        ("ann@example.com", "203.0.113.9", (spf("example.com", ResultWord.FAIL), dkim("other.example")), True),
        ("ann@example.com", "203.0.113.9", (spf("example.com"),), False),
        ("ann@example.com", "203.0.113.9", (dkim("example.com"),), False),
        ("ann@example.com", "203.0.113.9", (spf("example.com", ResultWord.TEMPERROR),), False),
        ("ann@example.com", "10.1.2.3", (), False),
        ("bob@sender.example", "203.0.113.9", (), False),
        (None, "203.0.113.9", (), False),
    ],
)
def test_unproven_mail_from_outside_in_our_own_name_needs_a_login(
    reverse_path: str | None, client_ip: str, proofs: tuple[CheckResult[Any], ...], refused: bool
) -> None:
    strict = {"local_reverse_path": LocalReversePath.REQUIRE_AUTH}
    assert ("refused" in judged(reverse_path, client_ip, *proofs, **strict)) is refused
    assert ("refused" in judged(reverse_path, client_ip, *proofs, **strict, entries=())) is (
        refused or client_ip == "10.1.2.3"
    )
    assert "refused" not in judged(reverse_path, client_ip, *proofs)


def test_the_refusal_says_to_log_in() -> None:
    transaction = make_transaction(client_ip="203.0.113.9", mail_from="ann@example.com", local_domains=OURS)
    found = evaluate(transaction, policy=IpShieldPolicy(), required=Required({}), message=MAIL)
    assert [one.reply for one in found.proposals] == [replies.REVERSE_PATH_NEEDS_AUTH]
