"""The bodies of a message in the four shapes that rules are tried on: rendered, raw, and how they are cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from postern.message import Message, Part
from postern.mime.decoding import decode_content
from postern.rules.rendering import Rendering, render

MAX_LINE = 2_048
"""Longer lines and chunks are cut, preferably where a blank or a tag ends."""

MAX_RENDERED = 50_000
MAX_RAW = 500_000
"""Characters of one part that are looked at: SpamAssassin's `body_part_scan_size` and `rawbody_part_scan_size`."""

MAX_PARTS = 200
MAX_ALL_PARTS = 2_000_000
"""Characters of all parts together that are rendered."""

MAX_BLANK_LINES = 20

_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_WIDE = _SPACE.replace(" ", "")
_PARAGRAPH_ENDS = re.compile(rf"\n+[{_SPACE}]*\n+")
_SPACES = re.compile(rf"[{_WIDE}][{_SPACE}]*| [{_SPACE}]+")
"""White space that is not one blank already: most of it is, and stays as it is."""

_ASCII_PARAGRAPH_ENDS = re.compile(rb"\n+[\t\n\x0b\x0c\r ]*\n+")

_TRAILING_BLANKS = re.compile(rb"[ \t]+(?=\r?\n)")
_HTML_NAME = re.compile(r"\.s?html?\Z", re.IGNORECASE)
_NOT_PLAIN = frozenset({"text/x-vcard", "text/calendar", "text/html"})
_BLANK_LINES = re.compile(rb"^(?:[ \t\r\x0b\x0c]*+\n){20,}+", re.MULTILINE)


@dataclass(frozen=True)
class RenderedPart:
    """A leaf of the message with its text; `ascii`: its source is; `rendering` is `None` when it is not HTML."""

    part: Part
    type: str
    text: str
    ascii: bool
    rendering: Rendering | None = None


class BodyTexts:
    """The bodies of one message, each worked out when first asked for."""

    def __init__(self, message: Message, subject: bytes) -> None:
        self._message = message
        self._subject = subject

    @cached_property
    def leaves(self) -> tuple[Part, ...]:
        """The parts without parts, in order."""
        return tuple(part for part in self._message.parts() if not part.children)[:MAX_PARTS]

    @cached_property
    def rendered(self) -> tuple[RenderedPart, ...]:
        """The leaves that are text, rendered."""
        return tuple(self._render())

    @property
    def html(self) -> Iterator[Rendering]:
        """The renderings of the HTML parts."""
        return (one.rendering for one in self.rendered if one.rendering is not None)

    @cached_property
    def lines(self) -> tuple[bytes, ...]:
        """What `body` rules see: the subject, then a line for each paragraph, UTF-8."""
        texts = {id(one.part): _cut_rendered(one.text) for one in self.rendered}
        text = ""
        for part in self.leaves:
            text += ("\n" if text else "") + texts.get(id(part), "")
        octets = _wide_lines(text) if self._is_wide else _ascii_lines(text.encode("latin-1", "replace"))
        return tuple(_short_lines(self._subject + octets.replace(b"\0", b"\n")))

    @cached_property
    def _is_wide(self) -> bool:
        """Whether the text is UTF-8. Where all parts are ASCII, what their HTML references name is one octet each."""
        return not all(one.ascii and (one.text.isascii() or max(one.text) <= "\xff") for one in self.rendered)

    @cached_property
    def chunks(self) -> tuple[bytes, ...]:
        """What `rawbody` rules see: text parts with their transfer encoding undone, in chunks of lines."""
        return tuple(
            chunk
            for part in self.leaves
            if effective_type(part).startswith(("text/", "message/")) and part.content_type != "text/calendar"
            for chunk in short_chunks(_cut_raw(decoded(part)))
        )

    def _render(self) -> Iterator[RenderedPart]:
        room = MAX_ALL_PARTS
        for part in self.leaves:
            kind = effective_type(part)
            if kind not in ("text/plain", "text/html") or room <= 0:
                continue
            source = part.text()[:room]
            if "\r" in source:
                source = source.replace("\r\n", "\n")
            room -= len(source)
            if kind == "text/html" and source:
                rendering = render(source, len(part.content()))
                yield RenderedPart(part, kind, rendering.text, source.isascii(), rendering)
            else:
                yield RenderedPart(part, kind, source, source.isascii())


