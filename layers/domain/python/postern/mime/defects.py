"""What can be wrong with a message: a closed set of words, each with what was done about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DefectCode(StrEnum):
    """The kinds of malformation a parse reports. None of them stops the parse."""

    BARE_CR_LINES = "bare_cr_lines"
    """The message has no line feed; carriage returns were read as line ends."""
    BARE_LF = "bare_lf"
    """The header section has line ends without carriage return."""
    NUL = "nul"
    """The header section contains NUL."""
    LEADING_BLANK_LINES = "leading_blank_lines"
    """Empty lines before the first header field were skipped."""
    MBOX_FROM_LINE = "mbox_from_line"
    """A first line in the manner of mbox (`From ann@example.com …`) was skipped."""
    JUNK_IN_HEADER = "junk_in_header"
    """A line that is no header field stands among the fields; it was skipped, as mail readers do."""
    MISSING_SEPARATOR = "missing_separator"
    """No empty line ends the header section; the body begins at the first line that is no field."""
    HEADER_UNFINISHED = "header_unfinished"
    """The message or part ends within its header section."""
    HEADER_TOO_LARGE = "header_too_large"
    """The header section is longer than `MessageLimits.header_bytes`; the rest belongs to the body."""
    TOO_MANY_FIELDS = "too_many_fields"
    """More fields than `MessageLimits.header_fields`; the rest were not read."""
    DUPLICATE_FIELD = "duplicate_field"
    """A Content- field that may occur once occurs more than once; the first counts."""
    INVALID_CONTENT_TYPE = "invalid_content_type"
    """Content-Type cannot be read; `text/plain` is assumed (RFC 2045 §5.2)."""
    INVALID_BOUNDARY = "invalid_boundary"
    """A multipart without a usable boundary parameter; its body is opaque."""
    MISSING_PARTS = "missing_parts"
    """A multipart in whose body its boundary never occurs; its body is read as text."""
    MISSING_END_BOUNDARY = "missing_end_boundary"
    """The closing boundary is missing; the last part ends where the multipart ends."""
    PARTS_AFTER_END = "parts_after_end"
    """Boundaries follow the closing one; they belong to the epilogue and were not read."""
    TOO_MANY_PARTS = "too_many_parts"
    """More parts than `MessageLimits.parts`; the rest were not read."""
    TOO_DEEP = "too_deep"
    """Parts nest deeper than `MessageLimits.depth`; the innermost is opaque."""
    TOO_MANY_BOUNDARY_LINES = "too_many_boundary_lines"
    """More lines begin with `--` than `MessageLimits.boundary_lines`; the rest were not compared."""
    ENCODED_CONTAINER = "encoded_container"
    """A message/rfc822 with base64 or quoted-printable (RFC 2046 §5.2.1 forbids it); it was decoded and read."""
    UNKNOWN_ENCODING = "unknown_encoding"
    """Content-Transfer-Encoding is not known; the content is taken as it stands."""
    INVALID_BASE64 = "invalid_base64"
    """Octets outside the alphabet or wrong padding; what could be decoded was."""
    BASE64_INNER_PADDING = "base64_inner_padding"
    """Something follows the padding; whole quanta of it were decoded too."""
    INVALID_QUOTED_PRINTABLE = "invalid_quoted_printable"
    """`=` without two hexadecimal digits or a line end; it was kept."""
    INVALID_UUENCODE = "invalid_uuencode"
    """The uuencoded content has no begin line or a broken line."""
    CONTENT_TRUNCATED = "content_truncated"
    """More than `MessageLimits.decoded_bytes` or `nested_bytes`; the rest was not decoded."""
    UNKNOWN_CHARSET = "unknown_charset"
    """The charset is not known; UTF-8 was tried, then windows-1252."""
    WRONG_CHARSET = "wrong_charset"
    """The content is not in its declared charset; it was read in the one it seems to be in."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One malformation: where (`path` is the part's section number, `1.2`) and, bounded, what."""

    code: DefectCode
    detail: str = ""
    path: str = ""
