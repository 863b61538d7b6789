"""What a function of rules is, and how it reads its arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from postern.rules.inspection import Inspection
from postern.rules.patterns import PatternError, read_pattern

Function = Callable[..., float | bool | None]
"""`function(inspection, *arguments)`; arguments are texts as written."""

_COMPARISON = re.compile(r"\s*(<=|>=|==|!=|<|>)\s*(-?\d+(?:\.\d+)?)\s*\Z")


def number(text: str, default: float = 0.0) -> float:
    """A number as written; `default` when it is none (`undef`, `inf`)."""
    try:
        return float(text)
    except ValueError:
        return default


def compares(value: float, expression: str) -> bool:
    """Whether `value` stands in that relation: `compares(3, "> 2")`."""
    found = _COMPARISON.match(expression)
    if found is None:
        return False
    other = float(found[2])
    return {
        "<": value < other,
        "<=": value <= other,
        ">": value > other,
        ">=": value >= other,
        "==": value == other,
        "!=": value != other,
    }[found[1]]


def pattern(inspection: Inspection, text: str) -> Any:
    """The compiled pattern of an argument, with or without slashes; `None` when it is none."""
    cache: dict[str, Any] = inspection.settings.patterns
    if text not in cache:
        literal = text if text[:1] == "/" or text[:2] in ("m{", "m/", "m|") else "m\x01" + text + "\x01"
        try:
            cache[text] = read_pattern(literal).compile()
        except PatternError:
            cache[text] = None
    return cache[text]


def matches(compiled: Any, text: str) -> bool:
    """Whether a pattern is found in a text; one that takes too long is not."""
    if compiled is None:
        return False
    try:
        return compiled.search(text.encode("utf-8", "replace"), timeout=0.05) is not None
    except TimeoutError:
        return False
