"""What a pattern may match, as a tree: octets, one after the other, one or the other, repeated.

The tree matches all that the pattern matches, and more where look-around, back-references and the like are left out;
`exact` tells whether it is the same. What is not understood at all is an `UnreadError`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import regex

MAX_GROUPS = 5_000
ALL = (1 << 256) - 1
"""Sets of octets are numbers: bit n says that octet n is in the set."""

_EVERY_OCTET = bytes(range(256))
_FEED = 1 << 0x0A
_QUANTIFIER = re.compile(rb"\*|\+|\?|\{(\d*)(,?)(\d*)\}")
_OPENING = re.compile(rb"\((?:\?(?:P?<([A-Za-z_]\w*)>|([imsxa-]*):|(<?[=!])|(>)|(\|)))?")
_POSIX = re.compile(rb"\[:\^?\w+:\]")
_PLAIN_CLASS = re.compile(rb"\[[^\\\[\]^-][^\\\[\]&|~-]*\]")
_OCTAL_DIGITS = frozenset({b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7"})
_EDGES = {b"b": b"\\b", b"B": b"\\B", b"A": b"\\A", b"Z": b"\\z"}
_CONTROLS = {b"n": 0x0A, b"r": 0x0D, b"t": 0x09, b"f": 0x0C, b"a": 0x07, b"e": 0x1B}


class UnreadError(Exception):
    """The pattern has something in it that is not read here."""


@dataclass(frozen=True, slots=True)
class Octets:
    """One octet out of a set."""

    members: int


@dataclass(frozen=True, slots=True)
class Joined:
    """One after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of them."""

    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """At least and at most so often; `None`: without end."""

    item: Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Edge:
    """A place between octets, in PCRE's notation."""

    written: bytes


Node = Octets | Joined | Either | Repeated | Edge
NOTHING = Joined(())
ANYTHING = Repeated(Octets(ALL), 0, None)


@dataclass(frozen=True, slots=True)
class Tree:
    """What a pattern may match; `exact`: just that."""

    node: Node
    exact: bool


def read_tree(pattern: bytes, flags: str = "") -> Tree:
    """The tree of a pattern in `regex` syntax (version 0). Raises `UnreadError`."""
    reader = _Reader(pattern)
    try:
        return Tree(reader.read(frozenset(flags)), reader.exact)
    except (IndexError, ValueError, RecursionError, regex.error) as wrong:
        raise UnreadError from wrong


@lru_cache(maxsize=4_096)
def members_of(members: int) -> tuple[int, ...]:
    """The octets of a set, in order."""
    return tuple(octet for octet in range(256) if members >> octet & 1)


@lru_cache(maxsize=4_096)
def octets_of(written: bytes, *, any_case: bool) -> Octets:
    """The octets that a class, an escape or a letter stands for: `regex` itself is asked."""
    if len(written) == 1:
        found = {written, written.swapcase()} if any_case and written.isalpha() else {written}
    elif _PLAIN_CLASS.fullmatch(written):
        found = {bytes([one]) for one in written[1:-1] + (written[1:-1].swapcase() if any_case else b"")}
    else:
        pattern = regex.compile(written, regex.VERSION0 | regex.DOTALL | (regex.IGNORECASE if any_case else 0))
        found = set(pattern.findall(_EVERY_OCTET))
    return Octets(sum(1 << one[0] for one in found))


