"""The link that thaws: what was signed is read back, and nothing else is."""

from __future__ import annotations

import base64
import string
from datetime import UTC, datetime, timedelta

import pytest

from postern.accounts import Freeze
from postern.session.thaw_link import MAX_TOKEN, ThawTicket, read, sign

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
KEY = b"a key of its own"
TICKET = ThawTicket("ann@example.com", NOW, NOW + timedelta(hours=72))
TOKEN = sign(TICKET, KEY)


def test_what_was_signed_is_read_back() -> None:
    assert read(TOKEN, KEY, NOW) == TICKET
    odd = ThawTicket('"ann \u202e"@bücher.example', NOW, NOW + timedelta(hours=1))
    assert read(sign(odd, KEY), KEY, NOW) == odd


def test_a_token_is_a_word_that_mail_programs_do_not_break() -> None:
    assert set(TOKEN) <= set(string.ascii_letters + string.digits + "-_.")


def test_it_is_good_until_it_is_not() -> None:
    assert read(TOKEN, KEY, TICKET.good_until - timedelta(seconds=1)) == TICKET
    assert read(TOKEN, KEY, TICKET.good_until) is None


def test_it_is_for_one_freeze() -> None:
    assert TICKET.is_for(Freeze(NOW, "this one"))
    assert TICKET.is_for(Freeze(NOW + timedelta(microseconds=5), "as a table keeps it"))
    assert not TICKET.is_for(Freeze(NOW + timedelta(seconds=1), "a later one"))
    assert not TICKET.is_for(None)


def test_no_other_key_reads_or_signs_it() -> None:
    assert read(TOKEN, b"another key", NOW) is None
    assert read(TOKEN, b"", NOW) is None
    with pytest.raises(ValueError, match="key"):
        sign(TICKET, b"")


def test_a_change_of_any_character_makes_it_worthless() -> None:
    for at, character in enumerate(TOKEN):
        changed = TOKEN[:at] + ("A" if character != "A" else "B") + TOKEN[at + 1 :]
        found = read(changed, KEY, NOW)
        # The last character of base64 may carry bits that stand for nothing.
        assert found is None or found == TICKET


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a",
        "a.b",
        TOKEN.replace(".", ""),
        TOKEN + "." + TOKEN,
        TOKEN[:-10],
        "ä" + TOKEN,
        "x" * (MAX_TOKEN + 1),
        TOKEN.partition(".")[0] + ".",
        base64.b64encode(b'["ann@example.com",0,9999999999]').decode() + ".AAAA",
    ],
)
def test_anything_else_is_no_link(token: str) -> None:
    assert read(token, KEY, NOW) is None
