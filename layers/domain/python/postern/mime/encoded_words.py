"""Encoded words in header fields (RFC 2047), decoded as mail readers decode them: also without blanks around."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from postern.mime.charsets import decode_labelled
from postern.mime.limits import MAX_ENCODED_WORDS

ENCODED_WORD = re.compile(r"=\?([^?\s=]{1,75})\?([BbQq])\?([^?]*+)\?=")
"""RFC 2047 §2; blanks within the text, which the RFC forbids, and an empty text are accepted."""

_FOLD_INSIDE = re.compile(r"\r?\n[ \t]+")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]+")


class _Word(NamedTuple):
    """One encoded word or the text between two: `charset` is empty for the latter."""

    charset: str
    octets: bytes
    text: str


def decode_encoded_words(text: str) -> str:
    """`text` with its encoded words decoded; blanks between two encoded words vanish (RFC 2047 §6.2).

    Neighbours in one charset are joined before they are decoded, since many mailers split a character between
    two words. What is not an encoded word stays as it is.
    """
    if "=?" not in text:
        return text
    return "".join(_joined(_words(text)))


def _words(text: str) -> Iterator[_Word]:
    position = 0
    for match in islice(ENCODED_WORD.finditer(text), MAX_ENCODED_WORDS):
        between = text[position : match.start()]
        if between and (not position or not between.isspace()):
            yield _Word("", b"", between)
        charset, encoding, encoded = match.groups()
        yield _Word(charset.partition("*")[0].lower(), _octets(encoding, encoded), "")
        position = match.end()
    yield _Word("", b"", text[position:])


def _joined(words: Iterator[_Word]) -> Iterator[str]:
    charset = ""
    run: list[bytes] = []
    for word in words:
        if word.charset != charset and run:
            yield decode_labelled(b"".join(run), charset).text
            run = []
        charset = word.charset
        if charset:
            run.append(word.octets)
        else:
            yield word.text


def _octets(encoding: str, encoded: str) -> bytes:
    encoded = _FOLD_INSIDE.sub("", encoded)
    if encoding in "Qq":
        return binascii.a2b_qp(encoded.encode("utf-8", "surrogatepass"), header=True)
    digits = _NOT_BASE64.sub("", encoded)
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    return binascii.a2b_base64(digits + "=" * (-len(digits) % 4))
