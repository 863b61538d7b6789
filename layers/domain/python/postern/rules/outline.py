"""The outline of a pattern for a multi-pattern scanner: an expression that is found wherever the pattern is.

Small patterns keep their meaning. Large ones lose what makes them large: which octets beyond ASCII they name, then how
often something may be repeated at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log2

from postern.rules.beginnings import beginnings
from postern.rules.syntax import ALL, NOTHING, Edge, Either, Joined, Node, Octets, Repeated, Tree, members_of

LIGHT = 150
"""Octets, with all repetitions written out, of a pattern that keeps its meaning: what it costs to compile and to keep
grows with them."""

HEAVY = 3_200
"""The same of the largest outline; of what is larger after all only a part is looked for."""

PART = 1_500
"""The same of such a part."""

BEGINNING = 4
"""Octets that are looked for of a pattern that is larger still: it is then tried at those places only."""

ENORMOUS = 10_000

ROW = 30
"""A row of octets of one kind is no heavier than this, however long."""

_FOREIGN = ALL >> 128 << 128
_SOME_FOREIGN = Repeated(Octets(_FOREIGN), 1, None)
_SAFE_EDGES = frozenset({b"^", b"\\b", b"\\B", b"\\A"})
_LETTERS = (1 << 26) - 1
_ESCAPED = frozenset(b"\0\n\\^$.[]|()?*+{}-#")


@dataclass(frozen=True, slots=True)
class Outline:
    """Expressions in PCRE's syntax, each found wherever the pattern is; the first is the best.

    The others are for scanners that refuse it: without anchors, which some take only at the beginning, and a part.
    `exact`: the first is found where the pattern is and nowhere else. `is_start`: what is found are the first
    `BEGINNING` octets, at every place where the pattern may begin.
    """

    expressions: tuple[bytes, ...]
    exact: bool = False
    is_start: bool = False


def start_outline(tree: Tree) -> Outline | None:
    """What an enormous pattern begins with; `None` for others, and where that is too many texts."""
    if _weight(tree.node) <= ENORMOUS:
        return None
    forms = beginnings(tree.node, BEGINNING)
    return None if forms is None else Outline((_expression(_mapped(forms, _blur_octets)),), is_start=True)


def outline(tree: Tree) -> Outline | None:
    """The outline of a pattern; `None` when there is nothing to look for."""
    node = _mapped(tree.node, _without_risky_edge)
    exact = tree.exact and node == tree.node
    for simpler in _SIMPLER:
        if _weight(node) <= LIGHT:
            break
        node, exact = simpler(node), False
    if _weight(node) > HEAVY:
        node = _part(node, PART)
    bare = _without_edges(node)
    nodes = [node, bare, *(_part(bare, room) for room in (PART, PART // 3, LIGHT))]
    useful = [_expression(one) for one in nodes if not may_be_empty(one) or may_be_empty(tree.node)]
    return Outline(tuple(dict.fromkeys(useful)), exact) if useful else None


def may_be_empty(node: Node) -> bool:
    """Whether the empty text may match."""
    if isinstance(node, Octets):
        return False
    if isinstance(node, Joined):
        return all(map(may_be_empty, node.items))
    if isinstance(node, Either):
        return any(map(may_be_empty, node.branches))
    return isinstance(node, Edge) or not node.least or may_be_empty(node.item)


def _weight(node: Node) -> int:
    if isinstance(node, Joined):
        return sum(map(_weight, node.items))
    if isinstance(node, Either):
        return sum(map(_weight, node.branches))
    if isinstance(node, Repeated):
        times = max(1, node.least if node.most is None else node.most)
        return min(times, ROW) if isinstance(node.item, Octets) else _weight(node.item) * times
    return 1 if isinstance(node, Octets) else 0


def _mapped(node: Node, change: Callable[[Node], Node]) -> Node:
    """The tree with every node changed, from the leaves up."""
    if isinstance(node, Joined):
        return change(Joined(tuple(_mapped(one, change) for one in node.items)))
    if isinstance(node, Either):
        return change(Either(tuple(_mapped(one, change) for one in node.branches)))
    if isinstance(node, Repeated):
        return change(Repeated(_mapped(node.item, change), node.least, node.most))
    return change(node)


def _blur_octets(node: Node) -> Node:
    """The same without changing how many octets there are."""
    return Octets(node.members | _FOREIGN) if isinstance(node, Octets) and node.members & _FOREIGN else node


def _blur(node: Node) -> Node:
    """Octets beyond ASCII are all the same, and so are rows of them."""
    if isinstance(node, Octets):
        if not node.members & _FOREIGN:
            return node
        own = node.members & ~_FOREIGN
        return Either((Octets(own), _SOME_FOREIGN)) if own else _SOME_FOREIGN
    if isinstance(node, Joined):
        items = [one for at, one in enumerate(node.items) if one != _SOME_FOREIGN or node.items[at - 1 : at] != (one,)]
        return items[0] if len(items) == 1 else Joined(tuple(items))
    if isinstance(node, Either):
        return _merged(node)
    return node


def _merged(node: Either) -> Node:
    """Branches that are single octets become one, and none stands twice."""
    flat = [inner for one in node.branches for inner in (one.branches if isinstance(one, Either) else (one,))]
    members = 0
    for one in flat:
        members |= one.members if isinstance(one, Octets) else 0
    others = dict.fromkeys(one for one in flat if not isinstance(one, Octets))
    branches = ((Octets(members),) if members else ()) + tuple(others)
    return branches[0] if len(branches) == 1 else Either(branches)


def _relaxing(most: int) -> Callable[[Node], Node]:
    """What may be repeated more often than `most` times may be repeated without end."""

    def relax(node: Node) -> Node:
        if not isinstance(node, Repeated) or max(node.least, node.most or 0) <= most:
            return node
        return Repeated(node.item, min(node.least, most), None)

    return lambda node: _mapped(node, relax)


_SIMPLER: tuple[Callable[[Node], Node], ...] = (
    lambda node: _mapped(node, _blur),
    _relaxing(20),
    _relaxing(5),
    _relaxing(2),
)


def _part(node: Node, room: int) -> Node:
    """What is in everything that the node matches: of a row the most telling stretch that there is room for."""
    if _weight(node) <= room:
        return node
    if isinstance(node, Joined):
        stretches = [node.items[start:end] for start, end in _stretches(node.items, room)]
        best = max(stretches, key=lambda items: sum(map(_bits, items)), default=())
        heavy = max(node.items, key=lambda item: _bits(item) if _weight(item) > room else 0.0)
        return max(Joined(best), _part(heavy, room), key=_bits)
    if isinstance(node, Either):
        return Either(tuple(_part(one, room // len(node.branches)) for one in node.branches))
    return _part(node.item, room) if isinstance(node, Repeated) and node.least else NOTHING


def _stretches(items: tuple[Node, ...], room: int) -> Iterator[tuple[int, int]]:
    """Where the longest stretches begin and end that are no heavier than there is room."""
    end = weight = 0
    weights = [_weight(item) for item in items]
    for start in range(len(items)):
        while end < len(items) and weight + weights[end] <= room:
            weight += weights[end]
            end += 1
        yield start, end
        if end == start:
            end += 1
        else:
            weight -= weights[start]


def _bits(node: Node) -> float:
    """How telling a node is: how seldom octets that fall by chance would match; such text is mostly ASCII."""
    if isinstance(node, Octets):
        foreign = (node.members >> 128).bit_count()
        return 7 - log2(max(1, node.members.bit_count() - foreign + foreign / 16))
    if isinstance(node, Joined):
        return sum(map(_bits, node.items))
    if isinstance(node, Either):
        return max(0.0, -log2(sum(2 ** -_bits(one) for one in node.branches)))
    return _bits(node.item) * node.least if isinstance(node, Repeated) else 0.0


def _without_risky_edge(node: Node) -> Node:
    """Vectorscan 5.4.12 misses matches of `$` and `(?m:^)`, of `-0500\\s*\\(.*\\)\\s*\\n$` in a Date field for one."""
    return NOTHING if isinstance(node, Edge) and node.written not in _SAFE_EDGES else node


def _without_edges(node: Node) -> Node:
    return _mapped(node, lambda one: NOTHING if isinstance(one, Edge) else one)


def _expression(node: Node) -> bytes:
    """The node in PCRE's syntax."""
    return b"(?i)" + _written(node, _LETTERS) if _is_caseless(node) else _written(node, 0)


