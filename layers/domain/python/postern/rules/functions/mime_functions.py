"""Functions over the MIME structure of a message (SpamAssassin's MIMEEval)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from postern.rules.functions.kind import Function, number
from postern.rules.inspection import Inspection

MIN_LETTERS = 200
_ENCODED_LINE = re.compile(rb"(?:[A-Za-z0-9+/=]{60,76} ){2}")
_SHIFTED = re.compile(rb"\x1b\$B.*\x1b\(B", re.DOTALL)
_WORDS = re.compile(rb"\S\s+\S")
CAPITAL_CHARSETS = re.compile(
    r"[-_a-z0-9]*(?:koi|jp|jis|euc|gb|big5|isoir|cp1251|windows-1251|georgianps|pt154|tis)[-_a-z0-9]*\Z", re.IGNORECASE
)


def check_for_mime(inspection: Inspection, name: str) -> bool:
    """Whether a measure of the structure is not zero."""
    return bool(inspection.mime.measures.get(name))


def check_for_mime_html(inspection: Inspection) -> bool:
    """Whether there is HTML."""
    return _is_html(inspection) or inspection.mime.measures["mime_body_html_count"] > 0


def check_for_mime_html_only(inspection: Inspection) -> bool:
    """Whether there is HTML and no plain text."""
    measures = inspection.mime.measures
    return _is_html(inspection) or (measures["mime_body_html_count"] > 0 and not measures["mime_body_text_count"])


def _is_html(inspection: Inspection) -> bool:
    return inspection.headers.string("Content-Type").lower().startswith("text/html")


def check_mime_multipart_ratio(inspection: Inspection, least: str, most: str) -> bool:
    """Whether plain text per HTML, in octets, lies in that range."""
    return number(least) <= inspection.mime.measures["mime_multipart_ratio"] < number(most)


def check_for_ascii_text_illegal(inspection: Inspection) -> bool:
    """Whether text that is said to be ASCII is not."""
    return check_for_mime(inspection, "mime_ascii_text_illegal")


def check_abundant_unicode_ratio(inspection: Inspection, ratio: str) -> bool:
    """Whether plain text consists to that part of character references, which nobody would read."""
    return inspection.mime.measures.get("mime_text_unicode_ratio", 0.0) >= number(ratio)


def check_qp_ratio(inspection: Inspection, ratio: str) -> bool:
    """Whether so much of quoted-printable text is quoted without need."""
    return inspection.mime.measures.get("mime_qp_ratio", 0.0) >= number(ratio)


def check_base64_length(inspection: Inspection, least: str, most: str = "inf") -> bool:
    """Whether the longest line in base64 has that length."""
    return number(least) <= inspection.mime.longest_base64_line <= number(most, float("inf"))


def check_msg_parse_flags(inspection: Inspection, name: str) -> bool:
    """Whether something was wrong with the structure."""
    return inspection.mime.flag(name)


def check_for_faraway_charset(inspection: Inspection) -> bool:
    """Never: all charsets are welcome."""
    return False


def check_ma_non_text(inspection: Inspection) -> bool:
    """Whether one of several alternatives is not text."""
    for part in inspection.mime.parts:
        if part.content_type == "multipart/alternative":
            for child in part.children:
                kind = child.content_type
                if kind not in ("multipart/related", "application/rtf") and not kind.startswith(
                    ("text/", "multipart/")
                ):
                    return True
    return False


def check_for_uppercase(inspection: Inspection, least: str, most: str) -> bool:
    """Whether so many per cent of the letters are capitals."""
    if "uppercase" not in inspection.notes:
        inspection.notes["uppercase"] = _capitals(inspection)
    share: float = inspection.notes["uppercase"]
    return number(least) < share <= number(most)


def _capitals(inspection: Inspection) -> float:
    if any(CAPITAL_CHARSETS.match(charset) for charset in inspection.mime.charsets):
        return 0.0
    length = lower = upper = 0
    for line in inspection.bodies.lines:
        if not _WORDS.search(line) or _ENCODED_LINE.match(line):
            continue
        text = _SHIFTED.sub(b"", line) if b"\x1b" in line else line
        length += len(text)
        lower += len(text) - len(text.translate(None, b"abcdefghijklmnopqrstuvwxyz0123456789"))
        upper += len(text) - len(text.translate(None, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    if length < MIN_LETTERS or not upper + lower:
        return 0.0
    return upper / (upper + lower) * 100


FUNCTIONS: Mapping[str, Function] = {
    function.__name__: function
    for function in (
        check_for_mime, check_for_mime_html, check_for_mime_html_only, check_mime_multipart_ratio,
        check_for_ascii_text_illegal, check_abundant_unicode_ratio, check_qp_ratio, check_base64_length,
        check_msg_parse_flags, check_for_faraway_charset, check_ma_non_text, check_for_uppercase,
    )
}  # fmt: skip
