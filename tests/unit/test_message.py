"""The message as a whole: frozen, bounded, and never an exception."""

from __future__ import annotations

import base64
import dataclasses
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postern.author import extract_author
from postern.message import DefectCode, Message, MessageLimits, parse_message
from postern.mime.addresses import parse_address_list
from postern.mime.bodies import sort_bodies
from postern.mime.dates import parse_date
from postern.mime.identifiers import parse_identifiers
from postern.mime.trace import parse_trace


def _codes(message: Message) -> set[DefectCode]:
    return {defect.code for defect in message.defects}


def test_a_message_cannot_be_changed() -> None:
    message = parse_message(b"Subject: x\r\n\r\nhello")
    with pytest.raises(dataclasses.FrozenInstanceError):
        message.body_offset = 3  # type: ignore[misc]  # that is what is tested
    with pytest.raises(dataclasses.FrozenInstanceError):
        message.root.end = 3  # type: ignore[misc]  # that is what is tested


def test_a_message_knows_its_size_its_parts_and_what_is_attached() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n"
        b"--b\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n%PDF\r\n--b--\r\n"
    )
    message = parse_message(raw)
    assert message.size == len(raw)
    assert [part.path for part in message.parts()] == ["TEXT", "1", "2"]
    assert [part.text() for part in message.text_parts] == ["hello"]
    assert [part.filename for part in message.attachments] == ["a.pdf"]
    assert "hello" not in repr(message)


def test_decoded_content_is_kept() -> None:
    part = parse_message(b"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=").root
    assert part.content() is part.content()
    assert part.text() is part.text()


@pytest.mark.parametrize(
    ("raw", "limits", "code"),
    [
        (b"A: 1\r\n" * 30 + b"\r\n", MessageLimits(header_fields=10), DefectCode.TOO_MANY_FIELDS),
        (b"A: 1\r\n" * 30 + b"\r\n", MessageLimits(header_bytes=50), DefectCode.HEADER_TOO_LARGE),
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 20 + b"--b--",
            MessageLimits(parts=10),
            DefectCode.TOO_MANY_PARTS,
        ),
        (b"Content-Type: message/rfc822\r\n\r\n" * 20, MessageLimits(depth=5), DefectCode.TOO_DEEP),
        (b"Content-Type: message/rfc822\r\n\r\n" * 20, MessageLimits(parts=5), DefectCode.TOO_MANY_PARTS),
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--x\r\n" * 20,
            MessageLimits(boundary_lines=10),
            DefectCode.TOO_MANY_BOUNDARY_LINES,
        ),
        (
            b"Content-Type: multipart/mixed; boundary=bbbb\r\n\r\n--bbbb\r\n\r\nx",
            MessageLimits(boundary_bytes=3),
            DefectCode.INVALID_BOUNDARY,
        ),
    ],
)
def test_a_limit_that_is_hit_is_told(raw: bytes, limits: MessageLimits, code: DefectCode) -> None:
    assert code in _codes(parse_message(raw, limits))


def test_encoded_messages_within_encoded_messages_cannot_fill_the_memory() -> None:
    layer = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    raw = layer.replace(b"=", b"=3D") * 40 + b"x" * 10_000
    message = parse_message(raw, MessageLimits(nested_bytes=50_000))
    assert sum(len(source) for source in {id(part.source): part.source for part in message.parts()}.values()) < 70_000
    assert DefectCode.CONTENT_TRUNCATED in _codes(message)


def test_after_too_many_fields_the_body_is_still_the_body() -> None:
    message = parse_message(b"A: 1\r\n" * 30 + b"\r\nbody", MessageLimits(header_fields=10))
    assert (len(message.header_fields), bytes(message.body_bytes)) == (10, b"body")


def test_decoded_content_is_bounded() -> None:
    raw = b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(b"x" * 1000)
    part = parse_message(raw, MessageLimits(decoded_bytes=100)).root
    assert len(part.content()) <= 75
    assert DefectCode.CONTENT_TRUNCATED in [defect.code for defect in part.content_defects()]


def _use_everything(message: Message) -> None:
    for part in message.parts():
        assert 0 <= part.offset <= part.body_offset <= part.end <= len(part.source)
        part.text().encode()
        "".join([*part.filenames, part.content_id, part.disposition, part.charset, *part.parameters.values()]).encode()
        assert part.line_count <= part.size
    for field in message.header_fields:
        assert "\n" not in field.value
        field.value.encode()
        assert field.raw_field.startswith(field.raw_name + b":")
        parse_address_list(field.unfolded)
        parse_date(field.unfolded)
        parse_identifiers(field.unfolded)
        parse_trace(field.unfolded)
    message.every_defect()
    author = extract_author(message)
    assert author.domain == "" or author.candidate_domains == (author.domain,)
    sort_bodies(message.root)


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_octets_are_a_message(raw: bytes) -> None:
    _use_everything(parse_message(raw))


