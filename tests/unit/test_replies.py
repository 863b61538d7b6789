from __future__ import annotations

import re

import pytest

from postern import replies
from postern.replies import Reply

CATALOGUE = [value for value in vars(replies).values() if isinstance(value, Reply)]


@pytest.mark.parametrize("reply", CATALOGUE, ids=lambda reply: f"{reply.code} {reply.text}")
def test_code_and_enhanced_code_agree(reply: Reply) -> None:
    if reply.enhanced is None:
        assert reply.code in (220, 334, 354, 421, 503, 554)  # before EHLO, or by the RFCs' own words
    else:
        assert re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", reply.enhanced)
        assert reply.enhanced[0] == str(reply.code)[0]


@pytest.mark.parametrize("reply", CATALOGUE, ids=lambda reply: f"{reply.code} {reply.text}")
def test_every_reply_fits_on_one_short_line(reply: Reply) -> None:
    assert reply.encode().count(b"\r\n") == 1
    assert len(reply.encode()) <= 100


def test_a_reply_of_several_lines_repeats_its_codes() -> None:
    assert Reply(250, "2.0.0", "one\ntwo").encode() == b"250-2.0.0 one\r\n250 2.0.0 two\r\n"
    assert Reply(250, None, "one\ntwo").encode() == b"250-one\r\n250 two\r\n"
    assert Reply(250, None, "").encode() == b"250 \r\n"


def test_what_a_client_or_a_rule_put_into_a_reply_cannot_break_it() -> None:
    reply = Reply(550, "5.7.1", "a\rb\x00c\x1bd é 日\nend" + "x" * 2_000)
    lines = reply.encode().split(b"\r\n")[:-1]
    assert lines[0] == b"550-5.7.1 a?b?c?d ? ?"
    assert all(len(line) <= 510 for line in lines)
    assert b"".join(line[10:] for line in lines[1:]) == b"end" + b"x" * 2_000


def test_a_reply_knows_its_kind() -> None:
    assert replies.OK.is_positive
    assert replies.START_MAIL_INPUT.is_positive
    assert replies.LOCAL_TROUBLE.is_temporary
    assert replies.RELAYING_DENIED.is_permanent
    assert replies.GOODBYE.closes
    assert replies.SHUTTING_DOWN.closes
    assert not replies.RELAYING_DENIED.closes
