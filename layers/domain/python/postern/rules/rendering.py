"""HTML as SpamAssassin renders it: its rules' thresholds and patterns were made for this text and these counts.

What a reader sees, for our own judgement, is `postern.text.html`; this is the measure that borrowed rules expect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape

from postern.rules.colours import is_low_contrast, rgb
from postern.rules.html_words import ELEMENTS, STYLED, TRICKS, WHITE_SPACE
from postern.rules.relative_uris import resolve
from postern.rules.written_styles import Style, written_style
from postern.text.markup import Kind, attributes, tokens

MAX_URI_LENGTH = 8_192
MAX_DETAILS = 2_000
MAX_STYLES = 500
_BLANKS = re.compile(r"[\t\n\r\f\x0b][ \t\n\r\f\x0b]*| [ \t\n\r\f\x0b]+")
"""White space that is not one blank already: most of it is."""

_WORD_BEGINNING = re.compile(r"[^\s\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]")
_SHORT_BEGINNING = re.compile(r"([^\s\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]{1,7})\b")
_SHORT_END = re.compile(r"\b([^\s\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]{1,7})\Z")
_NAMESPACE = re.compile(r"(?:o|st\d):[\w-]+/?\Z")
_EMPTY_ELEMENT = re.compile(r"<(\w+)\s*/>")
_FACE = re.compile(
    r"""\s*["'.]?[a-z ][a-z -]*[a-z]\d?["']?(?:,\s*["']?[a-z][a-z -]*[a-z]\d?["']?)*;?\Z""", re.IGNORECASE
)
_CONTROL_REFERENCE = re.compile(r"&#0*(12[89]|1[34]\d|15\d);?")
_LENGTH = re.compile(r"(\d+)(%)?\Z")
_REFRESH = re.compile(r".*\burl\s*=\s*", re.IGNORECASE | re.DOTALL)
_CHARSET = re.compile(r"""\bcharset\s*=\s*["']?([^"']+)""", re.IGNORECASE)
_LAST_NAME = re.compile(r"([a-z]+:/{0,2}[^/]+/.*?)[^/.]+\.[^/.]{2,4}\Z", re.IGNORECASE | re.DOTALL)
_SOURCES = {
    **dict.fromkeys(("body", "table", "tr", "td"), ("background",)),
    **dict.fromkeys(("a", "area", "link"), ("href", "data-saferedirecturl")),
    **dict.fromkeys(("img", "frame", "iframe", "embed", "script", "bgsound"), ("src",)),
    "form": ("action",),
}
_OTHER_SCHEMES = ("data:", "mailto:", "file:", "cid:", "tel:")


@dataclass(slots=True)
class UriDetail:
    """What is known of a URI that the HTML names: the elements that name it and the texts of its anchors."""

    types: set[str] = field(default_factory=set)
    anchors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Rendering:
    """The text of an HTML part, and the measures that `eval:html_…` functions ask for.

    `inside` has, for every tag that occurs, how many are still open at the end; `numbers` the named measures.
    """

    text: str = ""
    inside: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    charsets: list[str] = field(default_factory=list)
    uris: dict[str, UriDetail] = field(default_factory=dict)
    uri_truncated: bool = False


def render(source: str, octets: int) -> Rendering:
    """Render one document; `octets` is the length of the part before its charset was undone."""
    renderer = _Renderer()
    source = source.replace("&nbsp;", " ").replace("\u201c", '"').replace("\u201d", '"')
    for kind, name, text in tokens(_EMPTY_ELEMENT.sub(r"<\1>", source)):
        if kind is Kind.TEXT:
            renderer.write(_dereference(text) if "&" in text else text)
        elif kind is Kind.OPEN:
            renderer.open(name, text)
        elif kind is Kind.CLOSE:
            renderer.close(name)
        elif kind is Kind.RAW:
            renderer.raw(name, text)
        elif name:
            renderer.declare()
        else:
            renderer.comments.append(f"<!--{text}-->")
    return renderer.result(len(source), octets)


def _dereference(text: str) -> str:
    """Character references undone; those to C1 controls stay controls, where browsers read windows-1252."""
    return unescape(_CONTROL_REFERENCE.sub(lambda found: chr(int(found[1])), text) if "&#" in text else text)