PIECES = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"--b", b"--", b" ", b"\t", b":", b";", b"=", b'"', b"\\", b"(", b")", b"<",
     b">", b"@", b",", b"*0*=", b"''", b"%C3", b"\0", b"\xff", b"\xc3\xa9", b"=?utf-8?q?", b"?=", b"From", b"Subject: ",
     b"Content-Type: ", b"multipart/mixed; boundary=b", b"message/rfc822", b"text/plain; charset=", b"utf-7", b"+2AA-",
     b"Content-Transfer-Encoding: ", b"base64", b"quoted-printable", b"x-uuencode", b"begin 644 x\n", b"#0V%T",
     b"Content-Disposition: attachment; filename", b"QUJD", b"22 Nov 2026 10:00 ", b"a"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=60).map(b"".join))
def test_any_mixture_of_what_messages_are_made_of_is_a_message(raw: bytes) -> None:
    _use_everything(parse_message(raw))


def _header(value: bytes) -> bytes:
    names = (b"From", b"Content-Type", b"Content-Disposition", b"Subject", b"Received", b"Date")
    return b"".join(name + b": " + value + b"\r\n" for name in names) + b"\r\nx"


def _nested(depth: int) -> bytes:
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth))


MULTIPART = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"

HOSTILE: dict[str, Callable[[], bytes]] = {
    "100,000 fields": lambda: b"A: b\r\n" * 100_000 + b"\r\nx",
    "100,000 From fields": lambda: b"From: a@b.c\r\n" * 100_000 + b"\r\nx",
    "100,000 lines of junk": lambda: b"junk\r\nfrom: x\r\n" * 50_000 + b"\r\nx",
    "1 MB of folds": lambda: b"From: a\r\n" + b" x\r\n" * 250_000 + b"\r\n",
    "300,000 boundaries": lambda: MULTIPART + b"--b\r\n" * 300_000,
    "300,000 boundaries that are none": lambda: MULTIPART + b"--bx\r\n" * 300_000,
    "100,000 parts": lambda: MULTIPART + b"--b\r\nA: b\r\n\r\nx\r\n" * 100_000,
    "3,000 nested multiparts": lambda: _nested(3_000),
    "49 nested multiparts around 5 MB": lambda: _nested(49) + b"--zz\r\n" * 800_000,
    "3,000 nested messages": lambda: b"Content-Type: message/rfc822\r\n\r\n" * 3_000,
    "1 MB of carriage returns": lambda: b"\r" * 1_000_000,
    "1 MB of blanks": lambda: _header(b" " * 150_000),
    "quotes": lambda: _header(b'"' * 100_000),
    "quoted quotes": lambda: _header(b'"' + b'\\"' * 50_000),
    "open parentheses": lambda: _header(b"(" * 100_000),
    "nested parentheses": lambda: _header(b"(" * 50_000 + b")" * 50_000),
    "angle brackets": lambda: _header(b"<" * 50_000 + b">" * 50_000),
    "at signs": lambda: _header(b"@ " * 50_000),
    "addresses": lambda: _header(b"a@b," * 25_000),
    "encoded words": lambda: _header(b"=?utf-8?q?a?= " * 10_000),
    "encoded words that are none": lambda: _header(b"=?a?q?" * 20_000),
    "parameters": lambda: _header(b"a/b" + b";a*1*=b" * 15_000),
    "parameters without semicolons": lambda: _header(b"a/b" + b" a=b" * 25_000),
    "base64 padding": lambda: b"Content-Transfer-Encoding: base64\r\n\r\n" + b"AA==\r\n" * 300_000,
    "soft line breaks": lambda: b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=\r= " * 300_000,
    "UTF-7": lambda: b"Content-Type: text/plain; charset=utf-7\r\n\r\n" + b"+2AA-" * 100_000,
}


@pytest.mark.parametrize("build", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_messages_take_time_in_proportion_to_their_size(build: Callable[[], bytes]) -> None:
    """Each takes well under 0.2 s on a slow machine; quadratic work on any of them would take minutes."""
    raw = build()
    started = time.process_time()
    message = parse_message(raw)
    assert time.process_time() - started < 1.5
    for part in message.text_parts:
        part.text()
    message.every_defect()
    extract_author(message)
    sort_bodies(message.root)
    for field in message.header_fields[:100]:
        parse_trace(field.value)
        parse_date(field.value)
    assert time.process_time() - started < 4
