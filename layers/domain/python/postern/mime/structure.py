"""The tree of parts (RFC 2046 §5): multiparts cut at their boundaries, nested messages opened.

Boundaries are looked for once in the whole message, however deep it nests; then every multipart picks its own
out of that index. A delimiter is a line that holds the boundary and nothing else but blanks, so that a boundary
which begins like another is no danger; where boundaries repeat, the outermost multipart claims them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple

from postern.mime.charsets import decode_unlabelled
from postern.mime.decoding import decode_content
from postern.mime.defects import Defect, DefectCode
from postern.mime.headers import HeaderField, HeaderSection, looks_like_field, read_header_section
from postern.mime.limits import MessageLimits
from postern.mime.parameters import EMPTY, StructuredValue, parse_structured
from postern.mime.parts import MESSAGE_TYPES, MULTIPART, TEXT_PLAIN, Part

_HYPHENS_LINE = re.compile(rb"\n--([^\n]*+)")
_BLANKS = re.compile(rb"\s*+")
_MEDIA_TYPE = re.compile(r"[^\s/;]+/[^\s;]+")
_BARE_TYPES = {"text": TEXT_PLAIN, "message": "message/rfc822", "multipart": "multipart/mixed"}
_DIGEST = "multipart/digest"
_RFC822 = "message/rfc822"
_ONCE = frozenset(
    {b"content-type", b"content-transfer-encoding", b"content-disposition", b"content-id", b"mime-version"}
)
_FIRST_LETTERS = frozenset(b"CcMm")
_MAX_DETAIL = 80
_ENCODED = frozenset({"base64", "quoted-printable"})


class _Body(NamedTuple):
    """A part whose header is read: its body is `start` to `end`; `encoding` is its transfer encoding."""

    content_type: str
    boundary: bytes
    encoding: str
    start: int
    end: int
    depth: int
    path: str
    prefix: str


class _MediaType(NamedTuple):
    """What a part is: by its Content-Type, or what is assumed of it."""

    content_type: str
    value: StructuredValue
    boundary: bytes


class Tree(NamedTuple):
    """The root part of a message and what was wrong on the way."""

    root: Part
    defects: tuple[Defect, ...]


class _Place(NamedTuple):
    """Where a part goes: its section number as a multipart and as anything else, and what its children's begin with."""

    leaf: str
    multipart: str
    prefix: str


_Line = tuple[int, int]
"""Where a line begins and where the next one does."""


class _Delimiters(NamedTuple):
    """The boundary lines before each part, and the offset of the one that closes the multipart."""

    parting: list[_Line]
    closing: int | None


def read_tree(source: bytes, limits: MessageLimits) -> Tree:
    """Take a whole message apart."""
    budget = _Budget(limits)
    root = _Walker(source, limits, budget).message(0, len(source), 0, "")
    return Tree(root, tuple(budget.defects))


class _Budget:
    """What may still be read of one message; shared by the walkers of encoded messages within it."""

    def __init__(self, limits: MessageLimits) -> None:
        self.parts, self.fields, self.octets = limits.parts, limits.header_fields, limits.nested_bytes
        self.defects: list[Defect] = []

    def report(self, code: DefectCode, path: str, detail: str = "") -> None:
        """Note a defect once for each part."""
        defect = Defect(code, detail[:_MAX_DETAIL], path)
        if defect not in self.defects[-8:]:
            self.defects.append(defect)


