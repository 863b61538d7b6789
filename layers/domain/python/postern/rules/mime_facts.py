"""Counts over the MIME parts of a message that `eval:check_for_mime(…)` and its like ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from postern.message import Message, Part
from postern.mime.defects import DefectCode
from postern.rules.body_texts import simple_type

MAX_LINES = 20_000
LONG_LINE = 79
"""78 octets and a line end (RFC 5322 §2.1.1)."""

_QUOTED = re.compile(rb"=(?:09|3[0-9ABCEF]|[2456][0-9A-F]|7[0-9A-E])")
_QUOTED_AT_END = re.compile(rb"((?:=09|=20)+)\s*\Z")
_NOT_ASCII_TEXT = re.compile(rb"[\x00\x0d\x80-\xff]")
_REFERENCE = re.compile(rb"&#x[0-9A-F]{4};")
_ASCII_NAME = re.compile(
    r"us-ascii|ansi_x3\.4-19[68]|iso-ir-6|iso_646\.irv:1991|ascii|iso646-us|us|ibm367|cp367|csascii"
)
_FIELD_LINE = re.compile(rb"[!-9;-~]+[ \t]*:")


_FLAGS = {
    "missing_head_body_separator": {DefectCode.MISSING_SEPARATOR, DefectCode.HEADER_UNFINISHED},
    "truncated_header": {DefectCode.HEADER_TOO_LARGE, DefectCode.TOO_MANY_FIELDS},
}


class MimeFacts:
    """The measures of one message; worked out in one pass when first asked for."""

    def __init__(self, message: Message) -> None:
        self._message = message

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """All parts, containers too."""
        return tuple(self._message.parts())

    @cached_property
    def charsets(self) -> tuple[str, ...]:
        """The charsets that parts declare."""
        return tuple(part.charset for part in self.parts if any(sign.isalpha() for sign in part.charset))

    @cached_property
    def measures(self) -> dict[str, float]:
        """By SpamAssassin's names: `mime_body_html_count`, `mime_qp_ratio` …"""
        found = dict.fromkeys(
            ("mime_body_html_count", "mime_body_text_count", "mime_base64_count", "mime_qp_count", "mime_attachment"),
            0.0,
        )
        found["mime_multipart_ratio"] = 1.0
        for part in self.parts:
            self._count_part(part, found)
        self._count_lines(found)
        return found

    def _count_part(self, part: Part, found: dict[str, float]) -> None:
        kind, encoding = simple_type(part), part.transfer_encoding
        if part.content_type == "multipart/alternative":
            found["mime_multipart_alternative"] = 1.0
        if kind == "text/html":
            found["mime_body_html_count"] += 1
        elif kind.startswith("text"):
            found["mime_body_text_count"] += 1
        if "base64" in encoding:
            found["mime_base64_count"] += 1
        elif "quoted-printable" in encoding:
            found["mime_qp_count"] += 1
        if part.disposition == "attachment":
            found["mime_attachment"] += 1
        plain = not part.charset or _ASCII_NAME.search(part.charset)
        if kind.startswith("text") and "base64" in encoding and plain and not part.disposition:
            found["mime_base64_encoded_text"] = 1.0
        if re.search(r"iso-\S+-\S+\b", part.charset) and not re.search(
            r"iso-(?:8859-\d{1,2}|2022-(?:jp|kr))\b", part.charset
        ):
            found["mime_bad_iso_charset"] = 1.0

    def _count_lines(self, found: dict[str, float]) -> None:
        octets: dict[str, int] = {}
        quoted_octets = quoted = plain = references = 0
        for part in self.parts:
            if part.children:
                continue
            kind, encoding = simple_type(part), part.transfer_encoding
            if (
                "mime_multipart_alternative" in found
                and part.disposition != "attachment"
                and kind in ("text/plain", "text/html")
            ):
                octets[kind] = part.size
            if encoding == "quoted-printable":
                size, count, long = _quoted_printable(part)
                quoted_octets, quoted = quoted_octets + size, quoted + count
                found["mime_qp_long_line"] = max(found.get("mime_qp_long_line", 0.0), float(long))
            if kind == "text/plain" and part.charset in ("", "us-ascii") and _has_illegal(part):
                found["mime_ascii_text_illegal"] = 1.0
            if kind == "text/plain" and encoding in ("", "7bit", "8bit"):
                references_here = len(_REFERENCE.findall(part.raw_body[:500_000]))
                references, plain = references + references_here, plain + part.size - 8 * references_here
        if quoted_octets:
            found["mime_qp_ratio"], found["mime_qp_count"] = quoted / quoted_octets, float(quoted)
        if plain > 0:
            found["mime_text_unicode_ratio"] = references / plain
        if octets.get("text/html") and "text/plain" in octets:
            found["mime_multipart_ratio"] = octets["text/plain"] / octets["text/html"]

    @cached_property
    def longest_base64_line(self) -> int:
        """The longest line of a part in base64, its line end included."""
        return max((len(line) for part in self._encoded("base64") for line in _lines(part)), default=0)

    def flag(self, name: str) -> bool:
        """What the structure shows: `missing_head_body_separator`, `mime_epilogue_exists` …"""
        codes = {defect.code for defect in self._message.defects}
        if name in _FLAGS:
            return not codes.isdisjoint(_FLAGS[name])
        if name == "mime_epilogue_exists":
            return any(_has_epilogue(part) for part in self.parts if part.is_multipart and part.children)
        if name == "missing_mime_headers":
            return any(_has_bare_part(part) for part in self.parts if part.is_multipart and part.children)
        return False

    def _encoded(self, encoding: str) -> Iterator[Part]:
        return (part for part in self.parts if not part.children and part.transfer_encoding == encoding)


def _lines(part: Part) -> list[bytes]:
    return part.raw_body[:2_000_000].replace(b"\r\n", b"\n").splitlines(keepends=True)[:MAX_LINES]


def _quoted_printable(part: Part) -> tuple[int, int, bool]:
    """Octets in all, octets written as `=XX` though they need not be, and whether there is a long line."""
    size = count = 0
    long = False
    for line in _lines(part):
        long = long or len(line) > LONG_LINE
        size += len(line)
        if b"=" in line:
            found = len(_QUOTED.findall(line))
            at_end = _QUOTED_AT_END.search(line) if found else None
            count += found - (len(at_end[1]) // 3 if at_end else 0)
    return size, count, long


def _has_illegal(part: Part) -> bool:
    body = part.raw_body[:500_000]
    return _NOT_ASCII_TEXT.search(body.replace(b"\r\n", b"\n")) is not None


def _has_epilogue(part: Part) -> bool:
    """Text after the last boundary line, other than dots."""
    boundary = part.media_type.get("boundary").encode("utf-8", "replace")
    if not boundary:
        return False
    at = part.source.rfind(b"--" + boundary + b"--", part.body_offset, part.end)
    if at < 0:
        return False
    end = part.source.find(b"\n", at, part.end)
    return end >= 0 and bool(part.source[end : part.end].translate(None, b" \t\r\n.\x0b\x0c"))


def _has_bare_part(part: Part) -> bool:
    """A part that begins with no header field."""
    return any(not _FIELD_LINE.match(child.source, child.offset) for child in part.children)
