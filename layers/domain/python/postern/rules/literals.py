"""Which texts a pattern cannot do without: for each pattern a set of literals, one of which must be in what it matches.

A pattern is only tried where one of its literals occurs. The reading is sound rather than complete: what it does not
understand requires nothing. Literals are in lower case, and so must the searched text be.

Patterns against disguised words (`v[_\\W]?[i1!|l][_\\W]?[a@]gra`) seem to need nothing. In text that is ASCII and
squeezed (all that is neither letter nor digit taken out) they do need something: `squeezed_literals` tells what.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

MAX_SET = 48
MAX_SQUEEZED_SET = 400
MAX_NEEDED = 800
MAX_LENGTH = 24
MIN_LENGTH = 3
MAX_GROUPS = 60
_QUANTIFIER = re.compile(rb"\*|\+|\?|\{(\d*)(,?)(\d*)\}")
_OPENING = re.compile(rb"\((?:\?(?:P?<([A-Za-z_]\w*)>|([imsxa-]*):|(<?[=!])|(>)|(\|)))?")
_POSIX = re.compile(rb"\[:\^?\w+:\]")
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"f": b"\x0c", b"a": b"\x07", b"e": b"\x1b"}
_ZERO_WIDTH = frozenset(b"bBAZGKzm")
_RARITY = {
    **dict.fromkeys(b"jqxz0123456789$%@#&*+<>=\"'()/:;!?-_\\[]{}|~^", 0.004),
    **{ord(one): share for one, share in {
        " ": 0.15, "e": 0.10, "t": 0.07, "a": 0.065, "o": 0.063, "i": 0.06, "n": 0.058, "s": 0.055, "r": 0.05,
        "h": 0.04, "l": 0.035, "d": 0.032, "c": 0.03, "u": 0.025, "m": 0.025, "p": 0.02, "f": 0.018, "g": 0.018,
        "w": 0.015, "y": 0.015, "b": 0.012, "v": 0.009, "k": 0.007, ".": 0.02, ",": 0.01, "\n": 0.02,
    }.items()},
}  # fmt: skip

Counted = tuple[frozenset[bytes], int]


@dataclass(frozen=True, slots=True)
class _Node:
    """What a piece of a pattern is.

    `exact` is all the texts it can be (`None`: too many); `needed` the best set of literals one of which is in all its
    texts (`None`: there is none); `weak` the same with literals of any length; `counted` a set and how often, at
    least, its literals occur together; `edges` the texts that it begins and ends with, for `x+`.
    """

    exact: frozenset[bytes] | None
    needed: frozenset[bytes] | None = None
    weak: frozenset[bytes] | None = None
    counted: Counted | None = None
    edges: frozenset[bytes] | None = None


_EMPTY = _Node(frozenset({b""}))
_ANYTHING = _Node(None)
_DIGITS = frozenset(bytes([octet]) for octet in b"0123456789")
NOT_WORD = bytes(octet for octet in range(256) if octet >= 0x80 or not chr(octet).isalnum())
"""What is taken out of squeezed text."""


@dataclass(frozen=True, slots=True)
class _Mode:
    """What text the literals are for."""

    largest: int = MAX_SET
    squeezed: bool = False

    def leaf(self, members: Iterable[bytes]) -> _Node:
        """A place where one of `members` stands."""
        if self.squeezed:
            members = {b"" if one in _VANISHING else one for one in members if one < b"\x80"}
        found = frozenset(members)
        return _Node(found) if len(found) <= self.largest else _ANYTHING

    def others(self, letter: bytes) -> _Node:
        """A place where something of `\\s`, `\\w` and so on stands."""
        if letter == b"d":
            return _Node(_DIGITS)
        if self.squeezed and letter in (b"s", b"W"):
            return _EMPTY
        return _ANYTHING


_VANISHING = frozenset(bytes([octet]) for octet in NOT_WORD)
_PLAIN = _Mode()
_SQUEEZED = _Mode(MAX_SQUEEZED_SET, squeezed=True)


def required_literals(pattern: bytes, flags: str = "") -> frozenset[bytes]:
    """The literals of a pattern in `regex` syntax; empty when none could be found."""
    return _literals(pattern, flags, _PLAIN)


def squeezed_literals(pattern: bytes, flags: str = "") -> frozenset[bytes] | None:
    """The literals the pattern needs in squeezed ASCII text; `None`: it cannot match in ASCII text at all."""
    return _literals(pattern, flags, _SQUEEZED, impossible=None)


def counted_literals(pattern: bytes, flags: str = "") -> Counted | None:
    """Literals of any length, and how often they occur at least in a text that matches; `None` when once is enough."""
    try:
        return _Reader(pattern, "x" in flags, _PLAIN).read().counted
    except (_NotUnderstoodError, IndexError, ValueError, RecursionError):
        return None


_Impossible = TypeVar("_Impossible")


def _literals(
    pattern: bytes, flags: str, mode: _Mode, impossible: _Impossible | frozenset[bytes] = frozenset()
) -> frozenset[bytes] | _Impossible:
    try:
        node = _Reader(pattern, "x" in flags, mode).read()
    except (_NotUnderstoodError, IndexError, ValueError, RecursionError):
        return frozenset()
    if node.exact is not None and not node.exact:
        return impossible
    best = _better(node.needed, node.exact)
    return best if best is not None else frozenset()


def frequency(literal: bytes) -> float:
    """Roughly how likely a literal is at one place of a mail."""
    share = 1.0
    for octet in literal:
        share *= _RARITY.get(octet, 0.002)
    return share


class _NotUnderstoodError(Exception):
    """The pattern has something in it that is not read here."""


class _Reader:
    """A recursive descent over a pattern."""

    def __init__(self, pattern: bytes, verbose: bool, mode: _Mode) -> None:
        self._text = pattern
        self._mode = mode
        self._verbose = verbose
        self._at = 0
        self._groups = 0

    def read(self) -> _Node:
        node = self._alternatives()
        if self._at != len(self._text):
            raise _NotUnderstoodError
        return node

    def _alternatives(self) -> _Node:
        branches = [self._sequence()]
        while self._text[self._at : self._at + 1] == b"|":
            self._at += 1
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else _either(branches, self._mode.largest)

    def _sequence(self) -> _Node:
        pieces: list[_Node] = []
        while self._at < len(self._text) and self._text[self._at] not in b"|)":
            piece = self._piece()
            if piece is not None:
                pieces.append(piece)
        return _joined(pieces, self._mode.largest)

    def _piece(self) -> _Node | None:
        start = self._at
        atom = self._atom()
        found = _QUANTIFIER.match(self._text, self._at)
        if found is None or (found[0][:1] == b"{" and not (found[1] or found[3])):
            return atom
        self._at = found.end()
        if self._text[self._at : self._at + 1] in (b"?", b"+") and self._at > start:
            self._at += 1
        return _repeated(atom or _EMPTY, *_bounds(found), self._mode.largest)

    def _atom(self) -> _Node | None:
        octet = self._text[self._at : self._at + 1]
        if octet == b"(":
            return self._group()
        if octet == b"[":
            return self._class()
        if octet == b"\\":
            return self._escape()
        self._at += 1
        if octet == b".":
            return _ANYTHING
        if octet in b"^$" or (self._verbose and octet.isspace()):
            return None
        return self._mode.leaf({octet.lower()})

    def _group(self) -> _Node | None:
        self._groups += 1
        found = _OPENING.match(self._text, self._at)
        if found is None or self._groups > MAX_GROUPS * 10 or (found[2] or b"").find(b"x") >= 0:
            raise _NotUnderstoodError
        if found[0] == b"(" and self._text[self._at + 1 : self._at + 2] in (b"?", b"*"):
            raise _NotUnderstoodError
        self._at = found.end()
        node = self._alternatives()
        if self._text[self._at : self._at + 1] != b")":
            raise _NotUnderstoodError
        self._at += 1
        return None if found[3] else node

    def _escape(self) -> _Node | None:
        letter = self._text[self._at + 1 : self._at + 2]
        if not letter:
            raise _NotUnderstoodError
        if letter == b"x":
            value = int(self._text[self._at + 2 : self._at + 4], 16)
            self._at += 4
            return self._mode.leaf({bytes([value]).lower()})
        self._at += 2
        if letter in _ESCAPED:
            return self._mode.leaf({_ESCAPED[letter]})
        if letter[0] in _ZERO_WIDTH:
            return None
        if letter.isalnum():
            return self._named_reference(letter)
        return self._mode.leaf({letter})

    def _named_reference(self, letter: bytes) -> _Node:
        if letter in (b"g", b"k", b"p", b"P", b"N", b"0", b"c", b"u", b"L", b"Q", b"E"):
            raise _NotUnderstoodError
        while letter.isdigit() and self._text[self._at : self._at + 1].isdigit():
            self._at += 1
        return self._mode.others(letter)

    def _class(self) -> _Node:
        self._at += 1
        negated = self._text[self._at : self._at + 1] == b"^"
        self._at += negated
        members: set[bytes] | None = set()
        first = True
        while first or self._text[self._at : self._at + 1] != b"]":
            first = False
            low = self._member()
            if self._text[self._at : self._at + 1] == b"-" and self._text[self._at + 1 : self._at + 2] != b"]":
                self._at += 1
                low = _range(low, self._member())
            members = None if members is None or low is None else members | low
        self._at += 1
        if negated or members is None:
            return _ANYTHING
        return self._mode.leaf(members)

    def _member(self) -> set[bytes] | None:
        posix = _POSIX.match(self._text, self._at)
        if posix:
            self._at = posix.end()
            return None
        octet = self._text[self._at : self._at + 1]
        if not octet:
            raise _NotUnderstoodError
        if octet != b"\\":
            self._at += 1
            return {octet.lower()}
        letter = self._text[self._at + 1 : self._at + 2]
        if letter == b"x":
            value = int(self._text[self._at + 2 : self._at + 4], 16)
            self._at += 4
            return {bytes([value]).lower()}
        self._at += 2
        if letter in _ESCAPED:
            return {_ESCAPED[letter]}
        if letter == b"d":
            return set(_DIGITS)
        if letter in (b"s", b"W") and self._mode.squeezed:
            return {b" "}
        return None if letter.isalnum() else {letter}


def _range(low: set[bytes] | None, high: set[bytes] | None) -> set[bytes] | None:
    if low is None or high is None or len(low) != 1 or len(high) != 1:
        return None
    first, last = next(iter(low))[0], next(iter(high))[0]
    return {bytes([value]).lower() for value in range(first, last + 1)}


def _bounds(found: re.Match[bytes]) -> tuple[int, int | None]:
    sign = found[0]
    if sign in (b"*", b"+", b"?"):
        return (1 if sign == b"+" else 0), (1 if sign == b"?" else None)
    least = int(found[1] or 0)
    if not found[2]:
        return least, least
    return least, int(found[3]) if found[3] else None


def _repeated(node: _Node, least: int, most: int | None, largest: int) -> _Node:
    if node == _EMPTY:
        return _EMPTY
    if least == 0:
        if most == 1 and node.exact is not None and len(node.exact) < largest:
            return _Node(node.exact | {b""})
        return _ANYTHING
    weak = _weaker(node.weak, node.exact)
    counted = (weak, least) if weak is not None and least > 1 else node.counted
    if most is not None and most <= 4 and most - least <= 2:
        either = _either([_joined([node] * times, largest) for times in range(least, most + 1)], largest)
        return _Node(either.exact, either.needed, weak, counted)
    joined = _joined([node] * min(least, 3), largest)
    edges = node.exact if node.exact is not None and len(node.exact) <= largest else None
    return _Node(None, _better(joined.needed, joined.exact), weak, counted, edges)


def _either(branches: list[_Node], largest: int) -> _Node:
    exact: frozenset[bytes] | None = frozenset()
    needed: frozenset[bytes] | None = frozenset()
    weak: frozenset[bytes] | None = frozenset()
    for branch in branches:
        exact = exact | branch.exact if exact is not None and branch.exact is not None else None
        if branch.exact is not None and not branch.exact:
            continue
        best = _better(branch.needed, branch.exact)
        needed = needed | best if needed is not None and best is not None else None
        own = _weaker(branch.weak, branch.exact)
        weak = weak | own if weak is not None and own is not None else None
    if exact is not None and len(exact) > largest:
        exact = None
    if needed is not None and len(needed) > MAX_NEEDED:
        needed = None
    return _Node(exact, needed, weak if weak and len(weak) <= MAX_NEEDED else None)


def _joined(pieces: list[_Node], largest: int) -> _Node:
    """One piece after the other. Of long stretches every window that is small enough is weighed."""
    if any(piece.exact is not None and not piece.exact for piece in pieces):
        return _Node(frozenset())
    needed: frozenset[bytes] | None = None
    weak: frozenset[bytes] | None = None
    for piece in pieces:
        weak = _weaker(weak, _weaker(piece.weak, piece.exact))
    counted = max((piece.counted for piece in pieces if piece.counted), key=lambda one: one[1], default=None)
    whole: frozenset[bytes] | None = frozenset({b""})
    start = 0
    while start < len(pieces):
        window, end = _window(pieces, start, largest)
        if end == start:
            needed, whole, start = _better(needed, pieces[start].needed), None, start + 1
            continue
        needed, weak = _better(needed, window), _weaker(weak, window)
        whole = window if not start and end == len(pieces) and all(one.exact is not None for one in pieces) else None
        start = end if largest == MAX_SET or end == len(pieces) else start + 1
    return _Node(whole, needed, weak, counted)


def _window(pieces: list[_Node], start: int, largest: int) -> tuple[frozenset[bytes], int]:
    """The texts of as many pieces from `start` on as give a small set, and where they end.

    Of a repeated piece (`x+`) the first `x` ends one window, and the last begins the next.
    """
    current, at = frozenset({b""}), start
    while at < len(pieces):
        piece = pieces[at]
        texts = piece.edges if piece.exact is None else piece.exact
        if texts is None or len(current) * len(texts) > largest or max(map(len, current)) > MAX_LENGTH:
            break
        current = frozenset(first + second for first in current for second in texts)
        if piece.exact is None and at > start:
            break
        at += 1
    return current, at


def _better(first: frozenset[bytes] | None, second: frozenset[bytes] | None) -> frozenset[bytes] | None:
    """The set that is less often met; `None` when neither is of use."""
    usable = [one for one in (first, second) if one is not None and _is_usable(one)]
    return min(usable, key=_cost) if usable else None


def _weaker(first: frozenset[bytes] | None, second: frozenset[bytes] | None) -> frozenset[bytes] | None:
    """As `_better`, of sets with literals of any length but nought."""
    usable = [one for one in (first, second) if one and all(one)]
    return min(usable, key=_cost) if usable else None


def _is_usable(literals: Iterable[bytes]) -> bool:
    lengths = [len(one) for one in literals]
    return bool(lengths) and min(lengths) >= MIN_LENGTH


def _cost(literals: frozenset[bytes]) -> float:
    return sum(frequency(one[:6]) for one in literals) + 1e-7 * len(literals)
