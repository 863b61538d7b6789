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
from postern.mime.parameters import parse_structured
from postern.mime.parts import MESSAGE_TYPES, MULTIPART, TEXT_PLAIN, Part

_HYPHENS_LINE = re.compile(rb"\n--([^\n]*+)")
_MEDIA_TYPE = re.compile(r"[^\s/;]+/[^\s;]+")
_BARE_TYPES = {"text": TEXT_PLAIN, "message": "message/rfc822", "multipart": "multipart/mixed"}
_DIGEST = "multipart/digest"
_RFC822 = "message/rfc822"
_ONCE = frozenset({"content-type", "content-transfer-encoding", "content-disposition", "content-id", "mime-version"})
_MAX_DETAIL = 80
_ENCODED = frozenset({"base64", "quoted-printable"})


class _Body(NamedTuple):
    """A part whose header is read: its body is `start` to `end`."""

    section: HeaderSection
    content_type: str
    start: int
    end: int
    depth: int
    path: str
    prefix: str


class Tree(NamedTuple):
    """The root part of a message and what was wrong on the way."""

    root: Part
    defects: tuple[Defect, ...]


class _Place(NamedTuple):
    """Where a part goes: its section number as a multipart and as anything else, and what its children's begin with."""

    leaf: str
    multipart: str
    prefix: str


class _Delimiter(NamedTuple):
    """A boundary line: where it begins, where the next line begins, and whether it closes the multipart."""

    offset: int
    next_line: int
    closing: bool


def read_tree(source: bytes, limits: MessageLimits) -> Tree:
    """Take a whole message apart."""
    budget = _Budget(limits.parts, limits.header_fields)
    root = _Walker(source, limits, budget).message(0, len(source), 0, "")
    return Tree(root, tuple(budget.defects))


