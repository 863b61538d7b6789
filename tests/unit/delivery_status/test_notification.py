"""The notification as a message: what programs read, what people read, and that nobody can write into it."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from postern.delivery_status.event import DeliveryEvent
from postern.delivery_status.notification import MAX_QUOTED_OCTETS, SMALL_OCTETS, Reporter, write_notification
from postern.delivery_status.reply_status import status_of
from postern.delivery_status.request import Action, ReportRequest, Standing
from postern.delivery_status.xtext import to_utf8_xtext, to_xtext

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MESSAGE = b"From: ann@example.com\r\nSubject: Tea\r\n\r\nAt four?\r\n"
REQUEST = ReportRequest("ann@example.com", Standing.OURS)
REPORTER = Reporter(hostname="mx.example.com", domain="example.com", message_id="1.2@mx.example.com")
EVENT = DeliveryEvent(
    action=Action.FAILED,
    recipient="carol@remote.example",
    reply="550 5.1.1 nobody of that name",
    remote_host="mail.remote.example",
    arrived_at=NOW - timedelta(hours=1),
    happened_at=NOW,
)


def written(
    event: DeliveryEvent = EVENT, request: ReportRequest = REQUEST, message: bytes = MESSAGE
) -> tuple[EmailMessage, bytes]:
    raw = write_notification(event, request, message, REPORTER)
    return email.message_from_bytes(raw, policy=email.policy.default), raw


def fields(report: EmailMessage) -> list[list[tuple[str, str]]]:
    _, status, _ = report.iter_parts()
    return [list(group.items()) for group in status.iter_parts()]


def test_it_is_a_report_of_three_parts() -> None:
    report, raw = written()
    assert not report.defects
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    assert [part.get_content_type() for part in report.iter_parts()] == [
        "text/plain",
        "message/delivery-status",
        "message/rfc822",
    ]
    assert report["Auto-Submitted"] == "auto-replied"
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert fields(report) == [
        [("Reporting-MTA", "dns; mx.example.com"), ("Arrival-Date", "Sun, 22 Nov 2026 11:00:00 +0000")],
        [
            ("Final-Recipient", "rfc822; carol@remote.example"),
            ("Action", "failed"),
            ("Status", "5.1.1"),
            ("Remote-MTA", "dns; mail.remote.example"),
            ("Diagnostic-Code", "smtp; 550 5.1.1 nobody of that name"),
            ("Last-Attempt-Date", "Sun, 22 Nov 2026 12:00:00 +0000"),
        ],
    ]


def test_the_message_is_quoted_as_it_is() -> None:
    message = b"Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n--\r\nAnn\r\n"
    _, raw = written(message=message)
    assert message in raw


@pytest.mark.parametrize(
    ("action", "returned", "size", "is_complete"),
    [
        (Action.FAILED, "", SMALL_OCTETS - 100, True),
        (Action.FAILED, "", SMALL_OCTETS + 100, False),
        (Action.FAILED, "FULL", SMALL_OCTETS + 100, True),
        (Action.FAILED, "FULL", MAX_QUOTED_OCTETS + 100, False),
        (Action.FAILED, "HDRS", 100, False),
        (Action.DELAYED, "FULL", 100, False),
        (Action.RELAYED, "FULL", 100, False),
    ],
)
def test_how_much_is_quoted(action: Action, returned: str, size: int, *, is_complete: bool) -> None:
    message = b"Subject: x\r\n\r\n" + b"y" * size
    report, raw = written(replace(EVENT, action=action), replace(REQUEST, returned=returned), message)
    kind = [part.get_content_type() for part in report.iter_parts()][2]
    assert kind == ("message/rfc822" if is_complete else "text/rfc822-headers")
    assert (b"yyyy" in raw) is is_complete


def test_a_message_cannot_hold_the_boundary() -> None:
    report, _ = written()
    boundary = report.get_boundary()
    again, _ = written(message=MESSAGE + f"--{boundary}--\r\n".encode())
    assert again.get_boundary() != boundary
    assert len(list(again.iter_parts())) == 3


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\x85", "\x0b"])
def test_nobody_writes_a_field_or_a_line_into_it(end: str) -> None:
    evil = f"550 no{end}Action: delivered{end}{end}X-Evil: yes\x00\x1b[2J\u202e"
    event = replace(EVENT, reply=evil, remote_host=f"host{end}X-Evil: yes", recipient=f"a{end}Bcc: b@c.example")
    request = replace(REQUEST, envelope_id=f"id{end}X-Evil: yes", original_recipient=f"rfc822;a{end}X-Evil: yes")
    report, raw = written(event, request)
    names = [name for group in fields(report) for name, _ in group]
    assert "X-Evil" not in names
    assert names.count("Action") == 1
    assert "Bcc" not in report
    assert b"\x1b" not in raw
    assert b"\x00" not in raw
    assert len(fields(report)) == 2


def test_a_long_answer_is_cut() -> None:
    report, _ = written(replace(EVENT, reply="550 " + "x" * 5_000))
    (told,) = [value for group in fields(report) for name, value in group if name == "Diagnostic-Code"]
    assert len(told) < 600


def test_an_address_beyond_ascii_is_written_in_ascii() -> None:
    report, _ = written(replace(EVENT, recipient="jürgen@remote.example"))
    assert ("Final-Recipient", "utf-8; j\\x{FC}rgen@remote.example") in fields(report)[1]


def test_what_is_ours_to_say_names_no_other_server() -> None:
    report, _ = written(replace(EVENT, remote_host="", reply="556 5.1.10 remote.example takes no mail (null MX)"))
    told = dict(fields(report)[1])
    assert "Remote-MTA" not in told
    assert told["Diagnostic-Code"].startswith("x-postern; 556 5.1.10")
    assert told["Status"] == "5.1.10"


@pytest.mark.parametrize(
    ("reply", "action", "is_expired", "status"),
    [
        ("550 5.1.1 no", Action.FAILED, False, "5.1.1"),
        ("550-5.7.26 no", Action.FAILED, False, "5.7.26"),
        ("550 no", Action.FAILED, False, "5.0.0"),
        ("550 4.2.2 a mixture", Action.FAILED, False, "5.0.0"),
        ("550 5.1.1.1 no code", Action.FAILED, False, "5.0.0"),
        ("451 4.2.2 full", Action.DELAYED, False, "4.2.2"),
        ("ConnectionRefusedError: nobody", Action.DELAYED, False, "4.0.0"),
        ("451 4.2.2 full", Action.FAILED, True, "4.4.7"),
        ("250 2.0.0 ok", Action.RELAYED, False, "2.0.0"),
    ],
)
def test_the_status_is_the_servers_or_follows_from_its_reply(
    reply: str, action: Action, status: str, *, is_expired: bool
) -> None:
    assert status_of(replace(EVENT, reply=reply, action=action, is_expired=is_expired)) == status


def test_xtext() -> None:
    assert to_xtext("a+b=c d@é") == "a+2Bb+3Dc+20d@+C3+A9"
    assert to_utf8_xtext("é\\+@x") == "\\x{E9}\\x{5C}\\x{2B}@x"
