"""What people and programs are told of an account that sent too much."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postern.session.hijack import Alarm
from postern.session.hijack_evidence import Evidence, evidence_of, network_of, signs
from postern.session.hijack_notices import Link, notices_of
from postern.session.hijack_policy import HijackMode, Limits
from postern.session.screening_notices import Audience
from postern.session.usage import Attempt, Sighted, Usage
from postern.wire import to_json

AT = datetime(2026, 11, 22, 18, 45, 37, tzinfo=UTC)
ALARM = Alarm(
    account="ann@example.com",
    at=AT,
    mode=HijackMode.DISABLE,
    attempt=Attempt(account="ann@example.com", transaction_id="t201", recipients=1, client_ip="203.0.113.9"),
    usage=Usage(
        messages=201,
        recipients=240,
        looked_at=120,
        unseen=118,
        refused=60,
        first=Sighted("t1", AT - timedelta(minutes=2)),
        last=Sighted("t201", AT),
        clients=("203.0.113.9", "198.51.100.3", "10.0.0.1"),
    ),
    limits=Limits(200, 500),
    window=timedelta(hours=1),
)
SEEN_FROM = {"198.51.100.0/24": AT - timedelta(days=90), "203.0.113.0/24": AT - timedelta(minutes=2)}
LINK = Link("https://thaw.example/?t=abc", AT + timedelta(hours=72))
TEXT = """\
ann@example.com is frozen: too much mail.

date:       2026-11-22
time:       18:45:37 UTC (+00:00)
account:    ann@example.com
messages:   201 within 60 minutes; 200 are not too many
recipients: 240 within 60 minutes; 500 are not too many
clients:    203.0.113.9, 198.51.100.3, 10.0.0.1
first:      t1 at 18:43:37
last:       t201 at 18:45:37, not accepted
held:       7 copies wait
host:       mx.example.com

What changed:
* It was never used from 203.0.113.0/24 before the last 24 hours; 1 other network was.
* 118 of the last 120 recipients (98 %) had never been written to.
* 60 copies of that mail (25 %) were refused for good by other servers.

Nobody can log in to the account, and mail of it that waits is held. Ask its owner, not by mail;
have the password changed before the account may send again. Then:

  postern accounts thaw ann@example.com

or open this link, which works once and until 2026-11-25 18:45:37 UTC:

  https://thaw.example/?t=abc
"""


def test_a_freeze_is_told_in_words_and_as_data() -> None:
    postmaster, security = notices_of(ALARM, evidence_of(ALARM, SEEN_FROM, 7), "mx.example.com", LINK)
    assert postmaster.audience is Audience.POSTMASTER
    assert postmaster.subject == "ann@example.com is frozen: too much mail"
    assert postmaster.text == TEXT
    assert to_json(postmaster.facts) == {
        "event": "account_frozen",
        "date": "2026-11-22",
        "time": "18:45:37",
        "offset": "+00:00",
        "account": "ann@example.com",
        "ip": "203.0.113.9",
        "window_seconds": 3600,
        "messages": 201,
        "messages_allowed": 200,
        "recipients": 240,
        "recipients_allowed": 500,
        "clients": ["203.0.113.9", "198.51.100.3", "10.0.0.1"],
        "first": "t1",
        "last": "t201",
        "new_networks": ["203.0.113.0/24"],
        "known_networks": 1,
        "recipients_looked_at": 120,
        "recipients_never_seen": 118,
        "refused": 60,
        "held": 7,
        "host": "mx.example.com",
        "thaw_url": "https://thaw.example/?t=abc",
        "thaw_until": "2026-11-25T18:45:37Z",
    }
    assert len(postmaster.attributes) <= 8, "SNS hands on ten with the two of every notice"
    assert security.audience is Audience.SECURITY
    assert security.text == TEXT.partition("\nor open")[0]
    assert "thaw_url" not in security.facts


@pytest.mark.parametrize(
    ("mode", "event", "words"),
    [
        (HijackMode.LIMIT, "account_limited", "Further mail of it is put off (452)"),
        (HijackMode.OBSERVE, "account_over_limit", "hijack.mode observe, so its mail goes on"),
    ],
)
def test_what_was_done_is_said(mode: HijackMode, event: str, words: str) -> None:
    for notice in notices_of(replace(ALARM, mode=mode), Evidence(), "mx.example.com"):
        assert notice.event == event
        assert words in notice.text
        assert "thaw" not in notice.text
        assert ("not accepted" in notice.text) is (mode is HijackMode.LIMIT)


def test_an_account_whose_past_is_not_known_is_not_said_to_have_changed() -> None:
    found = signs(ALARM, evidence_of(ALARM, {}, 0))
    assert found[0] == ("It is used from 203.0.113.0/24, 198.51.100.0/24; from where it was used before is not known.")


def test_nothing_is_made_of_nothing() -> None:
    quiet = replace(ALARM, usage=Usage(messages=201, recipients=201, clients=("10.0.0.1",)))
    assert signs(quiet, evidence_of(quiet, {}, 0)) == ()
    (text, _) = (notice.text for notice in notices_of(quiet, Evidence(), "mx.example.com"))
    assert "What changed" not in text
    assert "held:" not in text


def test_names_of_accounts_cannot_forge_a_line() -> None:
    odd = replace(ALARM, account='"ann\r\nhost: elsewhere\u202e"@example.com')
    (text, _) = (notice.text for notice in notices_of(odd, Evidence(), "mx.example.com"))
    assert "\nhost: elsewhere" not in text
    assert text.isascii()


def test_private_addresses_have_no_network() -> None:
    assert network_of("10.0.0.1") == network_of("") == network_of("nonsense") == ""
    assert network_of("2001:db8:1:2:3::4") == "2001:db8:1:2::/64"
