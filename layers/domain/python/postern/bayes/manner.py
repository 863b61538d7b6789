"""How a message is written and laid out, as tokens: shouting, lengths, quoting, HTML, where links lead."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from postern.bayes.hops import Route
from postern.bayes.organisations import magnitude, organisation
from postern.bayes.people import People
from postern.message import Message, Part
from postern.text.html import HtmlFacts
from postern.text.uris import Uri
from postern.text.view import TextView

MAX_TEXT = 4_000
MAX_SOURCE = 5_000
MAX_PARTS = 5
MAX_TREE = 60
WEB = frozenset({"http", "https", "ftp"})

_UPPER, _LOWER = string.ascii_uppercase.encode(), string.ascii_lowercase.encode()
_DIGITS, _HIGH = string.digits.encode(), bytes(range(128, 256))
_WORD = re.compile(rb"[A-Za-z']+")
_ADDRESSED = frozenset({b"you", b"You", b"YOU", b"your", b"Your", b"YOUR", b"yours", b"Yours", b"YOURS"})
_SELF = frozenset({b"I", b"my", b"My", b"me", b"I'm", b"I've"})
_QUOTED = re.compile(rb"^[ \t]{0,3}>", re.MULTILINE)
_SIGNATURE = re.compile(rb"^-- ?\r?$", re.MULTILINE)
_ATTRIBUTION = re.compile(rb"wrote:|writes:")
_GAP = re.compile(rb"\s{3,9}\S{1,40}\s{0,9}\Z")
_REPLY = re.compile(r"\s*re:", re.IGNORECASE)
_FORWARD = re.compile(r"\s*fwd?:", re.IGNORECASE)
_UPPER_TAG, _LOWER_TAG = re.compile(r"<[A-Z]"), re.compile(r"<[a-z]")
_REMOVAL = re.compile(r"remove|unsub|opt[-_]?out", re.IGNORECASE)
_HOST_DIGITS = re.compile(r"\d{5}")
_LOOKS_LIKE_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
_SUBJECT_SIGNS = (("$", "dollar"), ("%", "percent"), ("?", "question"), ("*", "star"))
_COUNTED_ELEMENTS = ("font", "a", "table", "br", "p", "form", "center", "img")


def manner_tokens(message: Message, view: TextView, people: People, route: Route) -> Iterator[str]:
    """All about the manner of a message."""
    yield from _subject_tokens(message, view, people)
    yield from _text_tokens(view)
    yield from _layout_tokens(message, view)
    if view.html:
        yield from _html_tokens(view.html, view)
    yield from _link_tokens([uri for uri in view.uris if uri.scheme in WEB], people, route)
    if any(_REMOVAL.search(uri.url) for uri in view.uris[:100]):
        yield "links removal"


def _count(text: bytes, kind: bytes) -> int:
    return len(text) - len(text.translate(None, kind))


def _subject_tokens(message: Message, view: TextView, people: People) -> Iterator[str]:
    subject, field = view.subject, message.first("subject")
    octets, raw = subject.encode("utf-8", "replace"), field.raw_value if field else b""
    upper, lower = _count(octets, _UPPER), _count(octets, _LOWER)
    yield f"subject upper {5 * upper // max(1, upper + lower)}"
    yield f"subject length {magnitude(len(subject))}"
    yield f"subject exclaims {min(3, subject.count('!'))}"
    yield from (f"subject {name}" for sign, name in _SUBJECT_SIGNS if sign in subject)
    if _GAP.search(raw[-60:]):
        yield "subject gap"
    if _REPLY.match(subject):
        yield f"subject reply {message.first('in-reply-to') is not None or message.first('references') is not None}"
    if _FORWARD.match(subject):
        yield "subject forward"
    if not subject.isascii():
        yield "subject not ascii"
    if b"=?" in raw:
        yield "subject encoded"
    if _count(octets, _DIGITS):
        yield "subject digits"
    if subject[:1].islower():
        yield "subject begins small"
    words = subject.split()
    if len(words) > 2 and sum(word[0].isupper() for word in words) > 0.8 * len(words):
        yield "subject title case"
    first_name = people.author_name.partition(" ")[0].lower()
    if len(first_name) > 2 and first_name in subject.lower():
        yield "subject names author"


def _text_tokens(view: TextView) -> Iterator[str]:
    text = view.visible[:MAX_TEXT].encode("utf-8", "replace")
    size, words = max(1, len(text)), _WORD.findall(text)
    count = max(1, len(words))
    upper, lower = _count(text, _UPPER), _count(text, _LOWER)
    yield f"text upper {min(9, 20 * upper // max(1, upper + lower))}"
    yield f"text exclaims {magnitude(1000 * text.count(b'!') / size)}"
    yield f"text dollars {magnitude(1000 * text.count(b'$') / size)}"
    yield f"text digits {magnitude(100 * _count(text, _DIGITS) / size)}"
    yield f"text foreign {magnitude(100 * _count(text, _HIGH) / size)}"
    yield f"text length {magnitude(len(view.visible))}"
    yield f"text word length {2 * sum(map(len, words)) // count}"
    shouted = [word for word in words if word.isupper() and len(word) > 3]
    yield f"text shouts {magnitude(100 * len(shouted) / count)}"
    yield f"text you {magnitude(200 * sum(map(_ADDRESSED.__contains__, words)) / count)}"
    yield f"text self {magnitude(200 * sum(map(_SELF.__contains__, words)) / count)}"
    yield f"text variety {10 * len(set(words)) // count}"
    yield from _line_tokens(text)
    if view.unseen_characters:
        yield "text unseen characters"


def _line_tokens(text: bytes) -> Iterator[str]:
    lines = [line for line in text.split(b"\n") if line.strip()]
    yield f"lines {magnitude(len(lines))}"
    yield f"longest line {magnitude(max(map(len, lines), default=0))}"
    yield f"quoted {min(4, 8 * len(_QUOTED.findall(text)) // max(1, len(lines)))}"
    if _SIGNATURE.search(text):
        yield "signature"
    if _ATTRIBUTION.search(text):
        yield "attribution"
    if b"BEGIN PGP" in text:
        yield "pgp"


def _layout_tokens(message: Message, view: TextView) -> Iterator[str]:
    yield f"tree {_tree(message.root, 0)[:MAX_TREE]}"
    for part in message.text_parts[:MAX_PARTS]:
        yield f"part {part.content_type[:40]} {part.transfer_encoding[:20]} {part.charset[:20]}"
    yield f"attachments {min(4, len(message.attachments))}"
    plain = sum(len(part.text()) for part in message.text_parts[:MAX_PARTS] if part.content_type == "text/plain")
    yield f"plain length {magnitude(plain)}"
    if view.html and plain:
        yield f"plain to html {magnitude(8 * plain / max(1, view.html.visible_length))}"
    for defect in {defect.code for defect in message.defects[:50]} - _TRANSPORT_DEFECTS:
        yield f"defect {defect}"


_TRANSPORT_DEFECTS = frozenset({"bare_lf", "mbox_from_line", "bare_cr_lines"})
"""What storing a message in a file does to it: says nothing about its sender."""


def _tree(part: Part, depth: int) -> str:
    name = part.content_type.partition("/")[2][:12]
    if not part.children or depth > MAX_PARTS:
        return name
    return f"{name}({','.join(_tree(child, depth + 1) for child in part.children[:MAX_PARTS])})"


def _html_tokens(facts: HtmlFacts, view: TextView) -> Iterator[str]:
    yield f"html length {magnitude(facts.source_length)}"
    yield f"html visible {magnitude(facts.visible_length)}"
    yield f"html ratio {10 * facts.visible_length // max(1, facts.source_length)}"
    measured = {
        "invisible": facts.invisible_length, "low contrast": facts.low_contrast_length, "tiny": facts.tiny_length,
        "comments": facts.comments, "unknown": facts.unknown, "split": facts.split_words,
        "handlers": facts.scripted_attributes, "script": facts.script_length, "area": facts.image_area / 1000,
        "images": len(facts.images),
    }  # fmt: skip
    yield from (f"html {name} {magnitude(value)}" for name, value in measured.items())
    yield from (f"html <{name} {magnitude(facts.opened.get(name, 0))}" for name in _COUNTED_ELEMENTS)
    source = view.sources[-1][:MAX_SOURCE]
    upper, lower = len(_UPPER_TAG.findall(source)), len(_LOWER_TAG.findall(source))
    yield f"html case {5 * upper // max(1, upper + lower)}"
    yield f"html tables open {min(5, max(0, facts.opened.get('table', 0) - facts.closed.get('table', 0)))}"
    yield f"html frame {'html' in facts.opened} {'body' in facts.opened} {bool(facts.titles)}"
    yield f"html biggest {min(9, int(facts.biggest_font / 8))}"


def _link_tokens(web: list[Uri], people: People, route: Route) -> Iterator[str]:
    yield f"links {magnitude(len(web))}"
    homes = {organisation(uri.host) for uri in web}
    yield f"link homes {min(6, len(homes))}"
    if not homes:
        return
    own = len(homes & people.organisations)
    yield f"links own {'all' if own == len(homes) else 'some' if own else 'none'}"
    yield f"links to author {people.author_organisation in homes}"
    yield f"links on route {not homes.isdisjoint(route.senders)}"
    clicked = {organisation(uri.host) for uri in web if uri.element == "a"}
    shown = {organisation(uri.host) for uri in web if uri.element == "img"}
    if clicked and shown:
        yield f"images at links {'all' if shown <= clicked else 'some' if shown & clicked else 'none'}"
    yield "link top levels " + ",".join(sorted({home.rpartition(".")[2][:5] for home in homes})[:3])
    yield from _odd_link_tokens(web)


def _odd_link_tokens(web: list[Uri]) -> Iterator[str]:
    yield from {f"link {trait}" for uri in web for trait in uri.traits}
    if any(_HOST_DIGITS.search(uri.host) for uri in web):
        yield "link host digits"
    if any(len(uri.url) > 150 for uri in web):
        yield "link long"
    for uri in web:
        if uri.element == "a" and _LOOKS_LIKE_LINK.match(uri.anchor):
            yield f"link as shown {organisation(uri.host) in uri.anchor.lower()}"
