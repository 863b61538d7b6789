"""The tree of parts: well-formed, malformed, and forged to look different to different readers."""

from __future__ import annotations

import base64

import pytest

from postern.message import DefectCode, Message, Part, parse_message

HEAD = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


def _codes(message: Message) -> set[DefectCode]:
    return {defect.code for defect in message.defects}


def _leaves(message: Message) -> list[tuple[str, str, bytes]]:
    return [(part.path, part.content_type, part.content()) for part in message.parts() if not part.children]


def _part(message: Message, path: str) -> Part:
    return next(part for part in message.parts() if part.path == path)


def test_a_message_without_mime_is_one_part_of_text() -> None:
    message = parse_message(b"Subject: x\r\n\r\nhello\r\n")
    assert _leaves(message) == [("1", "text/plain", b"hello\r\n")]
    assert message.defects == ()


def test_parts_exclude_the_line_end_before_their_boundary() -> None:
    body = b"preamble\r\n--b\r\n\r\none\r\n--b \t\r\nContent-Type: text/html\r\n\r\ntwo\r\n\r\n--b--\r\nepilogue"
    message = parse_message(HEAD + body)
    assert _leaves(message) == [("1", "text/plain", b"one"), ("2", "text/html", b"two\r\n")]
    assert message.root.path == "TEXT"
    assert message.defects == ()


def test_sizes_and_lines_are_those_of_the_body_as_received() -> None:
    part = parse_message(HEAD + b"--b\r\n\r\none\r\ntwo\r\n--b--\r\n").root.children[0]
    assert (part.size, part.line_count, part.header_bytes) == (8, 2, b"\r\n")
    assert part.raw_body == b"one\r\ntwo"


def test_section_numbers_go_through_nested_messages() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n"
    body = b"--b\r\n\r\none\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"--b--\r\n"
    message = parse_message(HEAD + body)
    assert [part.path for part in message.parts()] == ["TEXT", "1", "2", "2.TEXT", "2.1"]
    plain = parse_message(b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nhello")
    assert [part.path for part in plain.parts()] == ["1", "1.1"]


def test_parts_of_a_digest_are_messages() -> None:
    raw = b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\nhello\r\n--b--\r\n"
    digest = parse_message(raw).root
    assert digest.children[0].content_type == "message/rfc822"
    nested = digest.children[0].children[0].first("subject")
    assert nested is not None
    assert nested.value == "x"


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_an_encoded_message_is_opened_although_it_may_not_be_encoded(encoding: str) -> None:
    inner = b"Subject: hidden\r\n\r\ninside"
    encoded = base64.encodebytes(inner) if encoding == "base64" else inner.replace(b"h", b"=68")
    head = f"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    message = parse_message(head + encoded)
    assert _leaves(message) == [("1.1", "text/plain", b"inside")]
    assert DefectCode.ENCODED_CONTAINER in _codes(message)


def test_a_message_that_only_claims_to_be_base64_is_read_as_it_stands() -> None:
    head = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert _leaves(parse_message(head + b"Subject: x\r\n\r\nplain")) == [("1.1", "text/plain", b"plain")]


@pytest.mark.parametrize(
    ("body", "leaves", "code"),
    [
        (b"--b\r\n\r\none", [b"one"], DefectCode.MISSING_END_BOUNDARY),
        (b"--b\r\n\r\none\r\n--b\r\n", [b"one"], DefectCode.MISSING_END_BOUNDARY),
        (b"--b--\r\n--b\r\n\r\nlate\r\n", [b"--b--\r\n--b\r\n\r\nlate\r\n"], DefectCode.PARTS_AFTER_END),
        (b"--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\nlate\r\n", [b"one"], DefectCode.PARTS_AFTER_END),
        (b"--bb\r\n\r\nno\r\n", [b"--bb\r\n\r\nno\r\n"], DefectCode.MISSING_PARTS),
        (b"just text", [b"just text"], DefectCode.MISSING_PARTS),
        (b"--b\r\nContent-Type: nonsense\r\n\r\none\r\n--b--", [b"one"], DefectCode.INVALID_CONTENT_TYPE),
        (b"--b\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\none\r\n--b--", [b"one"], DefectCode.DUPLICATE_FIELD),
        (b"--b\r\nSubject: x\r\n--b--", [b""], DefectCode.HEADER_UNFINISHED),
        (b"--b\r\none\r\n--b--", [b"one"], DefectCode.MISSING_SEPARATOR),
    ],
)
def test_malformed_multiparts(body: bytes, leaves: list[bytes], code: DefectCode) -> None:
    message = parse_message(HEAD + body)
    assert [content for _, _, content in _leaves(message)] == leaves
    assert code in _codes(message)


def test_a_multipart_without_parts_is_still_searched_as_text() -> None:
    assert [part.text() for part in parse_message(HEAD + b"buy now").text_parts] == ["buy now"]


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: multipart/mixed\r\n\r\n",
        b'Content-Type: multipart/mixed; boundary=""\r\n\r\n',
        b"Content-Type: multipart/mixed; boundary=" + b"x" * 1000 + b"\r\n\r\n",
    ],
)
def test_a_multipart_needs_a_usable_boundary(head: bytes) -> None:
    assert DefectCode.INVALID_BOUNDARY in _codes(parse_message(head + b"--\r\n\r\nx"))


