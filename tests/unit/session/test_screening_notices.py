"""What people and programs are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from postern.session import subjects
from postern.session.bans import Ban, BanReason
from postern.session.screening import Event, EventKind
from postern.session.screening_notices import Audience, notice_of
from postern.wire import to_json

AT = datetime(2026, 10, 1, 12, 34, 56, tzinfo=UTC)
CLIENT = subjects.address("203.0.113.9")
BAN = Ban(
    subject=CLIENT,
    since=AT,
    until=AT + timedelta(hours=2),
    reason=BanReason.FAILED_LOGINS,
    repeats=1,
    count=5,
    protocol="smtp",
)
BANNED = Event(kind=EventKind.BANNED, at=AT, subject=CLIENT, count=5, protocol="smtp", client_ip="203.0.113.9", ban=BAN)

TEXT = """\
203.0.113.9 is banned: too many failed logins.

date:     2026-10-01
time:     12:34:56 UTC (+00:00)
client:   203.0.113.9
protocol: SMTP
count:    5
until:    2026-10-01 14:34:56 UTC
repeat:   1
host:     mx.example.com

To lift the ban:  postern screening lift 203.0.113.9
"""


def test_a_ban_is_told_to_security_in_words_and_as_data() -> None:
    notice = notice_of(BANNED, "mx.example.com")
    assert notice.audience is Audience.SECURITY
    assert notice.text == TEXT
    assert notice.subject == "203.0.113.9 is banned: too many failed logins"
    assert to_json(notice.facts) == {
        "event": "client_banned",
        "date": "2026-10-01",
        "time": "12:34:56",
        "offset": "+00:00",
        "subject": "ip:203.0.113.9",
        "ip": "203.0.113.9",
        "protocol": "SMTP",
        "account": "",
        "count": 5,
        "host": "mx.example.com",
        "reason": "failed_logins",
        "since": "2026-10-01T12:34:56Z",
        "until": "2026-10-01T14:34:56Z",
        "repeats": 1,
    }
    assert notice.attributes == {
        "date": "2026-10-01",
        "time": "12:34:56+00:00",
        "ip": "203.0.113.9",
        "protocol": "SMTP",
        "count": "5",
    }


def test_an_account_is_told_to_the_postmaster_and_cannot_break_the_text() -> None:
    name = 'ann\r\nBcc: x@example.net\u202e"@example.com'
    account = subjects.account(name)
    event = Event(
        kind=EventKind.ACCOUNT_FAILURES,
        at=AT,
        subject=account,
        count=10,
        protocol="imap",
        client_ip="203.0.113.9",
        account=account.name,
    )
    notice = notice_of(event, "mx.example.com")
    assert notice.audience is Audience.POSTMASTER
    assert 'account:  ann??bcc: x@example.net?"@example.com\n' in notice.text
    assert notice.subject.isprintable()
    assert "Nothing was done to the account." in notice.text


def test_the_last_notice_for_a_while_says_so() -> None:
    assert "not told one by one" in notice_of(BANNED, "mx", last_for_now=True).text
    assert "not told one by one" not in notice_of(BANNED, "mx").text


def test_the_end_of_a_ban_gives_no_advice() -> None:
    ended = Event(kind=EventKind.BAN_ENDED, at=AT, subject=CLIENT, count=5, client_ip="203.0.113.9", ban=BAN)
    notice = notice_of(ended, "mx.example.com")
    assert notice.subject == "The ban of 203.0.113.9 is over"
    assert "lift" not in notice.text