class _Renderer:
    """The state of one rendering. Straight-line code: it runs for every tag of every message."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.after_space = False
        self.last_invisible = False
        self.inside: dict[str, int] = {}
        self.tags = self.elements = self.tags_seen = self.elements_seen = 0
        self.closed_extra = self.obfuscation = 0
        self.backhair: set[tuple[int, int]] = set()
        self.styles = [Style()]
        self.base_font = 3
        self.largest = self.smallest = 3
        self.area = 0
        self.flags: set[str] = set()
        self.titles: list[str] = []
        self.anchor = ""
        self.anchors: list[str] = []
        self.comments: list[str] = []
        self.scripts: list[str] = []
        self.uris: dict[str, UriDetail] = {}
        self.base = ""
        self.charsets: list[str] = []
        self.truncated = False
        self.parsed: dict[str, dict[str, str]] = {}
        """Attributes as written, taken apart: mail repeats the same ones hundreds of times."""

    def open(self, name: str, written: str) -> None:
        self._count(name, 1)
        if name not in ELEMENTS and name not in TRICKS:
            return
        found = self.parsed.get(written)
        if found is None:
            found = self.parsed[written] = attributes(written) if len(written) > 1 else {}
        if name in STYLED:
            self._push_style("td" if name == "th" else name, found)
        if name in WHITE_SPACE:
            self._space(WHITE_SPACE[name])
        if found:
            self._uris(name, found)
        self._tests(name, found)

    def close(self, name: str) -> None:
        self._count(name, -1)
        if name not in ELEMENTS and name not in TRICKS:
            return
        if name in STYLED and name != "body":
            self._pop_style("td" if name == "th" else name)
        if name in WHITE_SPACE:
            self._space(WHITE_SPACE[name])

    def raw(self, name: str, text: str) -> None:
        if name == "script":
            self.scripts.append(text)
        elif name != "style" and text:
            self.write(text)

    def declare(self) -> None:
        self.elements += 1
        self.tags += 1
        self.inside["!doctype"] = 0

    def write(self, text: str) -> None:
        if self.inside.get("a", 0) > 0 and self.anchors:
            self._add_anchor_text(text)
        if self.inside.get("title", 0) > 0 and self.titles:
            self.titles[-1] += text
        invisible = bool(text) and not text.isspace() and self._is_invisible()
        self._notice_obfuscation(text)
        text = _BLANKS.sub(" ", text)
        if self.after_space and not invisible and text[:1] == " ":
            text = text[1:]
        self.pieces.append(text)
        self.after_space, self.last_invisible = False, invisible

    def result(self, length: int, octets: int) -> Rendering:
        text = "".join(self.pieces)
        spaces = len(re.findall(r"\s", text))
        numbers: dict[str, float] = {
            "html": 1.0,
            "length": float(length),
            "image_area": float(self.area),
            "min_size": float(self.smallest),
            "max_size": float(self.largest),
            "html_length": float(len(text)),
            "non_space_len": float(len(text) - spaces),
            **dict.fromkeys(self.flags, 1.0),
        }
        if octets:
            numbers["ratio"] = (octets - len(text)) / octets
        if self.backhair:
            numbers["backhair_count"] = float(len(self.backhair))
        self._ratios(numbers)
        texts = {"title": self.titles, "comment": self.comments, "script": self.scripts, "anchor": self.anchors}
        return Rendering(text, self.inside, numbers, texts, self.charsets, self.uris, self.truncated)

    def _ratios(self, numbers: dict[str, float]) -> None:
        if not self.tags:
            return
        numbers["closed_extra_ratio"] = self.closed_extra / self.tags
        if self.elements:
            numbers["bad_tag_ratio"] = (self.tags - self.elements) / self.tags
        if self.elements_seen and self.tags_seen:
            numbers["non_element_ratio"] = (self.tags_seen - self.elements_seen) / self.tags_seen
        if self.obfuscation:
            numbers["obfuscation_ratio"] = self.obfuscation / self.tags

    def _count(self, name: str, change: int) -> None:
        first = name not in self.inside
        if name in ELEMENTS or (":" in name and _NAMESPACE.match(name)):
            self.elements += 1
            self.elements_seen += first
        self.tags += 1
        self.tags_seen += first
        depth = self.inside.get(name, 0) + change
        if depth < 0:
            self.closed_extra += 1
            depth = 0
        self.inside[name] = depth

    def _space(self, space: str) -> None:
        pieces = self.pieces
        if pieces and not self.after_space and not self.last_invisible and pieces[-1][-1:] == " ":
            pieces[-1] = pieces[-1][:-1]
        pieces.append(space)
        self.after_space, self.last_invisible = True, False

    def _notice_obfuscation(self, text: str) -> None:
        """Markup within a word: the text before it and the text after it both touch it."""
        if not self.pieces or not self.pieces[-1]:
            return
        before = self.pieces[-1]
        begins = _WORD_BEGINNING.match(text) is not None
        if begins and _WORD_BEGINNING.match(before[-1]):
            self.obfuscation += 1
            end, start = _SHORT_END.search(before[-9:]), _SHORT_BEGINNING.match(text)
            if end and start:
                self.backhair.add((len(end[1]), len(start[1])))

    def _is_invisible(self) -> bool:
        style = self.styles[-1]
        if style.foreground[-6:] == style.background[-6:] or is_low_contrast(style.foreground, style.background):
            self.flags.add("font_low_contrast")
            return True
        if "invalid" in (style.foreground, style.background):
            self.flags.add("font_invalid_color")
            return True
        return style.size <= 1 or style.hidden

    def _push_style(self, tag: str, found: dict[str, str]) -> None:
        if tag == "basefont" and (size := re.match(r"\s*(\d{1,6})", found.get("size", ""))):
            self.base_font = int(size[1])
            return
        if tag in ("td", "tr"):
            self._close_table_cell(tag)
        if len(self.styles) >= MAX_STYLES:
            return
        style = self.styles[-1]
        if tag in ("big", "small"):
            size_now = style.size + (1 if tag == "big" else -1)
            self.styles.append(Style(tag, style.foreground, style.background, size_now, style.hidden))
            return
        self.styles.append(self._inner_style(tag, style, found))

    def _inner_style(self, tag: str, outer: Style, found: dict[str, str]) -> Style:
        foreground, background, size, hidden = outer.foreground, outer.background, outer.size, outer.hidden
        for name in found.keys() & STYLED[tag]:
            value = found[name]
            if name in ("text", "color"):
                foreground = rgb(value)
            elif name == "size":
                size = self._size(value, size)
            elif name == "style":
                foreground, background, hidden = written_style(value, foreground, background, outer)
        self.largest = max(self.largest, size)
        self.smallest = min(self.smallest, size)
        return Style(tag, foreground, background, size, hidden)

    def _size(self, value: str, size: int) -> int:
        found = re.match(r"\s*([+-]?)(\d{1,6})", value)
        if found is None:
            return size
        number = int(found[2])
        return self.base_font + (-number if found[1] == "-" else number) if found[1] else number

    def _pop_style(self, tag: str) -> None:
        for index in range(len(self.styles) - 1, 0, -1):
            if self.styles[index].tag == tag:
                del self.styles[index:]
                return

    def _close_table_cell(self, tag: str) -> None:
        if not any(style.tag == tag for style in self.styles):
            return
        closed = ("font", "td") if tag == "td" else ("font", "td", "tr")
        while len(self.styles) > 1 and self.styles[-1].tag in closed:
            self.styles.pop()

    def _uris(self, name: str, found: dict[str, str]) -> None:
        for attribute in _SOURCES.get(name, ()):
            if attribute in found:
                self._push_uri(name, found[attribute])
        if name == "base" and found.get("href"):
            self._set_base(self._clean(found["href"]))
        elif name == "meta" and "refresh" in found.get("http-equiv", "").lower():
            target = _REFRESH.match(found.get("content", ""))
            if target:
                self._push_uri(name, re.sub(r"\s*;.*", "", found["content"][target.end() :], flags=re.DOTALL))

    def _set_base(self, uri: str) -> None:
        self._push_uri("base", uri)
        if re.match(r"(?:https?|ftp):/{0,2}", uri, re.IGNORECASE):
            shorter = _LAST_NAME.match(uri)
            uri = shorter[1] if shorter else uri
            self.base = uri if uri.endswith("/") else uri + "/"

    def _push_uri(self, name: str, uri: str) -> None:
        uri = self._clean(uri.replace("\ufeff", ""))
        if not uri:
            return
        if not uri.lower().startswith(_OTHER_SCHEMES):
            uri = resolve(self.base, uri)
        if uri:
            self._detail(uri).types.add(name)

    def _detail(self, uri: str) -> UriDetail:
        detail = self.uris.get(uri)
        if detail is None:
            detail = UriDetail()
            if len(self.uris) < MAX_DETAILS:
                self.uris[uri] = detail
        return detail

    def _clean(self, uri: str) -> str:
        uri = uri.strip(" \t\n\r\f\x0b\xa0")
        if len(uri) > MAX_URI_LENGTH:
            self.truncated = True
            uri = uri[:MAX_URI_LENGTH]
        return uri

    def _add_anchor_text(self, text: str) -> None:
        detail = self._detail(self.anchor)
        if detail.anchors:
            detail.anchors[-1] += text
        self.anchors[-1] += text

    def _tests(self, name: str, found: dict[str, str]) -> None:
        if name == "img":
            self._image(found)
        elif name == "a":
            self.anchor = self._clean(found.get("href", ""))
            self._detail(self.anchor).anchors.append("")
            self.anchors.append("")
        elif name == "title":
            self.titles.append("")
        elif name in ("object", "embed"):
            self.flags.add("embeds")
        elif name == "font" and "face" in found and not _FACE.match(found["face"]):
            self.flags.add("font_face_bad")
        elif name == "form" and "mailto:" in found.get("action", "").lower():
            self.flags.add("form_action_mailto")
        elif name == "meta" and "content-type" in found.get("http-equiv", "").lower():
            charset = _CHARSET.search(found.get("content", ""))
            if charset:
                self.charsets.append(charset[1])

    def _image(self, found: dict[str, str]) -> None:
        if self.inside.get("a", 0) > 0 and self.anchors:
            self._add_anchor_text("<img>\n")
        if "width" in found and "height" in found:
            width, height = _pixels(found["width"], 8), _pixels(found["height"], 6)
            self.area += (width or 200) * (height or 200)


def _pixels(written: str, per_cent: int) -> int:
    found = _LENGTH.match(written)
    if found is None:
        return 0
    return int(found[1][:9]) * (per_cent if found[2] else 1)
