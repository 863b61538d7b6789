"""What is written on a message, what is taken away, and that nothing else changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from postern.message import parse_message
from postern.model import (
    CheckResult,
    Disposition,
    Envelope,
    Finding,
    HeaderField,
    MethodResult,
    Points,
    RecipientDecision,
    ResultWord,
    TlsParameters,
    Transaction,
)
from postern.received_field import received_field
from postern.sections import SpamFilterPolicy
from postern.stamping import (
    Stamped,
    authentication_results,
    hop_count,
    removed_headers,
    return_path,
    spam_headers,
    stamp,
    trace_headers,
    was_delivered_to,
)
from postern.subject_tag import tag_subject
from tests.transactions import HOSTNAME, RECIPIENT, make_transaction, transaction_from_file

MESSAGE = b"From: bob@example.com\r\nSubject: hello\r\n world\r\n\r\nBody\r\n"


def stamped(raw: bytes, *headers: HeaderField) -> Stamped:
    return stamp(raw, headers, authserv_id=HOSTNAME)


def result_of(check_id: str, word: ResultWord = ResultWord.PASS, **attributes: Any) -> CheckResult[Any]:
    return CheckResult(check_id, word, **attributes)


# --- taking away -------------------------------------------------------------------------------------------


def test_fields_of_ours_are_removed_and_everything_else_stays() -> None:
    raw = (
        b"Return-Path: <a@b.example>\r\n"
        b"Received: from x by y; Sun, 22 Nov 2026 10:00:00 +0000\r\n"
        b"X-Spam-Flag: NO\r\n"
        b"x-spam-status : No,\r\n score=-100\r\n"
        b"X-Spam-Whatever: 1\r\n"
        b"Authentication-Results: other.example; dkim=pass\r\n"
        b"Authentication-Results : (hidden) MX.receiver.example; dkim=pass\r\n"
        b"X-Lookup-Warning: none\r\n" + MESSAGE
    )
    result = stamped(raw)
    assert result.message == (
        b"Received: from x by y; Sun, 22 Nov 2026 10:00:00 +0000\r\n"
        b"Authentication-Results: other.example; dkim=pass\r\n" + MESSAGE
    )
    assert [field.name for field in result.removed] == [
        "Return-Path",
        "X-Spam-Flag",
        "x-spam-status",
        "X-Spam-Whatever",
        "Authentication-Results",
        "X-Lookup-Warning",
    ]
    assert result.removed == removed_headers(parse_message(raw), HOSTNAME)


def test_the_body_is_not_looked_at() -> None:
    raw = MESSAGE + b"X-Spam-Flag: NO\r\n\r\nReturn-Path: <x>\r\n"
    assert stamped(raw).message == raw


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", b"X-A: 1\r\n\r\n"),
        (b"\r\nbody\r\n", b"X-A: 1\r\n\r\nbody\r\n"),
        (b"just text, no field\r\n", b"X-A: 1\r\n\r\njust text, no field\r\n"),
        (b"\r\n\r\nFrom: a@b.example\r\n\r\nx", b"X-A: 1\r\nFrom: a@b.example\r\n\r\nx"),
        (b"From a@b Sun Nov 22\r\nFrom: a@b.example\r\n\r\nx", b"X-A: 1\r\nFrom: a@b.example\r\n\r\nx"),
        (b"From: a@b.example", b"X-A: 1\r\nFrom: a@b.example"),
        (b"X-Spam-Flag: NO", b"X-A: 1\r\n"),
    ],
)
def test_odd_headers_keep_their_meaning(raw: bytes, expected: bytes) -> None:
    assert stamped(raw, HeaderField("X-A", "1")).message == expected


def test_headers_come_on_top_in_order_and_cannot_be_injected() -> None:
    result = stamped(MESSAGE, HeaderField("X-A", "1\r\nX-Evil: 2\r\n\r\nboo"), HeaderField("X-B", "3"))
    assert result.message == b"X-A: 1 X-Evil: 2 boo\r\nX-B: 3\r\n" + MESSAGE


def test_ten_thousand_forged_fields_are_removed_quickly() -> None:
    raw = b"Authentication-Results: mx.receiver.example; dkim=pass\r\n" * 10_000 + MESSAGE
    assert stamped(raw).message == MESSAGE


# --- what we write -----------------------------------------------------------------------------------------


def test_results_stand_above_received() -> None:
    results = {
        "spf": result_of(
            "spf",
            headers=(HeaderField("Received-SPF", "pass"),),
            methods=(MethodResult("spf", ResultWord.PASS, "", (("smtp.mailfrom", "bob@example.com"),)),),
        ),
        "dkim": result_of("dkim", ResultWord.NONE, methods=(MethodResult("dkim", ResultWord.NONE),)),
    }
    fields = trace_headers(make_transaction(), results)
    assert [field.name for field in fields] == ["Authentication-Results", "Received-SPF", "Received"]
    assert fields[0].value == "mx.receiver.example; spf=pass smtp.mailfrom=bob@example.com; dkim=none"
    assert authentication_results(results, make_transaction().site) == fields[0]


def decided(score: int, *, flagged: bool) -> RecipientDecision:
    return RecipientDecision(RECIPIENT, Disposition.JUNK, Disposition.JUNK, Points(score), flagged)


FINDINGS: Mapping[str, CheckResult[Any]] = {
    "rules": result_of(
        "rules",
        findings=(
            Finding("SMALL", "", Points(25)),
            Finding("BIG", "who\r\nX-Evil: 1", Points(500)),
            Finding("FACT", "nothing", Points(0)),
            Finding("NOT_HERS", "", Points(100), recipients=("other@receiver.example",)),
        ),
    )
}


def test_flagged_mail_says_so_and_why() -> None:
    fields = spam_headers(decided(525, flagged=True), FINDINGS, SpamFilterPolicy())
    assert [(field.name, field.value) for field in fields] == [
        ("X-Spam-Flag", "YES"),
        ("X-Spam-Status", "Yes, score=5.25 required=5.0 tests=SMALL, BIG"),
        ("X-Spam-Score", "5.25"),
        ("X-Spam-Level", "*****"),
        ("X-Spam-Report", "* 5.0 BIG who X-Evil: 1; * 0.25 SMALL"),
    ]


def test_good_mail_has_its_score() -> None:
    fields = spam_headers(decided(-10, flagged=False), {}, SpamFilterPolicy())
    assert [(field.name, field.value) for field in fields] == [
        ("X-Spam-Status", "No, score=-0.1 required=5.0 tests=none"),
        ("X-Spam-Score", "-0.1"),
    ]


def test_the_report_can_be_switched_off_and_the_level_ends() -> None:
    fields = spam_headers(decided(100_000, flagged=True), FINDINGS, SpamFilterPolicy(report=False))
    names = {field.name: field.value for field in fields}
    assert "X-Spam-Report" not in names
    assert names["X-Spam-Level"] == "*" * 50


@pytest.mark.parametrize(("path", "value"), [("bob@example.com", "<bob@example.com>"), (None, "<>")])
def test_return_path(path: str | None, value: str) -> None:
    assert return_path(path).value == value


# --- Received ----------------------------------------------------------------------------------------------


def with_session(transaction: Transaction, **changes: Any) -> Transaction:
    assert transaction.session is not None
    return replace(transaction, session=replace(transaction.session, **changes))


def test_received_names_client_protocol_id_and_sole_recipient() -> None:
    assert received_field(make_transaction()).value == (
        "from mail.example.com ([192.0.2.1]) by mx.receiver.example with ESMTP id test-1 "
        "for <ann@receiver.example>; Sun, 22 Nov 2026 12:00:00 +0000"
    )


def test_received_tells_of_tls_and_ipv6() -> None:
    transaction = with_session(
        make_transaction(client_ip="2001:db8::1"),
        tls=TlsParameters("TLSv1.3", "TLS_AES_256_GCM_SHA384"),
    )
    value = received_field(transaction).value
    assert "from mail.example.com ([IPv6:2001:db8::1]) by" in value
    assert " with ESMTPS id " in value
    assert " tls TLS_AES_256_GCM_SHA384 (TLSv1.3);" in value


def test_received_does_not_tell_who_logged_in_and_from_where() -> None:
    transaction = with_session(make_transaction(), authenticated_as="bob")
    value = received_field(transaction).value
    assert value.startswith("by mx.receiver.example with ESMTPA id ")
    assert "bob" not in value


@pytest.mark.parametrize(
    ("extended", "smtputf8", "protocol"), [(False, False, "SMTP"), (True, False, "ESMTP"), (True, True, "UTF8SMTP")]
)
def test_received_names_the_protocol(*, extended: bool, smtputf8: bool, protocol: str) -> None:
    transaction = replace(
        with_session(make_transaction(), extended=extended), envelope=Envelope("a@b.example", smtputf8=smtputf8)
    )
    assert f" with {protocol} id " in received_field(transaction).value


def test_several_recipients_do_not_learn_of_each_other() -> None:
    transaction = make_transaction(rcpt_to=(RECIPIENT, "cy@receiver.example"))
    assert " for " not in received_field(transaction).value


@pytest.mark.parametrize("helo", ["a b", "x(comment", "x\r\nEvil: 1", "", "x" * 300, "a;b"])
def test_a_strange_greeting_is_not_written(helo: str) -> None:
    assert received_field(make_transaction(helo=helo)).value.startswith("from unknown ([192.0.2.1]) by ")


def test_a_message_from_a_file_has_no_client() -> None:
    assert received_field(transaction_from_file()).value.startswith("by mx.receiver.example id test-file ")


# --- loops -------------------------------------------------------------------------------------------------


def test_hops_are_counted() -> None:
    assert hop_count(parse_message(b"Received: a\r\nreceived : b\r\nX-Received: c\r\n" + MESSAGE)) == 2


@pytest.mark.parametrize(("address", "loops"), [("Ann@Receiver.example", True), ("cy@receiver.example", False)])
def test_delivered_to_shows_a_loop(address: str, *, loops: bool) -> None:
    message = parse_message(b"Delivered-To: bob@x.example\r\nDelivered-To: <ann@receiver.example>\r\n" + MESSAGE)
    assert was_delivered_to(message, address) is loops


# --- the subject -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (MESSAGE, b"From: bob@example.com\r\nSubject: [SPAM] hello\r\n world\r\n\r\nBody\r\n"),
        (b"Subject:x\r\n\r\n", b"Subject: [SPAM] x\r\n\r\n"),
        (b"Subject:\r\n\r\n", b"Subject: [SPAM]\r\n\r\n"),
        (b"Subject: [SPAM] x\r\n\r\n", b"Subject: [SPAM] x\r\n\r\n"),
        (b"To: x\r\n\r\nSubject: body", b"Subject: [SPAM]\r\nTo: x\r\n\r\nSubject: body"),
        (b"no header", b"Subject: [SPAM]\r\n\r\nno header"),
    ],
)
def test_the_subject_is_tagged_once(raw: bytes, expected: bytes) -> None:
    assert tag_subject(raw, "[SPAM]") == expected


def test_a_tag_beyond_ascii_is_an_encoded_word_and_an_empty_one_changes_nothing() -> None:
    assert b"Subject: =?utf-8?b?4pqg?= hello" in tag_subject(MESSAGE, "⚠")
    assert tag_subject(MESSAGE, " ") == MESSAGE
