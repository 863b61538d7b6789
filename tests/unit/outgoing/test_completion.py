"""What an accepted outgoing message gets: signatures of what leaves, a voucher under them, a tagged reverse-path."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from postern.backscatter.keys import KeyRing
from postern.backscatter.tags import TagResult, verify
from postern.dkim.signing import SigningKey
from postern.dkim.verification import verify_signatures
from postern.message import parse_message
from postern.model import Decision, Direction, Recipient, ResultWord, Route, Transaction
from postern.outgoing.completion import UNSIGNED, UNTAGGED, Completed, Completion
from postern.outgoing.resolution import policy_for
from postern.policy_book import PolicyBook
from postern.ports import Unavailable
from postern.stamping import stamp
from postern.verdict import conclude
from postern.zone import ZoneResolver
from tests.signing import MESSAGE, signing_key, zone_of
from tests.transactions import HOSTNAME, RECEIVED_AT, make_transaction

RSA, ED = signing_key("rsa"), signing_key("ed", ed25519=True)
BOB = "bob@example.com"
REMOTE = Recipient("carol@far.example", "carol@far.example", Route.REMOTE)
RELAYED = Recipient("carol@inner.example", "carol@inner.example", Route.RELAY)
LOCAL = Recipient("ann@example.com", "ann@example.com")
RING = KeyRing().rotated(b"k" * 32, RECEIVED_AT)
PROTECTED = {"backscatter": {"domains": [{"domain": "example.com", "signing_since": "2026-01-01"}]}}


@dataclass
class Keys:
    """Signing keys by domain, and those who asked; `broken` cannot be read."""

    known: dict[str, tuple[SigningKey, ...]] = field(default_factory=lambda: {"example.com": (RSA, ED)})
    broken: str = ""
    asked: list[str] = field(default_factory=list)

    def keys(self, domain: str) -> tuple[SigningKey, ...]:
        """The keys of a domain."""
        self.asked.append(domain)
        if domain == self.broken:
            raise Unavailable(f"{domain} is broken")
        return self.known.get(domain, ())


@dataclass
class Ring:
    """Keys of tags; `None` cannot be read."""

    keys: KeyRing | None = RING

    def ring(self) -> KeyRing:
        """They."""
        if self.keys is None:
            raise Unavailable("no keys")
        return self.keys


def outgoing(**changes: Any) -> Transaction:
    given: dict[str, Any] = {
        "mail_from": BOB,
        "authenticated_as": BOB,
        "recipients": (REMOTE, LOCAL),
        "local_domains": ("example.com", "other.example"),
    }
    return replace(make_transaction(**{**given, **changes}), direction=Direction.OUTBOUND)


def completed(
    raw: bytes = MESSAGE,
    transaction: Transaction | None = None,
    keys: Keys | None = None,
    ring: Ring | None = None,
    scopes: dict[str, Any] | None = None,
) -> Completed:
    transaction = transaction or outgoing()
    policy = policy_for(PolicyBook("1", scopes or {}), transaction)
    decision = conclude(transaction, {}, policy)
    return Completion(keys or Keys(), ring or Ring()).complete(decision, transaction, raw, policy)


def leaving(raw: bytes, decision: Decision) -> bytes:
    return stamp(raw, decision.headers, authserv_id=HOSTNAME).message


def verdicts(raw: bytes, *keys: SigningKey) -> list[ResultWord]:
    found = verify_signatures(parse_message(raw), ZoneResolver(zone_of(*keys)), RECEIVED_AT)
    return [one.result for one in found]


def names(one: Completed) -> list[str]:
    return [header.name for header in one.decision.headers]


def symbols(one: Completed) -> dict[str, str]:
    return {finding.symbol: finding.detail for finding in one.result.findings}


# --- signatures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        MESSAGE,
        b"X-Spam-Flag: YES\r\nReturn-Path: <x@y.example>\r\n" + MESSAGE,
        b"\r\n" + MESSAGE,
        MESSAGE.replace(b"Subject: hello\r\n\tworld", b"Subject: " + b"many words " * 120),
        MESSAGE + b"x" * 3_000 + b"\r\n\xc3\xa9 8 bit\r\n",
        b"Cc: a@far.example\r\nCc: b@far.example\r\nComments: 1\r\nComments: 2\r\n" + MESSAGE,
        MESSAGE.rstrip(),
    ],
)
def test_the_signatures_hold_for_the_octets_that_leave(raw: bytes) -> None:
    one = completed(raw)
    assert verdicts(leaving(raw, one.decision), RSA, ED) == [ResultWord.PASS, ResultWord.PASS]
    assert one.result.result is ResultWord.PASS
    assert one.result.properties["signatures"] == ["example.com/rsa rsa-sha256", "example.com/ed ed25519-sha256"]


def test_hundreds_of_fields_of_one_name_make_no_endless_signature() -> None:
    raw = b"".join(b"Cc: a%d@far.example\r\n" % at for at in range(400)) + MESSAGE
    one = completed(raw)
    assert verdicts(leaving(raw, one.decision), RSA, ED) == [ResultWord.PASS, ResultWord.PASS]
    assert all(len(header.value) < 2_000 for header in one.decision.headers)


def test_outgoing_mail_gets_no_opinion_of_ours() -> None:
    one = completed()
    assert names(one) == ["DKIM-Signature", "DKIM-Signature", "Received"]
    assert all(recipient.headers == () for recipient in one.decision.recipients)


@pytest.mark.parametrize("field_name", [b"Date", b"Message-ID"])
def test_what_ses_writes_anew_is_left_out_where_the_domain_sends_by_ses(field_name: bytes) -> None:
    one = completed(scopes={"domain:example.com": {"outgoing": {"route": "ses"}}})
    raw = leaving(MESSAGE, one.decision)
    start = raw.index(b"\n" + field_name + b":") + 1
    rewritten = raw[:start] + field_name + b": new\r\n" + raw[raw.index(b"\n", start) + 1 :]
    assert verdicts(rewritten, RSA, ED) == [ResultWord.PASS, ResultWord.PASS]


def test_the_nearest_domain_above_that_has_keys_signs() -> None:
    keys = Keys()
    raw = MESSAGE.replace(b"bob@example.com", b"bob@mail.sub.example.com")
    one = completed(raw, keys=keys)
    assert keys.asked == ["mail.sub.example.com", "example.com"]
    assert verdicts(leaving(raw, one.decision), RSA, ED) == [ResultWord.PASS, ResultWord.PASS]


def test_a_strangers_author_is_signed_for_by_the_domain_that_sends() -> None:
    one = completed(MESSAGE.replace(b"bob@example.com", b"dave@far.example"))
    assert one.result.reason.startswith("example.com/")


def test_policy_may_name_another_domain_to_sign() -> None:
    key = signing_key("s", "signer.example")
    keys = Keys({"signer.example": (key,), "example.com": (RSA,)})
    one = completed(keys=keys, scopes={"domain:example.com": {"dkim_signing": {"signing_domain": "signer.example"}}})
    assert verdicts(leaving(MESSAGE, one.decision), key) == [ResultWord.PASS]


@pytest.mark.parametrize(
    ("raw", "changes", "scopes", "why"),
    [
        (MESSAGE, {}, {"domain:example.com": {"dkim_signing": {"sign": False}}}, "switched off by policy"),
        (MESSAGE.replace(b"bob@example.com", b"bob@other.example"), {}, {}, "other.example has no key"),
        (
            MESSAGE.replace(b"bob@example.com", b"dave@far.example"),
            {"mail_from": "dave@far.example", "authenticated_as": None, "trusted": True},
            {},
            "neither its author nor its reverse-path is in one of our domains",
        ),
        (b"From: b@example.com\r\n" + MESSAGE, {}, {}, "it has not exactly one From field"),
        (MESSAGE.replace(b"To:", b"no field at all\r\nTo:"), {}, {}, "its header is malformed: junk_in_header"),
    ],
)
def test_what_is_not_signed_is_sent_and_the_receipt_says_why(
    raw: bytes, changes: dict[str, Any], scopes: dict[str, Any], why: str
) -> None:
    one = completed(raw, outgoing(**changes), scopes=scopes)
    assert names(one) == ["Received"]
    assert symbols(one) == {UNSIGNED: why}
    assert one.result.result is ResultWord.NONE


def test_a_signature_that_policy_demands_is_waited_for() -> None:
    raw = MESSAGE.replace(b"bob@example.com", b"bob@other.example")
    with pytest.raises(Unavailable, match=r"other\.example has no key"):
        completed(raw, scopes={"domain:other.example": {"dkim_signing": {"required": True}}})


def test_keys_that_cannot_be_read_are_not_no_keys() -> None:
    with pytest.raises(Unavailable, match="is broken"):
        completed(keys=Keys(broken="example.com"))


# --- VBR-Info -----------------------------------------------------------------------------------------------


def test_who_vouches_is_said_above_received_and_below_the_signature_that_covers_it() -> None:
    one = completed(scopes={"domain:example.com": {"vbr_info": {"certifiers": ["v.example"], "message_type": "list"}}})
    assert names(one) == ["DKIM-Signature", "DKIM-Signature", "VBR-Info", "Received"]
    assert one.decision.headers[2].value == "md=example.com; mc=list; mv=v.example"
    raw = leaving(MESSAGE, one.decision)
    assert verdicts(raw.replace(b"mc=list", b"mc=all"), RSA, ED) == [ResultWord.FAIL, ResultWord.FAIL]


# --- the reverse-path ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", [REMOTE, RELAYED])
def test_a_protected_domain_tags_what_leaves(there: Recipient) -> None:
    one = completed(transaction=outgoing(recipients=(there, LOCAL)), scopes={"global": PROTECTED})
    assert one.decision.reverse_path is not None
    assert verify(one.decision.reverse_path, [BOB], RING, RECEIVED_AT) is TagResult.PASS
    assert one.result.properties["reverse_path"] == one.decision.reverse_path


def test_the_tag_is_made_of_the_accounts_own_spelling() -> None:
    one = completed(transaction=outgoing(mail_from="Bob@Example.com"), scopes={"global": PROTECTED})
    assert str(one.decision.reverse_path).endswith("=bob@example.com")


@pytest.mark.parametrize(
    ("changes", "scopes"),
    [
        ({}, {}),
        ({"recipients": (LOCAL,)}, {"global": PROTECTED}),
        ({"mail_from": None}, {"global": PROTECTED}),
        ({"mail_from": "bob@other.example"}, {"global": PROTECTED}),
        ({"mail_from": "prvs=0123abcdef=bob@example.com"}, {"global": PROTECTED}),
        ({}, {"global": {"backscatter": {"domains": [{**PROTECTED["backscatter"]["domains"][0], "sign": False}]}}}),
        ({}, {"global": {"backscatter": {"domains": [{**PROTECTED["backscatter"]["domains"][0], "route": "ses"}]}}}),
    ],
)
def test_where_no_report_can_come_back_nothing_is_tagged(changes: dict[str, Any], scopes: dict[str, Any]) -> None:
    one = completed(transaction=outgoing(**changes), scopes=scopes)
    assert one.decision.reverse_path is None
    assert symbols(one) == {}


@pytest.mark.parametrize(
    ("changes", "ring", "why"),
    [
        ({}, KeyRing(), "there is no key for bounce address tags"),
        ({"mail_from": f"{'b' * 60}@example.com"}, RING, "its local part is too long for a tag"),
    ],
)
def test_what_should_be_tagged_and_is_not_is_told(changes: dict[str, Any], ring: KeyRing, why: str) -> None:
    one = completed(transaction=outgoing(**changes), ring=Ring(ring), scopes={"global": PROTECTED})
    assert one.decision.reverse_path is None
    assert symbols(one) == {UNTAGGED: why}


def test_keys_of_tags_that_cannot_be_read_defer_the_mail() -> None:
    with pytest.raises(Unavailable):
        completed(ring=Ring(None), scopes={"global": PROTECTED})