class _Reader:
    """A recursive descent over a pattern."""

    def __init__(self, pattern: bytes) -> None:
        self._text = pattern
        self._at = 0
        self._groups = 0
        self.exact = True

    def read(self, flags: frozenset[str]) -> Node:
        node = self._alternatives(flags)
        if self._at != len(self._text):
            raise UnreadError
        return node

    def _alternatives(self, flags: frozenset[str]) -> Node:
        branches = [self._sequence(flags)]
        while self._text[self._at : self._at + 1] == b"|":
            self._at += 1
            branches.append(self._sequence(flags))
        return branches[0] if len(branches) == 1 else Either(tuple(branches))

    def _sequence(self, flags: frozenset[str]) -> Node:
        pieces: list[Node] = []
        while self._at < len(self._text) and self._text[self._at] not in b"|)":
            piece = self._piece(flags)
            if piece is not NOTHING:
                pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else Joined(tuple(pieces)) if pieces else NOTHING

    def _piece(self, flags: frozenset[str]) -> Node:
        atom = self._atom(flags)
        found = _QUANTIFIER.match(self._text, self._at)
        if found is None or (found[0][:1] == b"{" and not (found[1] or found[3])):
            return atom
        self._at = found.end()
        manner = self._text[self._at : self._at + 1]
        if manner in (b"?", b"+") and manner:
            self._at += 1
            self.exact = self.exact and manner == b"?"
        return NOTHING if atom is NOTHING else Repeated(atom, *_bounds(found))

    def _atom(self, flags: frozenset[str]) -> Node:
        octet = self._text[self._at : self._at + 1]
        if octet == b"(":
            return self._group(flags)
        if octet == b"[":
            return self._class(flags)
        if octet == b"\\":
            return self._escape(flags)
        self._at += 1
        if octet == b".":
            return Octets(ALL if "s" in flags else ALL & ~_FEED)
        if octet in b"^$":
            return Edge(b"(?m:" + octet + b")" if "m" in flags else octet)
        if octet.isspace() and "x" in flags:
            return NOTHING
        return octets_of(octet, any_case="i" in flags)

    def _group(self, flags: frozenset[str]) -> Node:
        self._groups += 1
        found = _OPENING.match(self._text, self._at)
        if found is None or self._groups > MAX_GROUPS:
            raise UnreadError
        if found[0] == b"(" and self._text[self._at + 1 : self._at + 2] in (b"?", b"*"):
            raise UnreadError
        self._at = found.end()
        node = self._alternatives(_changed(flags, (found[2] or b"").decode()))
        if self._text[self._at : self._at + 1] != b")":
            raise UnreadError
        self._at += 1
        self.exact = self.exact and not (found[3] or found[4])
        return NOTHING if found[3] else node

    def _escape(self, flags: frozenset[str]) -> Node:
        letter = self._text[self._at + 1 : self._at + 2]
        any_case = "i" in flags
        if letter == b"x":
            value = int(self._text[self._at + 2 : self._at + 4], 16)
            self._at += 4
            return octets_of(bytes([value]), any_case=any_case)
        self._at += 2
        if letter in _CONTROLS:
            return Octets(1 << _CONTROLS[letter])
        if letter in _EDGES:
            return Edge(_EDGES[letter])
        if letter in (b"d", b"D", b"s", b"S", b"w", b"W"):
            return octets_of(b"\\" + letter, any_case=False)
        if letter == b"0":
            return self._octal()
        if letter.isdigit():
            return self._reference()
        if not letter or letter.isalnum():
            raise UnreadError
        return octets_of(letter, any_case=any_case)

    def _octal(self) -> Node:
        start = self._at - 1
        while self._at < start + 3 and self._text[self._at : self._at + 1] in _OCTAL_DIGITS:
            self._at += 1
        return Octets(1 << int(self._text[start : self._at], 8))

    def _reference(self) -> Node:
        while self._text[self._at : self._at + 1].isdigit():
            self._at += 1
        self.exact = False
        return ANYTHING

    def _class(self, flags: frozenset[str]) -> Node:
        start = self._at
        self._at += 1
        self._at += self._text[self._at : self._at + 1] == b"^"
        first = True
        while first or self._text[self._at] != 0x5D:
            first = False
            posix = _POSIX.match(self._text, self._at)
            self._at = posix.end() if posix else self._at + (2 if self._text[self._at] == 0x5C else 1)
        self._at += 1
        return octets_of(self._text[start : self._at], any_case="i" in flags)


def _changed(flags: frozenset[str], written: str) -> frozenset[str]:
    """The flags within `(?i-s:…)`."""
    if "x" in written:
        raise UnreadError
    on, _, off = written.partition("-")
    return flags.union(on) - frozenset(off)


def _bounds(found: re.Match[bytes]) -> tuple[int, int | None]:
    sign = found[0]
    if sign in (b"*", b"+", b"?"):
        return (1 if sign == b"+" else 0), (1 if sign == b"?" else None)
    least = int(found[1] or 0)
    if not found[2]:
        return least, least
    return least, int(found[3]) if found[3] else None
