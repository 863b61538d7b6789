"""Transfer encodings: whole, broken, and made to hide something."""

from __future__ import annotations

import base64

import pytest

from postern.message import DefectCode
from postern.mime.decoding import decode_content

INVALID = DefectCode.INVALID_BASE64
INNER = DefectCode.BASE64_INNER_PADDING


@pytest.mark.parametrize(
    ("octets", "decoded", "defects"),
    [
        (b"aGVsbG8=\r\n", b"hello", ()),
        (b"aGVs\r\nbG8=", b"hello", ()),
        (b"aGVsbG8", b"hello", (INVALID,)),
        (b"aGVsb", b"hel", (INVALID,)),
        (b"aGV*sbG8=", b"hello", (INVALID,)),
        (b"aGVsbG8=\r\nd29ybGQ=\r\n", b"helloworld", (INNER,)),
        (b"aGVsbG8=\r\nThis is no base64 at all\r\n", b"hello", (INNER,)),
        (b"", b"", ()),
    ],
)
def test_base64(octets: bytes, decoded: bytes, defects: tuple[DefectCode, ...]) -> None:
    assert decode_content(octets, "base64") == (decoded, defects)


@pytest.mark.parametrize(
    ("octets", "decoded", "broken"),
    [
        (b"caf=C3=A9=\r\n au lait", "café au lait".encode(), False),
        (b"caf=c3=a9", "café".encode(), False),
        (b"soft= \t\r\nbreak", b"softbreak", False),
        (b"a=\rb\nc", b"ab\nc", False),
        (b"1 = 2", b"1 = 2", True),
        (b"=ZZ", b"=ZZ", True),
        (b"no escapes", b"no escapes", False),
        (b"end=", b"end", False),
    ],
)
def test_quoted_printable(octets: bytes, decoded: bytes, broken: bool) -> None:
    found = decode_content(octets, "quoted-printable")
    assert found.octets == decoded
    assert (DefectCode.INVALID_QUOTED_PRINTABLE in found.defects) == broken


@pytest.mark.parametrize("name", ["x-uuencode", "uuencode", "x-uue"])
def test_uuencode(name: str) -> None:
    encoded = b"look here:\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\n"
    assert decode_content(encoded, name) == (b"Cat", ())


def test_uuencode_that_is_none_stays_as_it_is() -> None:
    assert decode_content(b"no begin line", "uuencode") == (b"no begin line", (DefectCode.INVALID_UUENCODE,))


@pytest.mark.parametrize("name", ["", "7bit", "8bit", "binary"])
def test_identity(name: str) -> None:
    assert decode_content(b"a=3D\0", name) == (b"a=3D\0", ())


def test_an_unknown_encoding_leaves_the_content_and_is_told() -> None:
    assert decode_content(b"x", "x-rot13") == (b"x", (DefectCode.UNKNOWN_ENCODING,))


def test_base64_of_any_length_comes_back() -> None:
    for length in range(100):
        octets = bytes(range(length))
        assert decode_content(base64.encodebytes(octets), "base64").octets == octets
