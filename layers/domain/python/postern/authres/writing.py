"""Writing Authentication-Results. What a sender controls is quoted; what cannot be quoted is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from postern.model import MethodResult
from postern.wire import truncate

FIELD_NAME = "Authentication-Results"

MAX_VALUE = 320
"""Characters of one property value; an address has at most 254 (RFC 5321 §4.5.3.1.3)."""
MAX_REASON = 200
MAX_LENGTH = 16 * 1024
"""Characters in all; methods beyond it are left out."""

_TOKEN = re.compile(r"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]++")
_DOT_ATOM = re.compile(r"[!#$%&'*+./0-9=?A-Z^_`a-z{|}~-]*@[0-9A-Za-z][0-9A-Za-z.-]*+")
_PROPERTY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*+\.[A-Za-z0-9][A-Za-z0-9-]*+")
_PRINTABLE = re.compile(r"[ -~]*+")
_UNPRINTABLE = re.compile(r"[^ -~]+")
_SPECIAL_IN_QUOTES = re.compile(r'(["\\])')


def write_results(authserv_id: str, methods: Iterable[MethodResult]) -> str:
    """The field's value on one line; `none` when no method was applied (RFC 8601 §2.2)."""
    written = [write_value(authserv_id)]
    length = len(written[0])
    for method in methods:
        text = _write_method(method)
        length += len(text) + 2
        if length > MAX_LENGTH:
            break
        written.append(text)
    return "; ".join(written if len(written) > 1 else [*written, "none"])


def write_value(text: str) -> str:
    """A value as it may stand after `=`: bare where the grammar allows it, else a quoted string."""
    if _TOKEN.fullmatch(text) or _DOT_ATOM.fullmatch(text):
        return text
    clean = _UNPRINTABLE.sub("?", text)
    return '"' + _SPECIAL_IN_QUOTES.sub(r"\\\1", clean) + '"'


def _write_method(method: MethodResult) -> str:
    pieces = [f"{method.method}={method.result}"]
    if method.reason:
        pieces.append(f"reason={write_value(truncate(method.reason, MAX_REASON))}")
    pieces.extend(_write_properties(method.properties))
    return " ".join(pieces)


def _write_properties(properties: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in properties:
        shown = _presentable(value)
        if shown and _PROPERTY.fullmatch(name):
            yield f"{name}={write_value(shown)}"


def _presentable(value: str) -> str:
    """`value` if it can be quoted; of an address with an unprintable local part the domain; else nothing."""
    if len(value) <= MAX_VALUE and _PRINTABLE.fullmatch(value):
        return value
    _, at, domain = value.rpartition("@")
    return f"@{domain}" if at and len(domain) <= MAX_VALUE and _PRINTABLE.fullmatch(domain) else ""
