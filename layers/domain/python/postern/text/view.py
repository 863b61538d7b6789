"""One pass from a parsed message to what filters read: subject, paragraphs, sources, URIs and HTML facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import add

from postern.message import Message, Part
from postern.text.html import HtmlFacts, HtmlText, Link, read_html
from postern.text.uris import Uri, collect

MAX_TEXT_PARTS = 50
MAX_SUBJECT = 2_000

_LOOKS_LIKE_HTML = re.compile(
    r".{0,18}?<(?:body|head|html|img|pre|table|title)(?:\s[^>]{0,60})?>", re.IGNORECASE | re.DOTALL
)
_PARAGRAPH_END = re.compile(r"\n\s*\n")
_NOT_SHOWN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
)


@dataclass(frozen=True, slots=True)
class TextLimits:
    """How much text of one message is looked at, in characters over all its text parts."""

    source: int = 262_144


@dataclass(frozen=True, slots=True)
class TextView:
    """What a message says.

    `paragraphs` is the rendered body: white space squeezed, one paragraph per item, text of both alternatives of a
    multipart/alternative. `visible` is the same without what HTML hides, characters that nobody sees removed;
    `invisible` is what HTML hides. `sources` are the text parts decoded, HTML as source. `html` adds up all HTML
    parts, `None` when there are none. `unseen_characters` counts zero-width and direction characters. `truncated`
    says that text beyond the limit was not read.
    """

    subject: str
    paragraphs: tuple[str, ...]
    visible: str
    invisible: str
    sources: tuple[str, ...] = field(repr=False)
    uris: tuple[Uri, ...] = ()
    html: HtmlFacts | None = None
    unseen_characters: int = 0
    truncated: bool = False


DEFAULT_LIMITS = TextLimits()


def view_text(message: Message, limits: TextLimits = DEFAULT_LIMITS) -> TextView:
    """The view of one message, worked out once for all who ask; never raises, and its time is bounded by `limits`."""
    key = f"text within {limits.source}"
    found: TextView | None = message.worked_out.get(key)
    if found is None:
        found = message.worked_out[key] = _view(message, limits)
    return found


def _view(message: Message, limits: TextLimits) -> TextView:
    sources, truncated = _sources(message, limits)
    pages = [_render(part, source) for part, source in sources]
    facts = [page.facts for page in pages if page.facts.source_length]
    visible = "\n".join(page.visible for page in pages)
    shown, unseen = _shown(visible)
    return TextView(
        subject=message.value("subject")[:MAX_SUBJECT],
        paragraphs=tuple(_paragraphs("\n\n".join(page.text for page in pages))),
        visible=shown,
        invisible="\n".join(page.invisible for page in pages if page.invisible),
        sources=tuple(source for _, source in sources),
        uris=collect(_links(facts), (page.text for page in pages)),
        html=reduce(add, facts) if facts else None,
        unseen_characters=unseen,
        truncated=truncated,
    )


def _sources(message: Message, limits: TextLimits) -> tuple[list[tuple[Part, str]], bool]:
    """The text parts with their decoded text, as far as the limit goes."""
    room, found = limits.source, []
    for part in message.text_parts[:MAX_TEXT_PARTS]:
        text = part.text()
        found.append((part, text[:room]))
        room -= len(text)
        if room < 0:
            return found, True
    return found, len(message.text_parts) > MAX_TEXT_PARTS


def _render(part: Part, source: str) -> HtmlText:
    if part.content_type == "text/html" or _LOOKS_LIKE_HTML.match(source):
        return read_html(source)
    return HtmlText(source, source, "", _NO_HTML)


_NO_HTML = HtmlFacts()


def _links(facts: list[HtmlFacts]) -> Iterator[Link]:
    for one in facts:
        yield from one.links


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in _PARAGRAPH_END.split(text):
        line = " ".join(paragraph.split())
        if line:
            yield line


def _shown(text: str) -> tuple[str, int]:
    if text.isascii():
        return text, 0
    return _NOT_SHOWN.subn("", text)
