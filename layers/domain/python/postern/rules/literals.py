"""Which texts a pattern cannot do without: for each pattern a set of literals, one of which must be in what it matches.

A pattern is only tried where one of its literals occurs. The reading is sound rather than complete: a pattern that
cannot be read requires nothing. Literals are in lower case, and so must the searched text be.

Patterns against disguised words (`v[_\\W]?[i1!|l][_\\W]?[a@]gra`) seem to need nothing. In text that is ASCII and
squeezed (all that is neither letter nor digit taken out) they do need something: `squeezed_literals` tells what.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from postern.rules.syntax import Edge, Either, Joined, Node, Octets, Tree, members_of, octets_of

MAX_SET = 48
MAX_SQUEEZED_SET = 400
MAX_NEEDED = 800
MAX_LENGTH = 24
MIN_LENGTH = 3
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
    """What text the literals are for, and how many texts of a piece are kept."""

    largest: int = MAX_SET
    squeezed: bool = False


_VANISHING = frozenset(NOT_WORD)
_PLAIN = _Mode()
_SQUEEZED = _Mode(MAX_SQUEEZED_SET, squeezed=True)
_TOO_COMMON = frozenset(octets_of(one, any_case=False).members for one in (b"\\s", b"\\S", b"\\w", b"\\W", b"\\D"))


def required_literals(tree: Tree) -> frozenset[bytes]:
    """The literals that a pattern needs; empty when none could be found."""
    node = _meaning(tree.node, _PLAIN)
    return _better(node.needed, node.exact) or frozenset()


def squeezed_literals(tree: Tree) -> frozenset[bytes] | None:
    """The literals the pattern needs in squeezed ASCII text; `None`: it cannot match in ASCII text at all."""
    node = _meaning(tree.node, _SQUEEZED)
    if node.exact is not None and not node.exact:
        return None
    return _better(node.needed, node.exact) or frozenset()


def counted_literals(tree: Tree) -> Counted | None:
    """Literals of any length, and how often they occur at least in a text that matches; `None` when once is enough."""
    return _meaning(tree.node, _PLAIN).counted


def frequency(literal: bytes) -> float:
    """Roughly how likely a literal is at one place of a mail."""
    share = 1.0
    for octet in literal:
        share *= _RARITY.get(octet, 0.002)
    return share


@lru_cache(maxsize=2_048)
def _leaf(octets: Octets, mode: _Mode) -> _Node:
    """A place where one octet out of a set stands."""
    members = members_of(octets.members)
    if mode.squeezed:
        found = frozenset(b"" if one in _VANISHING else bytes([one]).lower() for one in members if one < 0x80)
    elif octets.members in _TOO_COMMON:
        return _ANYTHING
    else:
        found = frozenset(bytes([one]).lower() for one in members)
    return _Node(found) if len(found) <= mode.largest else _ANYTHING


def _meaning(node: Node, mode: _Mode) -> _Node:
    if isinstance(node, Octets):
        return _leaf(node, mode)
    if isinstance(node, Edge):
        return _EMPTY
    if isinstance(node, Joined):
        return _joined([_meaning(one, mode) for one in node.items if not isinstance(one, Edge)], mode.largest)
    if isinstance(node, Either):
        return _either([_meaning(one, mode) for one in node.branches], mode.largest)
    return _repeated(_meaning(node.item, mode), node.least, node.most, mode.largest)


def _repeated(node: _Node, least: int, most: int | None, largest: int) -> _Node:
    if node == _EMPTY or (least and not node.exact and node.exact is not None):
        return node
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
