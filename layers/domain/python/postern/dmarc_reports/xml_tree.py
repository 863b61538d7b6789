"""XML of strangers as a small tree: bounded in size, depth and number, and without any entity of its own.

A document type is refused, and with it every entity that could grow or fetch something. Name spaces are ignored. What
some reporters do wrong again and again is mended, when a document is not well-formed otherwise: octets that are no
UTF-8, an XML Schema's opening tag around the report, an address in angle brackets, a bracket that opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from postern.dmarc_reports.received import ReportError

MAX_OCTETS = 10 * 1024 * 1024
MAX_DEPTH = 20
MAX_ELEMENTS = 300_000
MAX_TEXT = 1_000
"""Characters of one element's text; the rest is left out."""

_STRAY = re.compile(r"<(?!/?[A-Za-z_][\w:.-]*(?:\s[^<>]*)?/?>|[!?])")
"""An angle bracket that opens no tag."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element: its name without a name space, its text without blanks around it, its children in order."""

    name: str
    text: str = ""
    children: tuple[Element, ...] = ()

    def all(self, name: str) -> Iterator[Element]:
        """The children of that name."""
        return (child for child in self.children if child.name == name)

    def first(self, *path: str) -> Element:
        """The first element at a path; an empty one where there is none."""
        found = self
        for name in path:
            found = next(found.all(name), Element(name))
        return found


@dataclass(slots=True)
class _Open:
    """An element that has not ended yet."""

    name: str
    text: str = ""
    children: list[Element] = field(default_factory=list)


def read_tree(document: bytes, root: str) -> tuple[Element, bool]:
    """The tree, and whether the document had to be mended. Raises `ReportError`."""
    if len(document) > MAX_OCTETS:
        raise ReportError(f"larger than {MAX_OCTETS} octets")
    try:
        return _Builder().build(document), False
    except expat.ExpatError as wrong:
        trouble = f"not well-formed XML: {expat.ErrorString(wrong.code)}, in line {wrong.lineno}"
    try:
        return _Builder().build(_mended(document, root)), True
    except expat.ExpatError as wrong:
        raise ReportError(trouble) from wrong


def _mended(document: bytes, root: str) -> bytes:
    text = document.decode("utf-8", "replace")
    begin, end = text.find(f"<{root}"), text.rfind(f"</{root}>")
    if 0 <= begin < end:
        text = text[begin:end] + f"</{root}>"
    return _STRAY.sub("&lt;", text).encode()


class _Builder:
    """One pass over one document."""

    def __init__(self) -> None:
        self._open = [_Open("")]
        self._elements = 0

    def build(self, document: bytes) -> Element:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        try:
            parser.Parse(document, True)
        except ReportError:
            raise
        except (LookupError, ValueError) as wrong:
            # How the parser speaks of encodings that it does not know.
            raise ReportError(f"its encoding cannot be read: {wrong}") from wrong
        return self._open[0].children[0]

    def _start(self, name: str, _attributes: Mapping[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS or len(self._open) > MAX_DEPTH:
            raise ReportError(f"more than {MAX_ELEMENTS} elements, or nested more than {MAX_DEPTH} deep")
        self._open.append(_Open(name.rpartition(":")[2]))

    def _end(self, _name: str) -> None:
        ended = self._open.pop()
        self._open[-1].children.append(Element(ended.name, ended.text.strip(), tuple(ended.children)))

    def _characters(self, text: str) -> None:
        current = self._open[-1]
        current.text += text[: MAX_TEXT - len(current.text)]

    @staticmethod
    def _refuse(*_declaration: object) -> NoReturn:
        raise ReportError("it declares a document type or an entity, which no report needs")