def _is_caseless(node: Node) -> bool:
    if isinstance(node, Octets):
        return not ((node.members >> ord("A")) ^ (node.members >> ord("a"))) & _LETTERS
    if isinstance(node, Joined):
        return all(map(_is_caseless, node.items))
    if isinstance(node, Either):
        return all(map(_is_caseless, node.branches))
    return isinstance(node, Edge) or _is_caseless(node.item)


def _written(node: Node, upper: int) -> bytes:
    """The node without the capital letters that `upper` has bits for."""
    if isinstance(node, Octets):
        return _class(node.members & ~(upper << ord("A")))
    if isinstance(node, Edge):
        return node.written
    if isinstance(node, Joined):
        return b"".join(
            b"(?:" + _written(one, upper) + b")" if isinstance(one, Either) else _written(one, upper)
            for one in node.items
        )
    if isinstance(node, Either):
        return b"|".join(_written(one, upper) for one in node.branches)
    return _repetition(node, upper)


def _repetition(node: Repeated, upper: int) -> bytes:
    inner = _written(node.item, upper)
    if not inner:
        return b""
    if not isinstance(node.item, Octets):
        inner = b"(?:" + inner + b")"
    if node.most is None:
        return inner + {0: b"*", 1: b"+"}.get(node.least, b"{%d,}" % node.least)
    return inner + (b"?" if (node.least, node.most) == (0, 1) else b"{%d,%d}" % (node.least, node.most))


def _class(members: int) -> bytes:
    octets = members_of(members)
    if len(octets) == 1:
        return _octet(octets[0])
    ranges: list[tuple[int, int]] = []
    for octet in octets:
        if ranges and ranges[-1][1] == octet - 1:
            ranges[-1] = (ranges[-1][0], octet)
        else:
            ranges.append((octet, octet))
    return b"[" + b"".join(_octet(low) + (b"-" + _octet(high) if high > low else b"") for low, high in ranges) + b"]"


def _octet(octet: int) -> bytes:
    return bytes([octet]) if octet < 0x80 and octet not in _ESCAPED else b"\\x%02x" % octet