class _Walker:
    """Reads parts out of one stretch of octets; lives only as long as the parse."""

    def __init__(self, source: bytes, limits: MessageLimits, budget: _Budget) -> None:
        self.source, self.limits, self.budget = source, limits, budget
        self._index: dict[bytes, list[_Line]] | None = None

    def message(self, start: int, end: int, depth: int, path: str) -> Part:
        """The root part of the message in `source[start:end]`; `path` is that of the part which holds it."""
        dot = f"{path}." if path else ""
        return self._part(start, end, depth, _Place(f"{dot}1", f"{dot}TEXT", dot), TEXT_PLAIN, of_message=True)

    def _part(self, start: int, end: int, depth: int, place: _Place, default_type: str, *, of_message: bool) -> Part:
        self.budget.parts -= 1
        section = read_header_section(
            self.source,
            start,
            end,
            max_bytes=self.limits.header_bytes,
            max_fields=self.budget.fields,
            of_message=of_message,
        )
        self.budget.fields -= len(section.fields)
        found, twice = _content_fields(section)
        media = _media_type(found.get(b"content-type"), default_type)
        path = place.multipart if media.content_type.startswith(MULTIPART) else place.leaf
        self._report_header(path, section, media, twice)
        encoding = found.get(b"content-transfer-encoding")
        word = encoding.unfolded.lower() if encoding else ""
        body = _Body(media.content_type, media.boundary, word, section.body_offset, end, depth, path, place.prefix)
        return Part(
            source=self.source,
            header_fields=section.fields,
            offset=start,
            body_offset=section.body_offset,
            end=end,
            content_type=media.content_type,
            media_type=media.value,
            path=path,
            depth=depth,
            children=self._children(body),
            max_decoded_bytes=self.limits.decoded_bytes,
        )

    def _report_header(self, path: str, section: HeaderSection, media: _MediaType, twice: list[bytes]) -> None:
        for code in section.defects:
            self.budget.report(code, path)
        for key in twice:
            self.budget.report(DefectCode.DUPLICATE_FIELD, path, key.decode("latin-1"))
        if media.value.word != media.content_type and media.value is not EMPTY:
            self.budget.report(DefectCode.INVALID_CONTENT_TYPE, path, media.value.word)

    def _children(self, body: _Body) -> tuple[Part, ...]:
        is_multipart = body.content_type.startswith(MULTIPART)
        if not is_multipart and body.content_type not in MESSAGE_TYPES:
            return ()
        if body.depth >= self.limits.depth:
            self.budget.report(DefectCode.TOO_DEEP, body.path)
            return ()
        return self._parts_of(body) if is_multipart else self._message_in(body)

    def _message_in(self, body: _Body) -> tuple[Part, ...]:
        """The message within a message/rfc822, also where its octets are encoded although they may not be."""
        if self.budget.parts <= 0:
            self.budget.report(DefectCode.TOO_MANY_PARTS, body.path)
            return ()
        mislabelled = body.encoding == "base64" and looks_like_field(self.source, body.start, body.end)
        if body.encoding in _ENCODED and not mislabelled:
            return self._encoded_message_in(body)
        return (self.message(body.start, body.end, body.depth + 1, body.path),)

    def _encoded_message_in(self, body: _Body) -> tuple[Part, ...]:
        self.budget.report(DefectCode.ENCODED_CONTAINER, body.path, body.encoding)
        self.budget.octets -= body.end - body.start
        if self.budget.octets < 0:
            self.budget.report(DefectCode.CONTENT_TRUNCATED, body.path)
            return ()
        decoded = decode_content(self.source[body.start : body.end], body.encoding).octets
        return (_Walker(decoded, self.limits, self.budget).message(0, len(decoded), body.depth + 1, body.path),)

    def _parts_of(self, body: _Body) -> tuple[Part, ...]:
        usable = 0 < len(body.boundary) <= self.limits.boundary_bytes
        delimiters = self._delimiters(body) if usable else _Delimiters([], None)
        if not delimiters.parting:
            code = DefectCode.MISSING_PARTS if usable else DefectCode.INVALID_BOUNDARY
            self.budget.report(code, body.path, body.boundary[:_MAX_DETAIL].decode("latin-1"))
            return ()
        default_type = _RFC822 if body.content_type == _DIGEST else TEXT_PLAIN
        children = []
        for number, (start, end) in enumerate(self._spans(delimiters, body), 1):
            if self.budget.parts <= 0:
                self.budget.report(DefectCode.TOO_MANY_PARTS, body.path)
                break
            path = f"{body.prefix}{number}"
            place = _Place(path, path, f"{path}.")
            children.append(self._part(start, end, body.depth + 1, place, default_type, of_message=False))
        return tuple(children)

    def _spans(self, delimiters: _Delimiters, body: _Body) -> list[tuple[int, int]]:
        """Where the parts lie: the line end before a delimiter belongs to the delimiter (RFC 2046 §5.1.1).

        Where nothing follows the last delimiter, it was meant to be the closing one.
        """
        starts = [next_line for _, next_line in delimiters.parting]
        ends = [self._before(offset) for offset, _ in delimiters.parting[1:]]
        if delimiters.closing is not None:
            ends.append(self._before(delimiters.closing))
        else:
            self.budget.report(DefectCode.MISSING_END_BOUNDARY, body.path)
            if len(starts) > 1 and _BLANKS.fullmatch(self.source, starts[-1], max(starts[-1], body.end)):
                starts.pop()
            else:
                ends.append(body.end)
        return [(min(start, body.end), max(min(start, body.end), end)) for start, end in zip(starts, ends, strict=True)]

    def _before(self, offset: int) -> int:
        """The offset of the line end before the line at `offset`."""
        return offset - 2 if self.source[offset - 2 : offset - 1] == b"\r" else offset - 1

    def _delimiters(self, body: _Body) -> _Delimiters:
        """The lines in `body` that hold its boundary, up to the first that closes it or the limit of parts."""
        index = self._boundary_lines()
        closing = _within(index.get(body.boundary + b"--", []), body.start, body.end, 1)
        end = closing[0][0] if closing else body.end
        lines = index.get(body.boundary, [])
        if closing and _within(lines, end, body.end, 1):
            self.budget.report(DefectCode.PARTS_AFTER_END, body.path)
        parting = _within(lines, body.start, end, self.budget.parts + 1)
        return _Delimiters(parting, end if closing else None)

    def _boundary_lines(self) -> dict[bytes, list[_Line]]:
        """Every line of the source that begins with two hyphens, by what follows them."""
        if self._index is None:
            self._index = {}
            for count, match in enumerate(_HYPHENS_LINE.finditer(self.source)):
                if count >= self.limits.boundary_lines:
                    self.budget.report(DefectCode.TOO_MANY_BOUNDARY_LINES, "")
                    break
                start, end = match.span()
                self._index.setdefault(match[1].rstrip(b" \t\r"), []).append((start + 1, end + 1))
        return self._index


