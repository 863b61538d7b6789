"""What a message says, as tokens: words of body and subject, links, elements and values of its HTML, parts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from postern.bayes.hashing import Run, run_of
from postern.bayes.organisations import is_dotted_quad
from postern.message import Message
from postern.text.html import HtmlFacts
from postern.text.uris import Uri
from postern.text.view import TextView

MAX_WORDS = 500
"""Words of the body that count; the beginning of a message tells enough, and long newsletters tell no more."""

MAX_TEXT = 20_000
BEGINNING = 5_000
LONGEST_WORD = 40
"""Octets of a word at most: so far from the end of a stretch, its words are those of the whole text."""

MAX_INVISIBLE = 2_000
MAX_URIS = 100
MAX_VALUES = 40
MAX_PARTS = 40

WORD = re.compile(
    rb"[0-9A-Za-z\x80-\xff](?:[\w$'\-.\x80-\xff]{0,38}[\w$\x80-\xff])?+|[!?$%]{1,10}+|[^\s\w\x80-\xff]{3,20}+"
)
_PATH_WORD = re.compile(rb"[\w\-]{3,30}")
_RUN_OF_LETTERS = re.compile(rb"[a-z]+")
_RUN_OF_DIGITS = re.compile(rb"[0-9A-F]+")


def content_runs(message: Message, view: TextView) -> list[Run]:
    """The tokens of what the message says: words with their pairs, and all else."""
    raw = _first_words(view.visible[:MAX_TEXT].encode("utf-8", "replace"))
    lower = [word.lower() for word in raw]
    others = cased(raw, lower, b"case:")
    if view.invisible:
        hidden = view.invisible[:MAX_INVISIBLE].lower().encode("utf-8", "replace")
        others += [b"hidden:" + word for word in WORD.findall(hidden)]
    others += [b"link:" + token for token in _link_tokens(view.uris[:MAX_URIS])]
    if view.html:
        others += [b"html:" + token for token in _html_tokens(view.html)]
    others += [b"part:" + token for token in _part_tokens(message)]
    return [run_of(lower, paired=True), run_of(others)]


def _first_words(text: bytes) -> list[bytes]:
    """The words that count; of a long text only the beginning is taken apart when it has enough of them."""
    words = WORD.findall(text, 0, BEGINNING)
    if len(text) > BEGINNING and len(words) < MAX_WORDS + LONGEST_WORD:
        words = WORD.findall(text)
    return words[:MAX_WORDS]


def cased(raw: list[bytes], lower: list[bytes], prefix: bytes) -> list[bytes]:
    """The words that are not in small letters, as they are written."""
    return [prefix + word for word, small in zip(raw, lower, strict=True) if word != small]


def _link_tokens(uris: tuple[Uri, ...]) -> Iterator[bytes]:
    for uri in uris:
        host = uri.host.encode("ascii", "replace")
        if uri.scheme == "mailto":
            yield b"mail " + host
            continue
        yield from _host_and_parents(host)
        yield uri.element.encode()
        for trait in uri.traits:
            yield b"trait " + trait.encode()
        rest = uri.url[len(uri.scheme) + 3 + len(uri.host) :][:200].lower()
        for word in _PATH_WORD.findall(rest.encode("utf-8", "replace"))[:8]:
            yield b"/" + word


def _host_and_parents(host: bytes) -> Iterator[bytes]:
    yield host
    if is_dotted_quad(host.decode("ascii", "replace")):
        yield host.rpartition(b".")[0] + b".*"
        return
    labels = host.split(b".")
    for index in range(1, min(len(labels) - 1, 5)):
        yield b".".join(labels[index:])


def _html_tokens(facts: HtmlFacts) -> Iterator[bytes]:
    for name in list(facts.opened)[:100]:
        yield b"<" + name.encode("utf-8", "replace")
    for colour in facts.colours[:MAX_VALUES]:
        yield b"colour " + colour.encode("utf-8", "replace")
    for face in facts.faces[:MAX_VALUES]:
        yield b"face " + face.partition(",")[0][:20].encode("utf-8", "replace")
    for title in facts.titles[:2]:
        for word in WORD.findall(title.lower().encode("utf-8", "replace"))[:20]:
            yield b"title " + word


def _part_tokens(message: Message) -> Iterator[bytes]:
    for index, part in enumerate(message.parts()):
        if index >= MAX_PARTS:
            return
        kind = part.content_type.encode("utf-8", "replace")[:60]
        yield kind
        yield b"%d %s" % (min(3, part.depth), kind)
        for word in (part.transfer_encoding, part.charset, part.disposition):
            if word:
                yield word[:40].encode("utf-8", "replace")
        for filename in part.filenames[:2]:
            yield b"file ." + filename.rpartition(".")[2].lower()[:8].encode("utf-8", "replace")
        boundary = part.parameters.get("boundary") if part.is_multipart else None
        if boundary:
            yield b"boundary " + shape(boundary.encode("utf-8", "replace"))[:30]


def shape(text: bytes) -> bytes:
    """A text with runs of small letters as `a` and of digits or hexadecimal capitals as `0`."""
    return _RUN_OF_LETTERS.sub(b"a", _RUN_OF_DIGITS.sub(b"0", text))
