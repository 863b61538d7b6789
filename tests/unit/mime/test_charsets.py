"""Charsets: labels as mail uses them, repair of wrong ones, no label that could do harm."""

from __future__ import annotations

import pytest

from postern.mime.charsets import codec_name, decode_labelled, decode_unlabelled, decode_windows_1252


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("UTF-8", "utf-8"),
        (" 'utf8' ", "utf-8"),
        ("us-ascii", "ascii"),
        ("iso-8859-1", "windows-1252"),
        ("gb2312", "gb18030"),
        ("Shift_JIS", "cp932"),
        ("x-sjis", "cp932"),
        ("ks_c_5601-1987", "cp949"),
        ("iso-8859-8-i", "iso8859-8"),
        ("", ""),
        ("no-such", ""),
        ("idna", ""),
        ("punycode", ""),
        ("unicode_escape", ""),
        ("rot13", ""),
        ("base64", ""),
        ("a\0b", ""),
        ("é", ""),
        ("x" * 1000, ""),
    ],
)
def test_only_charsets_are_charsets(label: str, codec: str) -> None:
    assert codec_name(label) == codec


@pytest.mark.parametrize(
    ("octets", "label", "text", "right"),
    [
        ("café".encode(), "utf-8", "café", True),
        (b"caf\xe9", "iso-8859-1", "café", True),
        (b"\x93quoted\x94", "iso-8859-1", "“quoted”", True),
        ("café".encode(), "iso-8859-1", "café", False),
        ("café".encode(), "us-ascii", "café", False),
        (b"caf\xe9", "us-ascii", "café", False),
        (b"caf\xe9", "utf-8", "café", False),
        (b"caf\xe9", "", "café", False),
        ("日本語です".encode() + b"\xff", "utf-8", "日本語です\ufffd", False),
        ("naïve".encode("koi8-r", "replace"), "koi8-r", "na?ve", True),
        ("日本語".encode("iso2022_jp"), "iso-2022-jp", "日本語", True),
        (b"+2AA-", "utf-7", "\ufffd", True),
        (b"\xff\xff", "euc-jp", "\ufffd\ufffd", False),
    ],
)
def test_text_is_read_as_it_is_or_as_it_seems_to_be(octets: bytes, label: str, text: str, right: bool) -> None:
    found = decode_labelled(octets, label)
    assert (found.text, found.right) == (text, right)


def test_an_unknown_label_is_told_from_none() -> None:
    assert not decode_labelled(b"x", "no-such").known
    assert decode_labelled(b"x", "").known


def test_windows_1252_reads_every_octet() -> None:
    assert len(decode_windows_1252(bytes(range(256)))) == 256
    assert decode_windows_1252(b"\x80\x81") == "€\x81"


def test_unlabelled_octets_are_utf_8_or_windows_1252() -> None:
    assert (decode_unlabelled("é".encode()), decode_unlabelled(b"\xe9")) == ("é", "é")
