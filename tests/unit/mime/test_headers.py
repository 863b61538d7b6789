"""Header sections: where they begin, where they end, and that every octet can be had back."""

from __future__ import annotations

import pytest

from postern.message import DefectCode, Message, parse_message


def _codes(message: Message) -> set[DefectCode]:
    return {defect.code for defect in message.defects}


def test_a_field_gives_back_its_exact_octets() -> None:
    raw = b"Subject : =?utf-8?q?caf=C3=A9?=\r\n\tau lait \r\nTo: b\r\n\r\nbody"
    subject = parse_message(raw).fields("SUBJECT")[0]
    assert subject.raw_field == b"Subject : =?utf-8?q?caf=C3=A9?=\r\n\tau lait \r\n"
    assert (subject.raw_name, subject.name, subject.key) == (b"Subject ", "Subject", "subject")
    assert subject.raw_value == b" =?utf-8?q?caf=C3=A9?=\r\n\tau lait "
    assert subject.unfolded == "=?utf-8?q?caf=C3=A9?= au lait"
    assert subject.value == "café au lait"


def test_all_fields_of_one_name_come_in_order() -> None:
    message = parse_message(b"Received: a\r\nX: 1\r\nreceived: b\r\n\r\n")
    assert [field.value for field in message.fields("Received")] == ["a", "b"]
    assert message.first("received") is message.fields("received")[0]
    assert message.first("absent") is None
    assert (message.value("x"), message.value("y", "none")) == ("1", "none")


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"A: 1\r\n\r\nbody", b"body"),
        (b"A: 1\n\nbody", b"body"),
        (b"A: 1\r\n\nbody", b"body"),
        (b"A: 1\r\r\n\r\r\nbody", b"body"),
        (b"A: 1\r\n \r\n\r\nbody", b"body"),
        (b"A: 1\r\n", b""),
        (b"A: 1", b""),
        (b"\r\nbody", b"body"),
        (b"", b""),
    ],
)
def test_the_body_begins_after_the_first_empty_line(raw: bytes, body: bytes) -> None:
    message = parse_message(raw)
    assert bytes(message.body_bytes) == body
    assert message.header_bytes + bytes(message.body_bytes) == raw


def test_bare_carriage_returns_end_lines_only_where_there_is_no_line_feed() -> None:
    message = parse_message(b"A: 1\rB: 2\r\rbody\rmore")
    assert [field.name for field in message.header_fields] == ["A", "B"]
    assert message.raw == b"A: 1\rB: 2\r\rbody\rmore"
    assert DefectCode.BARE_CR_LINES in _codes(message)
    assert [field.name for field in parse_message(b"A: 1\rB: 2\r\n\r\n").header_fields] == ["A"]


def test_bare_line_feeds_and_nul_in_the_header_are_told() -> None:
    assert DefectCode.BARE_LF in _codes(parse_message(b"A: 1\nB: 2\n\n"))
    assert DefectCode.NUL in _codes(parse_message(b"A: 1\0\r\n\r\n"))
    assert not parse_message(b"A: 1\r\n\r\nx\0\n").defects


@pytest.mark.parametrize(
    ("prefix", "code"),
    [
        (b"From ann@example.com Mon Nov 22 14:00:00 2026\r\n", DefectCode.MBOX_FROM_LINE),
        (b">From ann@example.com Mon Nov 22 14:00:00 2026\r\n", DefectCode.MBOX_FROM_LINE),
        (b"\r\n\r\n", DefectCode.LEADING_BLANK_LINES),
    ],
)
def test_what_mailboxes_put_before_the_first_field_is_skipped(prefix: bytes, code: DefectCode) -> None:
    message = parse_message(prefix + b"Subject: hello\r\n\r\nbody")
    assert (message.value("subject"), bytes(message.body_bytes)) == ("hello", b"body")
    assert code in _codes(message)


def test_a_from_field_with_a_blank_before_the_colon_is_no_mbox_line() -> None:
    assert parse_message(b"From : ann@example.com\r\n\r\n").value("from") == "ann@example.com"


def test_junk_among_fields_is_skipped_while_well_known_fields_follow() -> None:
    message = parse_message(b"To: b\r\nthis is no field\r\nSubject: hello\r\n\r\nbody")
    assert message.value("subject") == "hello"
    assert DefectCode.JUNK_IN_HEADER in _codes(message)


def test_without_an_empty_line_the_body_begins_at_the_first_line_that_is_no_field() -> None:
    message = parse_message(b"Subject: hello\r\nDear Ann,\r\nNote: come at noon\r\n")
    assert bytes(message.body_bytes).startswith(b"Dear Ann,")
    assert DefectCode.MISSING_SEPARATOR in _codes(message)


def test_text_before_all_fields_is_junk_or_body() -> None:
    assert parse_message(b"some text\r\nSubject: hello\r\n\r\nx").value("subject") == "hello"
    assert parse_message(b"just text\r\nand more").header_fields == ()


def test_a_message_that_ends_in_its_header_says_so() -> None:
    assert DefectCode.HEADER_UNFINISHED in _codes(parse_message(b"Subject: hello\r\n"))


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"  padded \t", "padded"),
        (b"a\r\n  b\r\n\tc", "a b c"),
        (b"=?utf-8?q?a=0D=0AX-Evil:_1?=", "a X-Evil: 1"),
        (b"", ""),
    ],
)
def test_values_are_one_line_of_text(raw: bytes, value: str) -> None:
    assert parse_message(b"X: " + raw + b"\r\n\r\n").value("x") == value
