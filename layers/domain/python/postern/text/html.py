"""HTML to the text a reader sees, and the facts about the HTML that filters judge by.

Rendering follows SpamAssassin's manner where its rules depend on it: `br` and `div` break the line, `p` and its
like the paragraph, cells and items are set off by a blank, for opening and closing tags alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from types import MappingProxyType

from postern.text.markup import Kind, attributes, tokens
from postern.text.styles import Legibility, Look, inherit, pixel_length

MAX_LINKS = 2_000
MAX_ANCHOR_TEXT = 500
MAX_TITLE = 1_000
MAX_REFRESH = 4_000
MAX_FRAMES = 200
"""Open elements whose look differs from their parent's; deeper ones look like their parent."""

_BREAKS: Mapping[str, str] = (
    dict.fromkeys(("br", "div"), "\n")
    | dict.fromkeys(("li", "th", "td", "dd", "dt", "embed", "h1", "h2", "h3", "h4", "h5", "h6"), " ")
    | dict.fromkeys(("p", "hr", "blockquote", "pre", "listing", "plaintext", "xmp", "title"), "\n\n")
)
_VOID_ELEMENTS = """
area base basefont bgsound br col embed frame hr img input link meta param source track wbr
"""
_HTML_ELEMENTS = """
a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink blockquote body br
button canvas caption center cite code col colgroup data datalist dd del details dfn dir div dl dt em embed fieldset
figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html i iframe ilayer img input
ins isindex kbd keygen label layer legend li link listing main map mark marquee menu meta multicol nav nobr noembed
noframes nolayer noscript object ol optgroup option p param plaintext pre q rp rt ruby s samp script section select
server small source spacer span strike strong style sub summary sup svg table tbody td template textarea tfoot th
thead time title tr track tt u ul var video wbr x xmp xml
"""
_VOID = frozenset(_VOID_ELEMENTS.split())
_KNOWN = frozenset(_HTML_ELEMENTS.split())
_LOOK_ATTRIBUTES = frozenset({"style", "color", "bgcolor", "hidden", "text", "size"})
_NOTED_ATTRIBUTES = frozenset({"color", "bgcolor", "face", "style"})
_NOTED_ELEMENTS = frozenset({"img", "input", "meta"})
_SHORTEST_ATTRIBUTE = 2
_PAGE = Look()
_TARGETS: Mapping[str, tuple[str, ...]] = {
    "a": ("href",), "area": ("href",), "link": ("href",), "base": ("href",), "img": ("src",), "iframe": ("src",),
    "frame": ("src",), "script": ("src",), "input": ("src",), "embed": ("src",), "bgsound": ("src",),
    "form": ("action",), "body": ("background",), "table": ("background",), "td": ("background",),
    "object": ("data",), "video": ("src", "poster"), "audio": ("src",), "source": ("src",), "button": ("formaction",),
}  # fmt: skip
_STYLE_URL = re.compile(r"url\(\s*[\"']?([^\"')]{4,2000})", re.IGNORECASE)
_REFRESH_URL = re.compile(r"url\s*=\s*[\"']?([^\"'>\s]{4,2000})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Link:
    """A target named by the HTML: the element that names it, and for `a` the text people click on."""

    target: str
    element: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """An image with its written size in pixels (`None`: not written)."""

    source: str
    width: float | None
    height: float | None


@dataclass(frozen=True, slots=True)
class HtmlFacts:
    """What the HTML of a message does. Counts are of tags; lengths are in characters without blanks.

    `split_words` counts comments and unknown or empty elements that stand inside a word; `colours` and `faces` are the
    written values. Facts of several HTML parts are added by `+`.
    """

    opened: Mapping[str, int] = field(default_factory=dict)
    closed: Mapping[str, int] = field(default_factory=dict)
    unknown: int = 0
    comments: int = 0
    split_words: int = 0
    scripted_attributes: int = 0
    script_length: int = 0
    visible_length: int = 0
    invisible_length: int = 0
    tiny_length: int = 0
    low_contrast_length: int = 0
    source_length: int = 0
    links: tuple[Link, ...] = ()
    images: tuple[Image, ...] = ()
    titles: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    faces: tuple[str, ...] = ()
    password_inputs: int = 0
    biggest_font: float = 0.0
    smallest_font: float = 0.0

    @property
    def image_area(self) -> float:
        """Square pixels of all images; SpamAssassin's 200 by 200 stands for a size that is not written."""
        return sum(
            (200.0 if image.width is None else image.width) * (200.0 if image.height is None else image.height)
            for image in self.images
        )

    def __add__(self, other: HtmlFacts) -> HtmlFacts:
        sums = {
            name: getattr(self, name) + getattr(other, name)
            for name in self.__slots__
            if name not in ("opened", "closed")
        }
        sums["biggest_font"] = max(self.biggest_font, other.biggest_font)
        sums["smallest_font"] = min(self.smallest_font, other.smallest_font)
        opened, closed = Counter(self.opened) + Counter(other.opened), Counter(self.closed) + Counter(other.closed)
        return HtmlFacts(opened=MappingProxyType(opened), closed=MappingProxyType(closed), **sums)


@dataclass(frozen=True, slots=True)
class HtmlText:
    """Rendered HTML: `text` is all that is set as text, `visible` what can be seen of it, `invisible` the rest."""

    text: str
    visible: str
    invisible: str
    facts: HtmlFacts


@dataclass(slots=True)
class _Frame:
    """An open element with a look of its own; `depth` counts open elements of the same name inside it."""

    name: str
    outer: tuple[Look, Legibility]
    depth: int = 1


def read_html(source: str) -> HtmlText:
    """Render one HTML document. Any text will do; time is linear in its length."""
    reader = _Reader()
    for kind, name, text in tokens(source):
        if kind is Kind.TEXT:
            reader.write(text)
        elif kind is Kind.OPEN:
            reader.open(name, text)
        elif kind is Kind.CLOSE:
            reader.close(name)
        elif kind is Kind.RAW:
            reader.raw(name, text)
        elif not name:
            reader.comment()
    return reader.result(len(source))


class _Reader:
    """The state of one rendering. Straight-line code: it runs for every tag of every message."""

    def __init__(self) -> None:
        self.look = _PAGE
        self.legibility = Legibility.PLAIN
        self.looks: dict[tuple[str, str, Look], Look] = {}
        self.parsed: dict[str, dict[str, str]] = {}
        self.frames: list[_Frame] = []
        self.text: list[str] = []
        self.visible: list[str] = []
        self.invisible: list[str] = []
        self.hard: dict[Legibility, list[str]] = {Legibility.TINY: [], Legibility.LOW_CONTRAST: []}
        self.opened: dict[str, int] = {}
        self.closed: dict[str, int] = {}
        self.counts: Counter[str] = Counter()
        self.links: list[Link] = []
        self.images: list[Image] = []
        self.titles: list[str] = []
        self.colours: list[str] = []
        self.faces: list[str] = []
        self.anchor: str | None = None
        self.anchor_text: list[str] = []
        self.interrupted = False
        self.sizes = [16.0, 16.0]

    def open(self, name: str, written: str) -> None:
        self.opened[name] = self.opened.get(name, 0) + 1
        if name in _BREAKS:
            self._break(_BREAKS[name])
        elif name not in _KNOWN and ":" not in name:
            self.counts["unknown"] += 1
            self.interrupted = True
        if len(written) < _SHORTEST_ATTRIBUTE and name not in _NOTED_ELEMENTS:
            if self.frames and self.frames[-1].name == name and name not in _VOID:
                self.frames[-1].depth += 1
            return
        found = self.parsed.get(written)
        if found is None:
            found = self.parsed[written] = attributes(written)
        self._note(name, found)
        self._enter(name, written, found)

    def close(self, name: str) -> None:
        self.closed[name] = self.closed.get(name, 0) + 1
        if name in _BREAKS:
            self._break(_BREAKS[name])
        elif name == "a":
            self._finish_anchor()
        for index in range(len(self.frames) - 1, -1, -1):
            frame = self.frames[index]
            if frame.name == name:
                frame.depth -= 1
                if not frame.depth:
                    self.look, self.legibility = frame.outer
                    del self.frames[index:]
                return

    def write(self, text: str) -> None:
        if "&" in text:
            text = unescape(text)
        if self.anchor is not None:
            self.anchor_text.append(text)
        if self.interrupted:
            self._notice_split_word(text)
        self.text.append(text)
        if self.legibility is Legibility.INVISIBLE:
            self.invisible.append(text)
            return
        self.visible.append(text)
        if self.legibility is not Legibility.PLAIN:
            self.hard[self.legibility].append(text)

    def _notice_split_word(self, text: str) -> None:
        self.interrupted = False
        if self.text and text[:1].isalnum() and self.text[-1][-1:].isalnum():
            self.counts["split_words"] += 1

    def comment(self) -> None:
        self.counts["comments"] += 1
        self.interrupted = True

    def raw(self, name: str, text: str) -> None:
        if name == "title":
            self.titles.append(text[:MAX_TITLE])
            self.text.append(text)
        elif name in ("textarea", "xmp"):
            self.text.append(text)
            self.visible.append(text)
        elif name == "script":
            self.counts["script"] += len(text)
        elif name == "style" and "url(" in text:
            self._name_style_targets(text)

    def _break(self, space: str) -> None:
        self.text.append(space)
        self.visible.append(space)
        self.interrupted = False
        if self.anchor is not None:
            self.anchor_text.append(" ")

    def _enter(self, name: str, written: str, found: Mapping[str, str]) -> None:
        """Mail repeats the same style hundreds of times: each is worked out once per document."""
        if name in _VOID:
            return
        inner = self.look if _LOOK_ATTRIBUTES.isdisjoint(found) else self._inner_look(name, written, found)
        if inner is not self.look and len(self.frames) < MAX_FRAMES:
            self.frames.append(_Frame(name, (self.look, self.legibility)))
            self.look, self.legibility = inner, inner.legibility
            self.sizes = [max(self.sizes[0], inner.size), min(self.sizes[1], inner.size)]
        elif self.frames and self.frames[-1].name == name:
            self.frames[-1].depth += 1

    def _inner_look(self, name: str, written: str, found: Mapping[str, str]) -> Look:
        key = (name, written, self.look)
        inner = self.looks.get(key)
        if inner is None:
            inner = inherit(self.look, name, found)
            inner = self.looks[key] = self.look if inner == self.look else inner
        return inner

    def _note(self, name: str, found: Mapping[str, str]) -> None:
        for attribute in _TARGETS.get(name, ()):
            target = found.get(attribute)
            if target and name == "a":
                self._finish_anchor()
                self.anchor = target
            elif target:
                self._add_link(Link(target, name))
        if not _NOTED_ATTRIBUTES.isdisjoint(found):
            self._note_values(found)
        if name in _NOTED_ELEMENTS:
            self._note_element(name, found)
        for attribute in found:
            if attribute[:2] == "on":
                self.counts["scripted"] += 1
                break

    def _note_values(self, found: Mapping[str, str]) -> None:
        for attribute in ("color", "bgcolor"):
            if attribute in found and len(self.colours) < MAX_LINKS:
                self.colours.append(found[attribute].lower()[:20])
        if "face" in found and len(self.faces) < MAX_LINKS:
            self.faces.append(found["face"].lower()[:100])
        if "url(" in found.get("style", ""):
            self._name_style_targets(found["style"])

    def _note_element(self, name: str, found: Mapping[str, str]) -> None:
        if name == "img" and len(self.images) < MAX_LINKS:
            self.images.append(Image(found.get("src", ""), _pixels(found, "width"), _pixels(found, "height")))
        elif name == "input" and found.get("type", "").lower() == "password":
            self.counts["password_inputs"] += 1
        elif name == "meta" and found.get("http-equiv", "").lower() == "refresh":
            match = _REFRESH_URL.search(found.get("content", "")[:MAX_REFRESH])
            if match:
                self._add_link(Link(match[1], "meta"))

    def _name_style_targets(self, style: str) -> None:
        for target in _STYLE_URL.findall(style[:20_000])[:50]:
            self._add_link(Link(target, "style"))

    def _finish_anchor(self) -> None:
        if self.anchor is not None:
            text = " ".join("".join(self.anchor_text)[: 4 * MAX_ANCHOR_TEXT].split())
            self._add_link(Link(self.anchor, "a", text[:MAX_ANCHOR_TEXT]))
        self.anchor = None
        self.anchor_text.clear()

    def _add_link(self, link: Link) -> None:
        if len(self.links) < MAX_LINKS:
            self.links.append(link)

    def result(self, source_length: int) -> HtmlText:
        """What was rendered; an anchor that is still open ends here."""
        self._finish_anchor()
        visible, invisible = "".join(self.visible), "".join(self.invisible)
        facts = self._facts(source_length, _length(visible), _length(invisible))
        return HtmlText("".join(self.text), visible, invisible, facts)

    def _facts(self, source_length: int, visible_length: int, invisible_length: int) -> HtmlFacts:
        counts = self.counts
        return HtmlFacts(
            opened=MappingProxyType(self.opened),
            closed=MappingProxyType(self.closed),
            unknown=counts["unknown"],
            comments=counts["comments"],
            split_words=counts["split_words"],
            scripted_attributes=counts["scripted"],
            script_length=counts["script"],
            visible_length=visible_length,
            invisible_length=invisible_length,
            tiny_length=_length("".join(self.hard[Legibility.TINY])),
            low_contrast_length=_length("".join(self.hard[Legibility.LOW_CONTRAST])),
            source_length=source_length,
            links=tuple(self.links),
            images=tuple(self.images),
            titles=tuple(self.titles),
            colours=tuple(self.colours),
            faces=tuple(self.faces),
            password_inputs=counts["password_inputs"],
            biggest_font=self.sizes[0],
            smallest_font=self.sizes[1],
        )


def _length(text: str) -> int:
    """Characters that are not blank."""
    return len(text) - text.count(" ") - text.count("\n") - text.count("\r") - text.count("\t") - text.count("\xa0")


def _pixels(found: Mapping[str, str], side: str) -> float | None:
    written = found.get(side)
    if written is None or "%" in written:
        return None
    return pixel_length(written)
