"""Finding many literals in one text at once: every literal is looked for by its rarest four octets.

With numpy the whole text is looked up in one table; without it (or for few literals) each literal is searched for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from postern.rules.literals import frequency

FEW_LITERALS = 24
TABLE_BITS = 20
MAX_FOUND = 20_000
"""Places in one text that are looked at more closely; a text with more is taken to hold everything."""

Entry = tuple[bytes, int, int]
"""A literal, where in it its key begins, and its number."""


class LiteralIndex:
    """An index over literals (lower case, at least three octets), numbered in the order they are given."""

    def __init__(self, literals: Iterable[bytes]) -> None:
        self.literals = tuple(literals)
        self._by_gram: dict[int, list[Entry]] = {}
        for index, literal in enumerate(self.literals):
            width = min(len(literal), 4)
            offset = min(range(len(literal) - width + 1), key=lambda at: frequency(literal[at : at + width]))
            self._by_gram.setdefault(_key(literal[offset : offset + width]), []).append((literal, offset, index))
        self._tables: tuple[Any, Any] | None = None
        self._numpy: Any = _import_numpy() if len(self.literals) > FEW_LITERALS else None

    def find(self, text: bytes) -> Iterator[tuple[int, int]]:
        """The numbers of the literals in `text` (in lower case) and where they begin, each place once."""
        if self._numpy is None or len(text) < 4:
            yield from self._find_one_by_one(text)
            return
        starts = text.startswith
        for position, gram in self._places(text):
            for literal, offset, index in self._by_gram.get(gram, ()):
                if position >= offset and starts(literal, position - offset):
                    yield index, position - offset

    def _find_one_by_one(self, text: bytes) -> Iterator[tuple[int, int]]:
        for index, literal in enumerate(self.literals):
            at = text.find(literal)
            while at >= 0:
                yield index, at
                at = text.find(literal, at + 1)

    def _places(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Where a key may begin, and the key there."""
        numpy = self._numpy
        fours, threes = self._tables or self._make_tables()
        octets = numpy.frombuffer(text, dtype=numpy.uint8).astype(numpy.uint32)
        three = octets[:-2] | (octets[1:-1] << 8) | (octets[2:] << 16)
        four = three[:-1] | (octets[3:] << 24)
        at = numpy.flatnonzero(fours[(four * numpy.uint32(0x9E3779B1)) >> (32 - TABLE_BITS)])[:MAX_FOUND]
        yield from zip(at.tolist(), four[at].tolist(), strict=True)
        at = numpy.flatnonzero(threes[(three * numpy.uint32(0x9E3779B1)) >> (32 - TABLE_BITS)])[:MAX_FOUND]
        yield from zip(at.tolist(), ((three[at].astype(numpy.int64)) | _SHORT).tolist(), strict=True)

    def _make_tables(self) -> tuple[Any, Any]:
        numpy = self._numpy
        tables = []
        for short in (False, True):
            table = numpy.zeros(1 << TABLE_BITS, dtype=bool)
            keys = [key & 0xFFFFFFFF for key in self._by_gram if bool(key & _SHORT) is short]
            hashed = (numpy.array(keys, dtype=numpy.uint32) * numpy.uint32(0x9E3779B1)) >> (32 - TABLE_BITS)
            table[hashed] = True
            tables.append(table)
        self._tables = (tables[0], tables[1])
        return self._tables


_SHORT = 1 << 32
"""Marks the key of three octets."""


def _key(gram: bytes) -> int:
    return int.from_bytes(gram, "little") | (_SHORT if len(gram) == 3 else 0)


def _import_numpy() -> Any:
    """numpy, when it is installed: it takes 0.1 s to load, makes the search fast and does nothing else."""
    return import_module("numpy") if find_spec("numpy") else None
