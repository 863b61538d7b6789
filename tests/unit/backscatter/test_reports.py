"""What kind of automatic answer a message is, and which message it is about."""

from __future__ import annotations

import pytest

from postern.backscatter.reports import Reporting, kind_of, original_message_ids
from postern.message import parse_message

DSN = """From: MAILER-DAEMON@mx.example.net
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
--b
{part}
--b--
"""
WHOLE = "Content-Type: message/rfc822\n\nFrom: ann@example.com\nMessage-ID: <1@example.com>\n\nhello"
HEADER = "Content-Type: text/rfc822-headers\n\nFrom: ann@example.com\nMessage-ID:\n <1@example.com>\n"
ENCODED = (
    "Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: base64\n\nTWVzc2FnZS1JRDogPDFAZXhhbXBsZS5jb20+DQo=\n"
)


def dsn(part: str) -> bytes:
    return DSN.format(part=part).replace("\n", "\r\n").encode()


@pytest.mark.parametrize("part", [WHOLE, HEADER, ENCODED], ids=["whole", "header", "encoded"])
def test_the_original_is_found_in_every_form(part: str) -> None:
    assert original_message_ids(parse_message(dsn(part))) == ("<1@example.com>",)


@pytest.mark.parametrize(
    "part",
    [
        "Content-Type: text/plain\n\nMessage-ID: <1@example.com>",
        "Content-Type: message/rfc822\n\nFrom: ann@example.com\n\nMessage-ID: <1@example.com>",
        "Content-Type: text/rfc822-headers\n\nMessage-ID: " + "x" * 5000,
        "Content-Type: message/rfc822\n\nMessage-ID: <a b>\n\n",
    ],
)
def test_what_is_not_the_original_is_not_taken_for_it(part: str) -> None:
    assert original_message_ids(parse_message(dsn(part))) == ()


@pytest.mark.parametrize(
    ("reverse_path", "header", "kind"),
    [
        (None, "Subject: x", Reporting.DELIVERY),
        ("MAILER-DAEMON@example.net", "Subject: x", Reporting.DELIVERY),
        ("mailer_daemon@example.net", "Subject: x", Reporting.DELIVERY),
        ('"Mailer-Daemon"@example.net', "Subject: x", Reporting.DELIVERY),
        ("not-mailer-daemon@example.net", "Subject: x", Reporting.NO),
        (None, "Auto-Submitted: auto-replied", Reporting.DELIVERY),
        ("bob@example.net", "Auto-Submitted: auto-replied (vacation)", Reporting.NO),
        ("bob@example.net", "Auto-Submitted: Auto-Replied; owner=bob", Reporting.AUTO_REPLY),
        ("bob@example.net", "X-Autoreply: yes", Reporting.AUTO_REPLY),
        ("bob@example.net", "Auto-Submitted: no", Reporting.NO),
        (
            None,
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
            Reporting.READ_RECEIPT,
        ),
        (None, "Content-Type: multipart/report; report-type=delivery-status; boundary=b", Reporting.DELIVERY),
        ("bob@example.net", "Subject: x", Reporting.NO),
    ],
)
def test_the_kind_of_an_answer(reverse_path: str | None, header: str, kind: Reporting) -> None:
    assert kind_of(reverse_path, parse_message(f"{header}\r\n\r\nhello".encode())) is kind
