"""Literals at first, which are ready at once; databases for a process that lives long enough to earn their making."""

from __future__ import annotations

from collections.abc import Mapping

from postern.rules.literal_candidates import LiteralCandidates
from postern.rules.matchers import Matcher
from postern.rules.scanner import Patterns, build_scanner, load_scanner, scanner_is_available
from postern.rules.targets import Candidates, Finding, Texts

MESSAGES_BEFORE = 500
"""A database of a hundred patterns takes 0.8 s to make and saves 2 ms of a message."""

MOST_PATTERNS = 300
"""Of more patterns a database is only used when it was made beforehand: thousands take 20 s."""


class GrowingCandidates:
    """`Candidates` for a rule book whose database nobody has kept."""

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns
        self._current: Candidates = LiteralCandidates(patterns)
        self._messages = 0
        self._grows = len(patterns) <= MOST_PATTERNS and scanner_is_available()

    def find(self, texts: Texts) -> Mapping[Matcher, Finding]:
        """Every pattern that may match, with the texts in which it may."""
        self._messages += 1
        if self._grows and self._messages > MESSAGES_BEFORE:
            self._grows = False
            self._current = load_scanner(build_scanner(self._patterns), self._patterns)
        return self._current.find(texts)
