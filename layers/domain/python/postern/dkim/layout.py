"""How a signature field is laid out on lines (RFC 6376 §3.5; the widths are those OpenDKIM and most others write)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

MARGIN = 75
"""Columns of a line, a tab counting as eight; 0 writes everything on one line."""

_FOLD = "\r\n\t"
_TAB = 8
_DEEPER = " "
_BREAKABLE_ANYWHERE = frozenset({"b", "bh", "z"})


def lay_out(field_name: str, tags: Sequence[tuple[str, str]], margin: int = MARGIN) -> str:
    """The field's value up to and including `b=`, whose value is still to come; `tags` are all the others."""
    texts = [f"{name}={value};" for name, value in tags]
    if not margin:
        return " ".join([*texts, "b="])
    written = [texts[0]]
    column = len(field_name) + 2 + len(texts[0])
    for (name, _), text in zip(tags[1:], texts[1:], strict=True):
        if column + len(text) <= margin:
            written.append(" " + text)
            column += 1 + len(text)
        else:
            broken = list(_broken(name, text, margin))
            written += [_FOLD, (_FOLD + _DEEPER).join(broken)]
            column = _TAB + len(_DEEPER) * (len(broken) > 1) + len(broken[-1])
    return "".join((*written, _FOLD, "b="))


def lay_out_signature(signature: str, margin: int = MARGIN) -> str:
    """The value of `b=`, on as many lines as it takes."""
    if not margin:
        return signature
    return (_FOLD + _DEEPER).join(_slices("b=" + signature, margin))[len("b=") :]


def _broken(name: str, text: str, margin: int) -> Iterator[str]:
    """One tag that begins a line, in pieces that fit; only lists of names, hashes and copies can be broken."""
    if name in _BREAKABLE_ANYWHERE:
        yield from _slices(text, margin)
    elif name == "h":
        yield from _names(text, margin)
    else:
        yield text


def _slices(text: str, margin: int) -> Iterator[str]:
    yield text[: margin - _TAB]
    rest = margin - _TAB - len(_DEEPER)
    for start in range(margin - _TAB, len(text), rest):
        yield text[start : start + rest]


def _names(text: str, margin: int) -> Iterator[str]:
    """Pieces that end after a colon; the colon may stand on the margin."""
    line, column = "", _TAB
    for name in text.split(":"):
        if line and column + 1 + len(name) > margin:
            yield line + ":"
            line, column = name, _TAB + len(_DEEPER) + len(name)
        else:
            line = f"{line}:{name}" if line else name
            column = column + 1 + len(name) if line != name else column + len(name)
    yield line
