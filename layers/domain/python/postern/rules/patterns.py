"""Perl's regular expression literals, compiled to time-limited matchers over octets.

PatternError    a literal that cannot be read or compiled; the text says why
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import regex

SECONDS_PER_SEARCH = 0.05
MAX_PATTERN_LENGTH = 20_000
_CLOSING = {"{": "}", "(": ")", "[": "]", "<": ">"}
_FLAGS = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL, "x": regex.VERBOSE}
_IGNORED_FLAGS = frozenset("goau")
_LITERAL = re.compile(r"m?(?P<open>[^\w\s])")


class PatternError(ValueError):
    """A pattern that is not one."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """A compiled pattern. A search that takes too long ends, counts as no match, and says so."""

    compiled: Any

    def search(self, text: bytes) -> bytes | None:
        """What matched, or `None`. Raises `TimeoutError` after `SECONDS_PER_SEARCH`."""
        found = self.compiled.search(text, timeout=SECONDS_PER_SEARCH)
        return None if found is None else bytes(found.group(0))


def compile_pattern(literal: str) -> Matcher:
    """The matcher of a literal such as `/free money/i` or `m{^https?://}i`. Raises `PatternError`."""
    pattern, flags = split_literal(literal)
    try:
        compiled = regex.compile(pattern.encode("utf-8"), _flag_bits(flags) | regex.VERSION0)
    except (regex.error, ValueError, RecursionError) as wrong:
        raise PatternError(f"the pattern cannot be compiled: {wrong}") from wrong
    return Matcher(compiled)


def split_literal(literal: str) -> tuple[str, str]:
    """The pattern and the flags of a literal. Raises `PatternError`."""
    text = literal.strip()
    begins = _LITERAL.match(text)
    if begins is None or len(text) > MAX_PATTERN_LENGTH:
        raise PatternError("expected a pattern such as /text/i or m{text}i")
    delimiter = begins["open"]
    closing = _CLOSING.get(delimiter, delimiter)
    end = text.rfind(closing)
    if end < begins.end():
        raise PatternError(f"the pattern has no closing {closing}")
    flags = text[end + 1 :].strip()
    if unknown := set(flags) - set(_FLAGS) - _IGNORED_FLAGS:
        raise PatternError(f"unknown flag {sorted(unknown)[0]!r} after the pattern")
    pattern = text[begins.end() : end]
    return (pattern.replace(f"\\{delimiter}", delimiter) if delimiter == "/" else pattern), flags


def _flag_bits(flags: str) -> int:
    bits = 0
    for flag in flags:
        bits |= int(_FLAGS.get(flag, 0))
    return bits
