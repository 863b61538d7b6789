"""What the texts that a pattern matches begin with."""

from __future__ import annotations

from postern.rules.syntax import Either, Joined, Node, Octets, Repeated

MAX_FORMS = 500

Form = tuple[int, ...]
"""Sets of octets, one after the other."""

_END: frozenset[Form] = frozenset({()})


def beginnings(node: Node, length: int) -> Node | None:
    """The first octets of all that the node matches; `None` when some of it is shorter, or there are too many forms."""
    try:
        forms = _forms(node, length)
    except _TooManyError:
        return None
    if any(len(form) < length for form in forms):
        return None
    return Either(tuple(Joined(tuple(map(Octets, form))) for form in sorted(forms)))


class _TooManyError(Exception):
    """There are more forms than it is worth telling apart."""


def _forms(node: Node, length: int) -> frozenset[Form]:
    """Forms shorter than `length` are those of texts that may end there."""
    if isinstance(node, Octets):
        return frozenset({(node.members,)})
    if isinstance(node, Either):
        return _few(frozenset(form for one in node.branches for form in _forms(one, length)))
    if isinstance(node, Joined):
        found = _END
        for item in node.items:
            found = _followed(found, item, length)
        return found
    return _repeated(node, length) if isinstance(node, Repeated) else _END


def _repeated(node: Repeated, length: int) -> frozenset[Form]:
    found: frozenset[Form] = frozenset() if node.least else _END
    last = _END
    for times in range(1, max(length, node.least) + 1):
        if all(len(form) == length for form in last):
            break
        last = _followed(last, node.item, length)
        found |= last if times >= node.least else frozenset(form for form in last if len(form) == length)
    return _few(found)


def _followed(before: frozenset[Form], node: Node, length: int) -> frozenset[Form]:
    whole = {form for form in before if len(form) == length}
    if len(whole) == len(before):
        return before
    after = _forms(node, length)
    return _few(frozenset(whole | {(*form, *more)[:length] for form in before - whole for more in after}))


def _few(found: frozenset[Form]) -> frozenset[Form]:
    if len(found) > MAX_FORMS:
        raise _TooManyError
    return found
