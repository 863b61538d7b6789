"""Backscatter protection: which reports are refused, and when that begins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from postern.backscatter.domains import ProtectedDomain, SendingRoute
from postern.backscatter.keys import KeyRing
from postern.backscatter.tags import day_number, signed
from postern.checks import backscatter
from postern.checks.backscatter import BackscatterPolicy
from postern.contract import Required
from postern.evidence import BackscatterEvidence
from postern.given_effects import GivenKeys, GivenSentMessages
from postern.message import parse_message
from postern.model import CheckResult, Disposition, Recipient, ResultWord
from postern.policy import Mode, PolicyError, read_section
from postern.ports import Unavailable
from tests.transactions import RECEIVED_AT, make_transaction, transaction_from_file

ANN, BEN = "ann@receiver.example", "ben@receiver.example"
RING = KeyRing().rotated(b"x" * 32, RECEIVED_AT - timedelta(days=30))
SIGNING = ProtectedDomain(domain="receiver.example", signing_since=f"{RECEIVED_AT - timedelta(days=10):%Y-%m-%d}")
JUST_BEGUN = ProtectedDomain(domain="receiver.example", signing_since=f"{RECEIVED_AT - timedelta(days=6):%Y-%m-%d}")
BY_SES = ProtectedDomain(domain="receiver.example", signing_since="2026-01-01", route=SendingRoute.SES)
REPORT = b"Subject: Undelivered\r\n\r\nsorry"
OF_ONE = (
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <1@ses.example>\r\n\r\nhello\r\n--b--\r\n"
)
RECEIPT = b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n--b--\r\n"


def tagged(address: str = ANN, *, ago: int = 0) -> str:
    key = RING.signing_key()
    assert key is not None
    made = signed(address, key, day_number(RECEIVED_AT) - ago)
    assert made is not None
    return made


def judge(
    *forward_paths: str,
    mail_from: str | None = None,
    message: bytes = REPORT,
    domain: ProtectedDomain = SIGNING,
    keys: Any = None,
    sent: dict[str, str] | None = None,
) -> CheckResult[BackscatterEvidence]:
    recipients = tuple(Recipient(ANN if "ann" in path.lower() else BEN, path) for path in forward_paths)
    return backscatter.evaluate(
        make_transaction(mail_from=mail_from, recipients=recipients),
        policy=BackscatterPolicy(mode=Mode.ENFORCE, domains=(domain,)),
        required=Required({}),
        message=parse_message(message),
        batv_keys=keys or GivenKeys(RING),
        sent_messages=GivenSentMessages(sent or {}),
    )


def refused(result: CheckResult[BackscatterEvidence]) -> tuple[str, ...]:
    return tuple(address for one in result.proposals for address in one.recipients or ())


def test_a_report_with_a_tag_of_ours_passes() -> None:
    result = judge(tagged())
    assert (result.result, refused(result)) == (ResultWord.PASS, ())
    assert result.evidence == BackscatterEvidence((ANN,))


@pytest.mark.parametrize(
    ("forward_path", "symbol", "word"),
    [
        (ANN, "BACKSCATTER_MISSING", "missing"),
        (tagged(BEN).replace("ben@", "ann@"), "BACKSCATTER_INVALID", "invalid"),
        (tagged(ago=9), "BACKSCATTER_EXPIRED", "expired"),
        ("btv1==04392c7f3d==" + ANN, "BACKSCATTER_MISSING", "missing"),
    ],
)
def test_any_other_report_is_refused(forward_path: str, symbol: str, word: str) -> None:
    result = judge(forward_path)
    assert [one.symbol for one in result.findings] == [symbol]
    assert result.properties["tags"] == {ANN: word}
    (proposal,) = result.proposals
    assert proposal.disposition is Disposition.REJECT
    assert proposal.reply is not None
    assert proposal.reply.encode().startswith(b"550 5.7.1 ")


def test_mail_from_a_mailer_daemon_is_a_report_too() -> None:
    assert refused(judge(ANN, mail_from="MAILER-DAEMON@mx.example.net")) == (ANN,)


def test_every_recipient_needs_a_proof_of_its_own() -> None:
    assert refused(judge(tagged(), BEN)) == (BEN,)


@pytest.mark.parametrize("spelling", [tagged().upper(), tagged().lower(), tagged().title()])
def test_relays_change_case(spelling: str) -> None:
    assert judge(spelling).result is ResultWord.PASS


def test_before_everything_out_there_is_signed_nothing_counts() -> None:
    result = judge(ANN, domain=JUST_BEGUN)
    assert result.proposals == ()
    assert [(one.symbol, one.score) for one in result.findings] == [("BACKSCATTER_MISSING", 0)]


@pytest.mark.parametrize(
    ("mail_from", "message"),
    [
        (None, RECEIPT),
        ("bob@example.net", RECEIPT),
        ("bob@example.net", b"Auto-Submitted: auto-replied\r\n\r\nback soon"),
    ],
)
def test_receipts_and_automatic_replies_are_scored_only(mail_from: str | None, message: bytes) -> None:
    result = judge(ANN, mail_from=mail_from, message=message)
    assert result.proposals == ()
    assert [one.symbol for one in result.findings] == ["BACKSCATTER_REPLY"]


@pytest.mark.parametrize("forward_path", ["postmaster@receiver.example", "Abuse@receiver.example", "ann@other.example"])
def test_some_addresses_take_any_report(forward_path: str) -> None:
    assert judge(forward_path).result is ResultWord.NONE


def test_other_mail_is_none_of_our_business() -> None:
    assert judge(ANN, mail_from="bob@example.net").result is ResultWord.NONE


def test_a_message_from_a_file_has_no_reverse_path_to_judge() -> None:
    result = backscatter.evaluate(
        transaction_from_file(),
        policy=BackscatterPolicy(domains=(SIGNING,)),
        required=Required({}),
        message=parse_message(REPORT),
        batv_keys=GivenKeys(RING),
        sent_messages=GivenSentMessages(),
    )
    assert result.result is ResultWord.NONE


@pytest.mark.parametrize(
    ("sent", "message", "word"),
    [
        ({"<1@ses.example>": ANN}, OF_ONE, ResultWord.PASS),
        ({"<1@ses.example>": BEN}, OF_ONE, ResultWord.FAIL),
        ({"<2@ses.example>": ANN}, OF_ONE, ResultWord.FAIL),
        ({"<1@ses.example>": ANN}, REPORT, ResultWord.FAIL),
    ],
)
def test_where_ses_sends_the_ledger_proves(sent: dict[str, str], message: bytes, word: ResultWord) -> None:
    result = judge(ANN, domain=BY_SES, message=message, sent=sent)
    assert (result.result, bool(refused(result))) == (word, word is ResultWord.FAIL)


def test_the_ledger_proves_nothing_where_tags_do() -> None:
    assert judge(ANN, message=OF_ONE, sent={"<1@ses.example>": ANN}).result is ResultWord.FAIL


def test_keys_that_cannot_be_read_refuse_nobody() -> None:
    class Gone:
        def ring(self) -> KeyRing:
            raise Unavailable("throttled")

    result = judge(ANN, keys=Gone())
    assert (result.result, result.proposals) == (ResultWord.TEMPERROR, ())


def test_without_any_key_nobody_is_refused() -> None:
    result = judge(ANN, keys=GivenKeys())
    assert (result.result, result.proposals) == (ResultWord.TEMPERROR, ())
    assert judge(ANN, domain=BY_SES, keys=GivenKeys()).result is ResultWord.FAIL, "SES needs no key"


def test_policy_names_days_and_domains() -> None:
    entry = {"domain": "example.com", "signing_since": "2026-11-22", "route": "ses", "sign": False}
    section = read_section(BackscatterPolicy, {"domains": [entry]}, "backscatter")
    assert section.domains[0].route is SendingRoute.SES
    assert section.mode is Mode.OFF
    with pytest.raises(PolicyError, match="no day"):
        read_section(BackscatterPolicy, {"domains": [entry | {"signing_since": "soon"}]}, "backscatter")