def _within(lines: list[_Line], start: int, end: int, most: int) -> list[_Line]:
    """The first lines that begin from `start` on and before `end`."""
    first, last = bisect_left(lines, (start, 0)), bisect_left(lines, (end, 0))
    return lines[first : min(last, first + most)]


def _content_fields(section: HeaderSection) -> tuple[dict[bytes, HeaderField], list[bytes]]:
    """The first of each field that describes content, and the names of those that occur again."""
    found: dict[bytes, HeaderField] = {}
    twice: list[bytes] = []
    for one in section.fields:
        source, offset = one.source, one.offset
        if source[offset] in _FIRST_LETTERS and (key := source[offset : one.name_end].lower()) in _ONCE:
            if key in found:
                twice.append(key)
            else:
                found[key] = one
    return found, twice


def _media_type(declared: HeaderField | None, default_type: str) -> _MediaType:
    """The type, and the boundary when it is a multipart; what cannot be read is text (RFC 2045 §5.2)."""
    if declared is None:
        return _MediaType(default_type, EMPTY, b"")
    raw = declared.raw_value
    value = parse_structured(decode_unlabelled(raw))
    content_type = value.word
    if not _MEDIA_TYPE.fullmatch(content_type):
        content_type = _BARE_TYPES.get(content_type.rstrip("/"), TEXT_PLAIN)
    if not content_type.startswith(MULTIPART):
        return _MediaType(content_type, value, b"")
    boundary = value.get("boundary").rstrip(" \t\r\n")
    return _MediaType(content_type, value, _as_written(boundary, raw))


def _as_written(boundary: str, raw: bytes) -> bytes:
    """The octets of a boundary that was read by `decode_unlabelled`: ASCII, or what the sender made of it."""
    octets = boundary.encode("utf-8", "surrogatepass")
    return octets if octets in raw else boundary.encode("cp1252", "replace")