def simple_type(part: Part) -> str:
    """The media type, most of `text/…` taken for `text/plain`."""
    kind = part.content_type
    if (kind.startswith("text") and kind not in _NOT_PLAIN) or (kind.startswith("multipart/") and not part.children):
        return "text/plain"
    return kind


def effective_type(part: Part) -> str:
    """As `simple_type`; a file name that ends in `.html` makes it HTML."""
    return "text/html" if _HTML_NAME.search(part.filename) else simple_type(part)


def decoded(part: Part) -> bytes:
    """The content with LF for line ends."""
    encoding = part.transfer_encoding
    octets = part.content()
    if encoding == "quoted-printable" and _TRAILING_BLANKS.search(part.source, part.body_offset, part.end):
        octets = decode_content(_TRAILING_BLANKS.sub(b"", part.raw_body), encoding).octets
    octets = octets.replace(b"\r\n", b"\n") if b"\r" in octets else octets
    return octets if encoding == "base64" else _with_few_blank_lines(octets, nested=part.depth > 0)


def _with_few_blank_lines(octets: bytes, *, nested: bool) -> bytes:
    """Of more than 20 blank lines in a row the first and the last 19 stay, as SpamAssassin reads a message.

    In a part within a message the empty line that ends its header section is the first of such a row.
    """

    def shorter(found: re.Match[bytes]) -> bytes:
        lines = found[0].splitlines(keepends=True)
        if nested and not found.start():
            return b"".join(lines[1 - MAX_BLANK_LINES :])
        return b"".join(lines[:1] + lines[max(1, len(lines) + 1 - MAX_BLANK_LINES) :])

    return _BLANK_LINES.sub(shorter, octets)


def _cut_rendered(text: str) -> str:
    if len(text) <= MAX_RENDERED:
        return text
    for sign in "\n ":
        at = text.find(sign, MAX_RENDERED)
        if 0 <= at - MAX_RENDERED <= 1_024:
            return text[: at + 1]
    return text[:MAX_RENDERED]


def _cut_raw(octets: bytes) -> bytes:
    if len(octets) <= MAX_RAW:
        return octets
    for sign in (b"\n", b">", b" "):
        at = octets.find(sign, MAX_RAW)
        if 0 <= at - MAX_RAW <= 1_024:
            return octets[: at + 1]
    return octets[:MAX_RAW]


def _wide_lines(text: str) -> bytes:
    """Every paragraph a line, white space squeezed."""
    lines = "\n".join(_SPACES.sub(" ", paragraph) for paragraph in _PARAGRAPH_ENDS.split(text))
    return lines.encode("utf-8", "replace")


def _ascii_lines(text: bytes) -> bytes:
    """As `_wide_lines`, where only ASCII's white space counts; between full stops a blank at either end stays."""
    paragraphs = _ASCII_PARAGRAPH_ENDS.split(text)
    return b"\n".join(b" ".join((b".%b." % paragraph).split())[1:-1] for paragraph in paragraphs)


def _short_lines(octets: bytes) -> Iterator[bytes]:
    for line in octets.split(b"\n"):
        whole = line + b"\n"
        while len(whole) > MAX_LINE:
            length = whole.rfind(b" ", 0, MAX_LINE + 1) + 1 or MAX_LINE
            yield whole[:length]
            whole = whole[length:]
        yield whole


def short_chunks(octets: bytes) -> Iterator[bytes]:
    """Stretches of 2 to 4 kB, cut after a line end, a tag or a blank where there is one."""
    if len(octets) <= MAX_LINE:
        yield octets
        return
    start = 0
    while len(octets) - start > 2 * MAX_LINE:
        end = start + MAX_LINE
        for sign in (b"\n", b">", b" "):
            at = octets.find(sign, start + MAX_LINE, start + 2 * MAX_LINE)
            if at >= 0:
                end = at
                break
        yield octets[start : end + 1]
        start = end + 1
    if start < len(octets):
        yield octets[start:]
