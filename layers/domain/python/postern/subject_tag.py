"""Marking the subject of flagged mail. Off by default, because it breaks the author's DKIM signature."""

from __future__ import annotations

from base64 import b64encode

from postern.header_lines import clean_value
from postern.mime.headers import read_header_section

MAX_TAG = 40


def tag_subject(raw: bytes, tag: str) -> bytes:
    """`raw` with `tag` before its first subject; unchanged when it is there already or the tag is empty.

    A message without a subject gets one on top.
    """
    written = _encoded(tag.strip()[:MAX_TAG])
    if not written:
        return raw
    section = read_header_section(raw, 0, len(raw), max_bytes=len(raw), max_fields=len(raw), of_message=True)
    subject = next((field for field in section.fields if field.key == "subject"), None)
    if subject is None:
        at = section.fields[0].offset if section.fields else 0
        separator = b"" if section.fields or section.body_offset else b"\r\n"
        return raw[:at] + b"Subject: " + written + b"\r\n" + separator + raw[at:]
    if subject.raw_value.strip().startswith(written):
        return raw
    value_at = subject.colon + 1
    return raw[:value_at] + b" " + written + _spaced(raw[value_at:])


def _spaced(rest: bytes) -> bytes:
    return rest if rest[:1] in (b" ", b"\t", b"\r", b"\n") else b" " + rest


def _encoded(tag: str) -> bytes:
    if tag.isascii():
        return clean_value(tag).encode("ascii")
    return b"=?utf-8?b?" + b64encode(tag.encode("utf-8", "replace")) + b"?="
