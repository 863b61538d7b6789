"""HTML source to a flat sequence of tags, texts and comments, in linear time for any input.

No tree is built: filters need to know what a reader sees, and parsers that do build one take time quadratic in the
nesting depth (20 s for 100,000 open `<div>`s). The tokenizer follows the HTML Living Standard §13.2.5 where mail
depends on it: quoted `>`, raw text of `script` and `style`, unclosed comments, bogus comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from html import unescape

MAX_TOKENS = 60_000
MAX_ATTRIBUTES = 40
MAX_ATTRIBUTES_LENGTH = 8_192
MAX_UNBALANCED_QUOTES = 20
"""Tags whose quotes do not balance; after so many, quotes are ignored and a tag ends at the next `>`."""

_TAG = re.compile(r"""<(/?+)([A-Za-z][^\s>/]*+)((?:[^>"']++|"[^"]*+"|'[^']*+')*+)>""")
_TAG_BEGINNING = re.compile(r"<(/?+)([A-Za-z][^\s>/]*+)")
_ATTRIBUTE = re.compile(r"""([^\s=>"'/][^\s=>/]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>]*+)))?+""")
_COMMENT_END = re.compile(r"--!?>")
_RAW_TEXT_END = {
    name: re.compile(rf"</{name}(?=[\s>/])", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
}
_REFERENCES_DECODED = frozenset({"title", "textarea"})


class Kind(Enum):
    """The kinds of token."""

    OPEN = 1
    CLOSE = 2
    TEXT = 3
    COMMENT = 4
    RAW = 5
    """The content of an element whose markup is not read: `name` is the element."""


Token = tuple[Kind, str, str]
"""Kind, name (lower case, of tags and raw text), and the text or the attributes as written."""

_NOTHING: Token = (Kind.COMMENT, "!", "")


class _Source:
    """Where the tokenizer stands in one document."""

    __slots__ = ("position", "text", "unbalanced")

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.unbalanced = 0


def tokens(source: str) -> Iterator[Token]:
    """The tokens of an HTML document; at most `MAX_TOKENS`, the rest is not read."""
    state = _Source(source)
    match_tag, find = _TAG.match, source.find
    for _ in range(MAX_TOKENS):
        start = find("<", state.position)
        if start != state.position:
            yield Kind.TEXT, "", source[state.position : start if start >= 0 else None]
            if start < 0:
                return
        tag = match_tag(source, start) if state.unbalanced < MAX_UNBALANCED_QUOTES else None
        if tag is None:
            state.position = start
            yield _irregular(state)
            continue
        closing, name, written = tag.groups()
        name = name.lower()
        state.position = tag.end()
        yield (Kind.CLOSE if closing else Kind.OPEN), name, written
        if not closing and name in _RAW_TEXT_END:
            yield _raw_text(state, name)


def _irregular(state: _Source) -> Token:
    """What begins with the `<` at the position and is not a well-formed tag; moves the position behind it."""
    source, start = state.text, state.position
    match = _TAG_BEGINNING.match(source, start)
    if match is None:
        return _declaration(state)
    state.unbalanced += 1
    end = source.find(">", match.end())
    if end < 0:
        state.position = len(source)
        return _NOTHING
    state.position = end + 1
    return (Kind.CLOSE if match[1] else Kind.OPEN), match[2].lower(), source[match.end() : end]


def _declaration(state: _Source) -> Token:
    """A comment, a declaration, a processing instruction, or a `<` that is only a character."""
    source, start = state.text, state.position
    if source.startswith("<!--", start):
        return _comment(state)
    if source[start + 1 : start + 2] not in ("!", "?", "/"):
        state.position = start + 1
        return Kind.TEXT, "", "<"
    end = source.find(">", start)
    state.position = end + 1 if end >= 0 else len(source)
    return _NOTHING


def _comment(state: _Source) -> Token:
    source, start = state.text, state.position + 4
    for abrupt in (">", "->"):
        if source.startswith(abrupt, start):
            state.position = start + len(abrupt)
            return Kind.COMMENT, "", ""
    match = _COMMENT_END.search(source, start)
    state.position = match.end() if match else len(source)
    return Kind.COMMENT, "", source[start : match.start() if match else None]


def _raw_text(state: _Source, name: str) -> Token:
    source, start = state.text, state.position
    match = _RAW_TEXT_END[name].search(source, start)
    state.position = match.start() if match else len(source)
    content = source[start : state.position]
    return Kind.RAW, name, unescape(content) if name in _REFERENCES_DECODED else content


def attributes(written: str) -> dict[str, str]:
    """Attributes by lower-case name with character references decoded; the first of a name counts."""
    found: dict[str, str] = {}
    for index, match in enumerate(_ATTRIBUTE.finditer(written[:MAX_ATTRIBUTES_LENGTH])):
        if index >= MAX_ATTRIBUTES:
            break
        name, double, single, bare = match.groups()
        value = double or single or bare or ""
        found.setdefault(name.lower(), unescape(value) if "&" in value else value)
    return found
