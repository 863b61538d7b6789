"""Header sections: where each field begins and ends, octet for octet, and what its value says (RFC 5322 §2.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from postern.mime.charsets import decode_unlabelled
from postern.mime.defects import DefectCode
from postern.mime.encoded_words import decode_encoded_words

_FIELD = re.compile(rb"([!-9;-~\x80-\xff]++)[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+\n?")
"""A field with its continuation lines. Blanks before the colon are obsolete syntax (RFC 5322 §4.5.1)."""

_BLANK_LINE = re.compile(rb"\r*+(?:\n|\Z)")
_END_OF_SECTION = re.compile(rb"\n\r?\n")
_LINE = re.compile(rb"[^\n]*+\n?")
_LEADING_BLANK_LINES = re.compile(rb"(?:\r?\n)++")
_MBOX_FROM_LINE = re.compile(rb">?From [ \t]*+[^ \t:][^\n]*+\n")
_MAX_REPR = 80
_WELL_KNOWN_FIELD = re.compile(
    rb"\n(?:from|to|cc|subject|date|sender|reply-to|return-path|received|message-id|mime-version|dkim-signature"
    rb"|content-(?:type|transfer-encoding|disposition))[ \t]*+:",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class HeaderField:
    """One field, as a stretch of the message: `source[offset:end]`; its name is `source[offset:name_end]`.

    Not slotted, so that `value` is worked out once and only when somebody asks.
    """

    source: bytes = field(repr=False)
    offset: int
    name_end: int
    end: int

    def __repr__(self) -> str:
        return f"HeaderField({self.raw_field[:_MAX_REPR]!r})"

    @property
    def name(self) -> str:
        """The name as written, without blanks before the colon."""
        return self.source[self.offset : self.name_end].decode("latin-1")

    @property
    def colon(self) -> int:
        """The offset of the colon."""
        return self.source.index(b":", self.name_end)

    @property
    def key(self) -> str:
        """The name in lower case, for comparing."""
        return self.name.lower()

    @property
    def raw_field(self) -> bytes:
        """The whole field as received, folds and final line end included (what DKIM signs)."""
        return self.source[self.offset : self.end]

    @property
    def raw_name(self) -> bytes:
        """All that stands before the colon, trailing blanks included."""
        return self.source[self.offset : self.colon]

    @property
    def raw_value(self) -> bytes:
        """All that stands after the colon, folds included, without the final line end."""
        return self.source[self.colon + 1 : self.end].removesuffix(b"\n").removesuffix(b"\r")

    @cached_property
    def unfolded(self) -> str:
        """The value on one line, encoded words untouched: UTF-8 (RFC 6532), or windows-1252 when it is not.

        Each fold, with the blanks around it, becomes one blank; blanks at both ends are gone.
        """
        return decode_unlabelled(unfold(self.raw_value))

    @cached_property
    def value(self) -> str:
        """The value as a reader sees it: unfolded, encoded words decoded (RFC 2047)."""
        raw = self.raw_value
        if b"=?" not in raw:
            return decode_unlabelled(unfold(raw))
        return unfold_text(decode_encoded_words(decode_unlabelled(raw)))


@dataclass(frozen=True, slots=True)
class HeaderSection:
    """The fields of one section; `body_offset` is where the body begins."""

    fields: tuple[HeaderField, ...]
    body_offset: int
    defects: tuple[DefectCode, ...]


def unfold(value: bytes) -> bytes:
    """One line out of many: every fold and the blanks around it become one blank."""
    if b"\n" not in value:
        return value.strip(b" \t\r")
    return b" ".join(line for line in (piece.strip(b" \t\r") for piece in value.split(b"\n")) if line)


def unfold_text(value: str) -> str:
    """As `unfold`, for text."""
    if "\n" not in value:
        return value.strip(" \t\r")
    return " ".join(line for line in (piece.strip(" \t\r") for piece in value.split("\n")) if line)


def looks_like_field(source: bytes, offset: int, end: int) -> bool:
    """Whether a header field begins at `offset`."""
    return _FIELD.match(source, offset, end) is not None


def read_header_section(
    source: bytes, start: int, end: int, *, max_bytes: int, max_fields: int, of_message: bool
) -> HeaderSection:
    """The header section of the message (or, without `of_message`, the part) in `source[start:end]`.

    A message may begin with what mailboxes and careless programs put there: empty lines, an mbox `From ` line.
    In a part an empty first line means that there are no fields.
    """
    reader = _SectionReader(source, start, min(end, start + max_bytes), end, max_fields)
    if of_message:
        reader.skip_preliminaries()
    return reader.read()


class _SectionReader:
    """One pass over one section; lives only as long as the call."""

    def __init__(self, source: bytes, start: int, limit: int, end: int, max_fields: int) -> None:
        self.source, self.position, self.limit, self.end, self.max_fields = source, start, limit, end, max_fields
        self.fields: list[HeaderField] = []
        self.defects: list[DefectCode] = []

    def skip_preliminaries(self) -> None:
        blank = _LEADING_BLANK_LINES.match(self.source, self.position, self.limit)
        if blank and looks_like_field(self.source, blank.end(), self.limit):
            self.position = blank.end()
            self.defects.append(DefectCode.LEADING_BLANK_LINES)
        mbox = _MBOX_FROM_LINE.match(self.source, self.position, self.limit)
        if mbox:
            self.position = mbox.end()
            self.defects.append(DefectCode.MBOX_FROM_LINE)

    def read(self) -> HeaderSection:
        last_known = -1
        while True:
            self._read_fields()
            if self.position >= self.limit or len(self.fields) >= self.max_fields:
                return self._finished(self._position_after_limits())
            blank = _BLANK_LINE.match(self.source, self.position, self.limit)
            if blank:
                return self._finished(blank.end())
            if last_known < 0:
                last_known = self._last_well_known_field()
            if self.position >= last_known or self.source.startswith(b"--", self.position):
                self.defects.append(DefectCode.MISSING_SEPARATOR)
                return self._finished(self.position)
            self._skip_junk_line()

    def _read_fields(self) -> None:
        match, source, limit = _FIELD.match, self.source, self.limit
        position, fields, room = self.position, self.fields, self.max_fields
        while len(fields) < room and (found := match(source, position, limit)):
            end = found.end()
            fields.append(HeaderField(source, position, found.end(1), end))
            position = end
        self.position = position

    def _position_after_limits(self) -> int:
        """Where the body begins when fields, header octets or the part itself ran out before an empty line."""
        if len(self.fields) >= self.max_fields:
            self.defects.append(DefectCode.TOO_MANY_FIELDS)
            separator = _END_OF_SECTION.search(self.source, max(self.position - 1, 0), self.limit)
            return separator.end() if separator else self.limit
        unfinished = self.limit == self.end
        self.defects.append(DefectCode.HEADER_UNFINISHED if unfinished else DefectCode.HEADER_TOO_LARGE)
        return self.position

    def _last_well_known_field(self) -> int:
        """Up to where junk lines stand among fields: past this offset they are the beginning of the body.

        Mail readers skip junk and go on to the next field, other programs end the header there. A line like
        `Subject:` before the next empty line tells that the header goes on.
        """
        separator = _END_OF_SECTION.search(self.source, self.position, self.limit)
        stop = separator.start() if separator else self.limit
        last = 0
        for match in _WELL_KNOWN_FIELD.finditer(self.source, self.position, stop):
            last = match.end()
        return last

    def _skip_junk_line(self) -> None:
        line = _LINE.match(self.source, self.position, self.limit)
        if DefectCode.JUNK_IN_HEADER not in self.defects:
            self.defects.append(DefectCode.JUNK_IN_HEADER)
        self.position = line.end() if line else self.limit

    def _finished(self, body_offset: int) -> HeaderSection:
        return HeaderSection(tuple(self.fields), body_offset, tuple(self.defects))
