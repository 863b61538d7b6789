"""Content-Transfer-Encoding undone (RFC 2045 §6), as far as the content allows: nothing raises, defects tell."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from itertools import takewhile
from typing import NamedTuple

from postern.mime.defects import DefectCode
from postern.mime.limits import MAX_BASE64_SEGMENTS, MAX_SOFT_BREAKS, MAX_UUENCODED_LINES

_IDENTITY = frozenset({"", "7bit", "8bit", "binary"})
_BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64_ALPHABET))
_LINE_BREAKS_AND_BLANKS = b" \t\r\n"
_PADDING_AND_BLANKS = b"=" + _LINE_BREAKS_AND_BLANKS
_BASE64_GRAMMAR = _BASE64_ALPHABET + _LINE_BREAKS_AND_BLANKS
_INNER_PADDING = re.compile(rb"(=[=\s]*+)")
_SOFT_BREAK_WITH_BLANKS = re.compile(rb"=[ \t]+(?=\r?\n)")
_BROKEN_ESCAPE = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n|\Z)")
_UU_BEGIN = re.compile(rb"^begin[ \t]+[0-7]{3,4}[ \t][^\n]*\n", re.MULTILINE)


class Decoded(NamedTuple):
    """The octets, and what was wrong with their encoding."""

    octets: bytes
    defects: tuple[DefectCode, ...] = ()


def decode_content(octets: bytes, transfer_encoding: str) -> Decoded:
    """Undo a transfer encoding (lower case, without comments); an unknown one leaves the content as it is."""
    if transfer_encoding in _IDENTITY:
        return Decoded(octets)
    decoder = _DECODERS.get(transfer_encoding)
    return decoder(octets) if decoder else Decoded(octets, (DefectCode.UNKNOWN_ENCODING,))


def decode_base64(octets: bytes) -> Decoded:
    """Characters outside the alphabet are passed over (RFC 2045 §6.8).

    Padding ends the content, unless whole quanta follow it: some mailers encode piece by piece, padding included,
    and some senders hope that a filter stops where a mail reader goes on.
    """
    body, _, rest = octets.partition(b"=")
    if rest.strip(_PADDING_AND_BLANKS):
        return _decode_base64_segments(octets)
    try:
        decoded = binascii.a2b_base64(octets)
    except binascii.Error:
        return Decoded(_decode_digits(body), (DefectCode.INVALID_BASE64,))
    clean = not body.translate(None, _BASE64_GRAMMAR)
    return Decoded(decoded) if clean else Decoded(decoded, (DefectCode.INVALID_BASE64,))


def _decode_base64_segments(octets: bytes) -> Decoded:
    pieces = _INNER_PADDING.split(octets, maxsplit=MAX_BASE64_SEGMENTS)
    decoded = [_decode_digits(pieces[0])]
    for piece, padding in zip(pieces[2::2], [*pieces[3::2], b""], strict=False):
        digits = piece.translate(None, b"\r\n")
        if digits.translate(None, _BASE64_ALPHABET) or (len(digits) + padding.count(b"=")) % 4:
            break
        decoded.append(_decode_digits(digits))
    return Decoded(b"".join(decoded), (DefectCode.BASE64_INNER_PADDING,))


def _decode_digits(octets: bytes) -> bytes:
    digits = octets.translate(None, _NOT_BASE64)
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def decode_quoted_printable(octets: bytes) -> Decoded:
    """RFC 2045 §6.7; blanks after the `=` of a soft line break are passed over, a broken escape is kept."""
    if b"=" not in octets:
        return Decoded(octets)
    if b"= " in octets or b"=\t" in octets:
        octets = _SOFT_BREAK_WITH_BLANKS.sub(b"=", octets, count=MAX_SOFT_BREAKS)
    if b"=\r" in octets:
        octets = octets.replace(b"=\r\n", b"=\n").replace(b"=\r", b"=\n")
    broken = _BROKEN_ESCAPE.search(octets) is not None
    defects = (DefectCode.INVALID_QUOTED_PRINTABLE,) if broken else ()
    return Decoded(binascii.a2b_qp(octets), defects)


def decode_uuencode(octets: bytes) -> Decoded:
    """From the `begin` line to `end`; without a begin line the content is taken as it is."""
    begin = _UU_BEGIN.search(octets)
    if begin is None:
        return Decoded(octets, (DefectCode.INVALID_UUENCODE,))
    lines = takewhile(
        _is_uu_line,
        (line.rstrip(b"\r") for line in octets[begin.end() :].split(b"\n", MAX_UUENCODED_LINES)[:MAX_UUENCODED_LINES]),
    )
    decoded = [_decode_uu_line(line) for line in lines]
    broken = any(line_broken for _, line_broken in decoded)
    content = b"".join(octets_of_line for octets_of_line, _ in decoded)
    return Decoded(content, (DefectCode.INVALID_UUENCODE,) if broken else ())


def _is_uu_line(line: bytes) -> bool:
    return bool(line) and line != b"end"


def _decode_uu_line(line: bytes) -> tuple[bytes, bool]:
    try:
        return binascii.a2b_uu(line), False
    except binascii.Error:
        wanted = (((line[0] - 32) & 63) * 4 + 5) // 3
    try:
        return binascii.a2b_uu(line[:wanted]), True
    except binascii.Error:
        return b"", True


_DECODERS: dict[str, Callable[[bytes], Decoded]] = {
    "base64": decode_base64,
    "quoted-printable": decode_quoted_printable,
    "x-uuencode": decode_uuencode,
    "x-uue": decode_uuencode,
    "uuencode": decode_uuencode,
    "uue": decode_uuencode,
}
