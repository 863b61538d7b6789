"""A message, parsed once into frozen values (RFC 5322, RFC 2045 to 2049). Octets in, values out, never an exception.

What is wrong with a message is told by its `defects`; what a sender controls is bounded by `MessageLimits`; content
is decoded when somebody asks for it, and once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from postern.mime.defects import Defect, DefectCode
from postern.mime.headers import HeaderField
from postern.mime.limits import DEFAULT_LIMITS, MessageLimits
from postern.mime.parts import Part
from postern.mime.structure import read_tree

__all__ = ["DEFAULT_LIMITS", "Defect", "DefectCode", "HeaderField", "Message", "MessageLimits", "Part", "parse_message"]


@dataclass(frozen=True)
class Message:
    """A whole message. `raw` is as received; the header section is `raw[:body_offset]`.

    `defects` are those of the structure; `every_defect` decodes all content and adds what is wrong with that.
    """

    raw: bytes = field(repr=False)
    header_fields: tuple[HeaderField, ...] = field(repr=False)
    body_offset: int
    root: Part
    defects: tuple[Defect, ...]
    worked_out: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What several checks ask of one message, by the name of what works it out."""

    @property
    def size(self) -> int:
        """Octets in all."""
        return len(self.raw)

    @property
    def header_bytes(self) -> bytes:
        """The header section as received, with the empty line that ends it."""
        return self.raw[: self.body_offset]

    @property
    def body_bytes(self) -> memoryview:
        """All after the header section, as received; a view, nothing is copied."""
        return memoryview(self.raw)[self.body_offset :]

    @cached_property
    def _by_key(self) -> dict[str, tuple[HeaderField, ...]]:
        index: dict[str, list[HeaderField]] = {}
        for one in self.header_fields:
            index.setdefault(one.key, []).append(one)
        return {key: tuple(fields) for key, fields in index.items()}

    def fields(self, name: str) -> tuple[HeaderField, ...]:
        """All fields of that name, in order, in any case."""
        return self._by_key.get(name.lower(), ())

    def first(self, name: str) -> HeaderField | None:
        """The first field of that name."""
        found = self.fields(name)
        return found[0] if found else None

    def value(self, name: str, default: str = "") -> str:
        """The decoded value of the first field of that name."""
        found = self.first(name)
        return default if found is None else found.value

    def parts(self) -> Iterator[Part]:
        """All parts, depth first, the root first; nested messages included."""
        return self.root.walk()

    @cached_property
    def text_parts(self) -> tuple[Part, ...]:
        """The leaves whose content is text, attached ones too."""
        return tuple(part for part in self.parts() if part.is_text)

    @cached_property
    def attachments(self) -> tuple[Part, ...]:
        """The parts that mail readers offer as files, attached messages and what they hold included."""
        return tuple(part for part in self.parts() if part.is_attachment)

    def every_defect(self) -> tuple[Defect, ...]:
        """The defects of the structure and of every leaf's content."""
        leaves = (part for part in self.parts() if not part.children)
        return (*self.defects, *(defect for part in leaves for defect in part.content_defects()))


def parse_message(raw: bytes, limits: MessageLimits = DEFAULT_LIMITS) -> Message:
    """Take a message apart. A message whose lines end in bare CR is read as if they ended in LF."""
    source, defects = raw, []
    if b"\n" not in raw and b"\r" in raw:
        source = raw.replace(b"\r", b"\n")
        defects.append(Defect(DefectCode.BARE_CR_LINES))
    tree = read_tree(source, limits)
    root = tree.root
    defects += _header_defects(source, root.body_offset)
    return Message(raw, root.header_fields, root.body_offset, root, (*defects, *tree.defects))


def _header_defects(source: bytes, body_offset: int) -> list[Defect]:
    defects = []
    feeds = source.count(b"\n", 0, body_offset)
    if feeds != source.count(b"\r\n", 0, body_offset):
        defects.append(Defect(DefectCode.BARE_LF))
    if source.find(b"\0", 0, body_offset) >= 0:
        defects.append(Defect(DefectCode.NUL))
    return defects