def test_an_inner_boundary_may_begin_like_the_outer_one() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\none\r\n--bb--\r\n"
    message = parse_message(HEAD + b"--b\r\n" + inner + b"--b\r\n\r\ntwo\r\n--b--\r\n")
    assert [(path, content) for path, _, content in _leaves(message)] == [("1.1", b"one"), ("2", b"two")]


def test_the_outer_boundary_ends_an_unfinished_inner_multipart() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\none\r\n"
    message = parse_message(HEAD + b"--b\r\n" + inner + b"--b\r\n\r\ntwo\r\n--b--\r\n")
    assert [(path, content) for path, _, content in _leaves(message)] == [("1.1", b"one"), ("2", b"two")]


@pytest.mark.parametrize("boundary", [b'"caf\xc3\xa9"', b'"caf\xe9"', b'"a b "', b"'x'", b'"a\r\n b"'])
def test_unusual_boundaries(boundary: bytes) -> None:
    delimiter = b"--" + boundary.strip(b'"').rstrip().replace(b"\r\n", b"")
    raw = b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n"
    message = parse_message(raw + delimiter + b"\r\n\r\none\r\n" + delimiter + b"--\r\n")
    assert [content for _, _, content in _leaves(message)] == [b"one"]


@pytest.mark.parametrize(
    ("declared", "content_type"),
    [
        (b"TEXT/HTML", "text/html"),
        (b"text", "text/plain"),
        (b"html", "text/plain"),
        (b"", "text/plain"),
        (b"text/html/x", "text/html/x"),
        (b" application / pdf (really)", "application/pdf"),
    ],
)
def test_content_types(declared: bytes, content_type: str) -> None:
    assert parse_message(b"Content-Type: " + declared + b"\r\n\r\nx").root.content_type == content_type


def test_what_a_part_says_of_itself() -> None:
    head = (
        b"Content-Type: image/png; name=a.png\r\nContent-Disposition: ATTACHMENT; filename=b.png\r\n"
        b"Content-Transfer-Encoding: BASE64 (yes)\r\nContent-ID: <logo@example.com>\r\n\r\n"
    )
    part = parse_message(head + b"aGVsbG8=\r\n").root
    assert (part.disposition, part.filename, part.filenames) == ("attachment", "b.png", ("b.png", "a.png"))
    assert (part.transfer_encoding, part.content_id) == ("base64", "logo@example.com")
    assert (part.content(), part.is_attachment, part.is_text) == (b"hello", True, False)


def test_text_is_repaired_and_the_repair_told() -> None:
    part = parse_message(b"Content-Type: text/plain; charset=x-unheard\r\n\r\ncaf\xe9").root
    assert (part.text(), part.charset, part.text_charset) == ("café", "x-unheard", "windows-1252")
    assert [defect.code for defect in part.content_defects()] == [DefectCode.UNKNOWN_CHARSET]


def test_every_defect_includes_those_of_the_content() -> None:
    message = parse_message(b"Content-Transfer-Encoding: base64\r\n\r\naGVsb*G8=")
    assert [defect.code for defect in message.every_defect()] == [DefectCode.INVALID_BASE64]
    assert message.every_defect()[0].path == "1"
