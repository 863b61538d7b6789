"""Encoded words: what is one, what vanishes between two, and what stays as it is."""

from __future__ import annotations

import pytest

from postern.mime.encoded_words import decode_encoded_words
from postern.mime.limits import MAX_ENCODED_WORDS


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("plain", "plain"),
        ("=?iso-8859-1?Q?a?= =?iso-8859-1?Q?b?=", "ab"),
        ("=?iso-8859-1?Q?a?=\r\n =?iso-8859-1?Q?b?=", "ab"),
        ("=?iso-8859-1?Q?a_b?= c", "a b c"),
        ("a =?utf-8?b?w6k=?= z", "a é z"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é"),
        ("=?US-ASCII*EN?Q?Keith?=", "Keith"),
        ("[tag]=?utf-8?q?x?=", "[tag]x"),
        ("=?utf-8?q?unfinished", "=?utf-8?q?unfinished"),
        ("=?utf-8?x?what?=", "=?utf-8?x?what?="),
        ("=?no-such-charset?q?caf=C3=A9?=", "café"),
        ("=?utf-8?b?aGVsbG8?=", "hello"),
        ("=?utf-8?b?!!!?=", ""),
        ("=?gb2312?B?xOO6ww==?=", "你好"),
    ],
)
def test_decoding(text: str, decoded: str) -> None:
    assert decode_encoded_words(text) == decoded


def test_words_beyond_the_limit_stay_as_they_are() -> None:
    decoded = decode_encoded_words("=?utf-8?q?a?= " * (MAX_ENCODED_WORDS + 2))
    assert decoded.startswith("a" * MAX_ENCODED_WORDS + " =?utf-8?q?a?=")