class _Budget:
    """What may still be read of one message; shared by the walkers of encoded messages within it."""

    def __init__(self, parts: int, fields: int) -> None:
        self.parts, self.fields = parts, fields
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
        self._index: dict[bytes, list[tuple[int, int]]] | None = None

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
        content_type, boundary = self._media_type(section, default_type, place.leaf)
        path = place.multipart if content_type.startswith(MULTIPART) else place.leaf
        body = _Body(section, content_type, section.body_offset, end, depth, path, place.prefix)
        self._report_section(body)
        children = self._children(body, boundary)
        return Part(
            source=self.source,
            header_fields=section.fields,
            offset=start,
            body_offset=section.body_offset,
            end=end,
            content_type=content_type,
            path=path,
            depth=depth,
            children=children,
            max_decoded_bytes=self.limits.decoded_bytes,
        )

    def _media_type(self, section: HeaderSection, default_type: str, path: str) -> tuple[str, str]:
        """The type, and the boundary when it is a multipart; what cannot be read is text (RFC 2045 §5.2)."""
        declared = _first(section, "content-type")
        if declared is None:
            return default_type, ""
        value = parse_structured(decode_unlabelled(declared.raw_value))
        if _MEDIA_TYPE.fullmatch(value.word):
            return value.word, value.get("boundary") if value.word.startswith(MULTIPART) else ""
        self.budget.report(DefectCode.INVALID_CONTENT_TYPE, path, declared.unfolded)
        return _BARE_TYPES.get(value.word.rstrip("/"), TEXT_PLAIN), value.get("boundary")

    def _report_section(self, body: _Body) -> None:
        for code in body.section.defects:
            self.budget.report(code, body.path)
        seen = set()
        for one in body.section.fields:
            if one.name[:1] in "CcMm" and one.key in _ONCE:
                if one.key in seen:
                    self.budget.report(DefectCode.DUPLICATE_FIELD, body.path, one.key)
                seen.add(one.key)

    def _children(self, body: _Body, boundary: str) -> tuple[Part, ...]:
        is_multipart = body.content_type.startswith(MULTIPART)
        if not is_multipart and body.content_type not in MESSAGE_TYPES:
            return ()
        if body.depth >= self.limits.depth:
            self.budget.report(DefectCode.TOO_DEEP, body.path)
            return ()
        return self._parts_of(body, boundary) if is_multipart else self._message_in(body)

    def _message_in(self, body: _Body) -> tuple[Part, ...]:
        """The message within a message/rfc822, also where its octets are encoded although they may not be."""
        if self.budget.parts <= 0:
            self.budget.report(DefectCode.TOO_MANY_PARTS, body.path)
            return ()
        encoding = _first(body.section, "content-transfer-encoding")
        word = encoding.unfolded.lower() if encoding else ""
        if word in _ENCODED and not (word == "base64" and looks_like_field(self.source, body.start, body.end)):
            self.budget.report(DefectCode.ENCODED_CONTAINER, body.path, word)
            decoded = decode_content(self.source[body.start : body.end][: self.limits.decoded_bytes], word).octets
            inner = _Walker(decoded, self.limits, self.budget)
            return (inner.message(0, len(decoded), body.depth + 1, body.path),)
        return (self.message(body.start, body.end, body.depth + 1, body.path),)

    def _parts_of(self, body: _Body, boundary: str) -> tuple[Part, ...]:
        token = boundary.rstrip(" \t\r\n").encode("utf-8", "surrogatepass")
        if not token or len(token) > self.limits.boundary_bytes:
            self.budget.report(DefectCode.INVALID_BOUNDARY, body.path, boundary)
            return ()
        delimiters = self._delimiters(token, body)
        if not delimiters:
            self.budget.report(DefectCode.MISSING_PARTS, body.path, boundary)
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

    def _spans(self, delimiters: list[_Delimiter], body: _Body) -> list[tuple[int, int]]:
        """Where the parts lie: the line end before a delimiter belongs to the delimiter (RFC 2046 §5.1.1)."""
        closing = next((index for index, one in enumerate(delimiters) if one.closing), None)
        if closing is None:
            self.budget.report(DefectCode.MISSING_END_BOUNDARY, body.path)
            ends = [one.offset for one in delimiters[1:]]
            spans = [(one.next_line, self._before(end)) for one, end in zip(delimiters, ends, strict=False)]
            spans.append((delimiters[-1].next_line, body.end))
        else:
            if any(not one.closing for one in delimiters[closing:]):
                self.budget.report(DefectCode.PARTS_AFTER_END, body.path)
            pairs = zip(delimiters[:closing], delimiters[1 : closing + 1], strict=True)
            spans = [(one.next_line, self._before(after.offset)) for one, after in pairs]
        return [(min(start, body.end), max(min(start, body.end), end)) for start, end in spans]

    def _before(self, offset: int) -> int:
        """The offset of the line end before the line at `offset`."""
        return offset - 2 if self.source[offset - 2 : offset - 1] == b"\r" else offset - 1

    def _delimiters(self, token: bytes, body: _Body) -> list[_Delimiter]:
        """The lines in `body` that hold this boundary, in order."""
        index = self._boundary_lines()
        found = _within(index.get(token, []), body) + _within(index.get(token + b"--", []), body, closing=True)
        return sorted(found)

    def _boundary_lines(self) -> dict[bytes, list[tuple[int, int]]]:
        """Every line of the source that begins with two hyphens, by what follows them."""
        if self._index is None:
            self._index = {}
            for count, match in enumerate(_HYPHENS_LINE.finditer(self.source)):
                if count >= self.limits.boundary_lines:
                    self.budget.report(DefectCode.TOO_MANY_BOUNDARY_LINES, "")
                    break
                lines = self._index.setdefault(match.group(1).rstrip(b" \t\r"), [])
                lines.append((match.start() + 1, match.end() + 1))
        return self._index


def _within(lines: list[tuple[int, int]], body: _Body, *, closing: bool = False) -> list[_Delimiter]:
    first, last = bisect_left(lines, (body.start, 0)), bisect_left(lines, (body.end, 0))
    return [_Delimiter(offset, next_line, closing) for offset, next_line in lines[first:last]]


def _first(section: HeaderSection, key: str) -> HeaderField | None:
    for one in section.fields:
        if one.name[:1] in "Cc" and one.key == key:
            return one
    return None
