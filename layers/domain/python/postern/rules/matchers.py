"""One rule's pattern, ready to be tried: compiled when it is first needed, bounded in time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from postern.rules.patterns import SECONDS_PER_SEARCH, Pattern, PatternError
from postern.rules.syntax import Tree, UnreadError, read_tree


@dataclass(frozen=True, slots=True)
class Match:
    """How often a pattern was found, what it found first, and what its named groups captured."""

    count: int
    text: bytes = b""
    captured: tuple[tuple[str, bytes], ...] = ()


NO_MATCH = Match(0)


class Matcher:
    """The pattern of a rule; `most` is how often it may count, `negated` that the rule hits where it does not match.

    `is_plain`: nobody asks what it matched; `is_flag`: nor how often.
    """

    __slots__ = (
        "_compiled",
        "_matches_nothing",
        "broken",
        "is_flag",
        "is_plain",
        "most",
        "name",
        "negated",
        "nosubject",
        "pattern",
    )

    def __init__(
        self, name: str, pattern: Pattern, most: int = 1, *, nosubject: bool = False, negated: bool = False
    ) -> None:
        self.name = name
        self.pattern = pattern
        self.most = most
        self.nosubject = nosubject
        self.negated = negated
        self.is_plain = name.startswith("__") and not pattern.captures
        self.is_flag = self.is_plain and most == 1
        self._compiled: Any = None
        self._matches_nothing: bool | None = None
        self.broken = False

    @property
    def octets(self) -> bytes:
        """The pattern for octets; its templates stand for anything."""
        octets = self.pattern.text.encode("utf-8", "surrogateescape")
        for template in self.pattern.templates:
            octets = octets.replace(b"%{" + template.encode() + b"}", b"(?:.*)")
        return octets

    def tree(self) -> Tree | None:
        """What it may match, `None` when that cannot be told."""
        try:
            return read_tree(self.octets, self.pattern.flags)
        except UnreadError:
            return None

    @property
    def matches_nothing(self) -> bool:
        """Whether it matches an empty text: then it hits where a header field is missing."""
        if self._matches_nothing is None:
            self._matches_nothing = bool(self.find((b"",)).count)
        return self._matches_nothing

    def find(self, texts: Iterable[bytes], captured: dict[str, list[bytes]] | None = None) -> Match:
        """Try the texts one after the other. Raises `TimeoutError` when one takes too long."""
        compiled = self._compiled or self._compile(captured)
        if compiled is None:
            return NO_MATCH
        if self.most == 1:
            return self._first(compiled, texts)
        return self._number(compiled, texts) if self.is_plain else self._count(compiled, texts)

    def find_at(self, texts: Iterable[bytes], starts: Iterable[Iterable[int]]) -> Match:
        """As `find`, of a pattern that counts once, at these places only. Raises `TimeoutError` as that does."""
        compiled = self._compiled or self._compile(None)
        if compiled is None:
            return NO_MATCH
        for text, places in zip(texts, starts, strict=True):
            for place in places:
                found = compiled.match(text, place, timeout=SECONDS_PER_SEARCH)
                if found is not None:
                    return Match(1, found.group(0), tuple(_captured(found)) if compiled.groupindex else ())
        return NO_MATCH

    def may_match(self, texts: Iterable[bytes], captured: dict[str, list[bytes]]) -> bool:
        """Whether the texts have what the templates stand for: that is cheaper than compiling the pattern."""
        together = b"\0".join(texts).lower()
        values = [captured.get(name, ()) for name in self.pattern.templates]
        return all(any(one.lower() in together for one in some) for some in values)

    def _first(self, compiled: Any, texts: Iterable[bytes]) -> Match:
        search = compiled.search
        for text in texts:
            found = search(text, timeout=SECONDS_PER_SEARCH)
            if found is not None:
                groups = tuple(_captured(found)) if compiled.groupindex else ()
                return Match(1, found.group(0), groups)
        return NO_MATCH

    def _number(self, compiled: Any, texts: Iterable[bytes]) -> Match:
        """Only how often."""
        count = 0
        for text in texts:
            count += len(compiled.findall(text, timeout=SECONDS_PER_SEARCH))
            if count >= self.most:
                return Match(self.most)
        return Match(count)

    def _count(self, compiled: Any, texts: Iterable[bytes]) -> Match:
        count, first = 0, b""
        captured: list[tuple[str, bytes]] = []
        for text in texts:
            for found in compiled.finditer(text, timeout=SECONDS_PER_SEARCH):
                first = first if count else found.group(0)
                count += 1
                captured += _captured(found) if compiled.groupindex else ()
                if count >= self.most:
                    return Match(count, first, tuple(captured))
        return Match(count, first, tuple(captured)) if count else NO_MATCH

    def _compile(self, captured: dict[str, list[bytes]] | None) -> Any:
        """`None` when the pattern turns out not to be one, or when its templates have nothing to stand for."""
        if self.broken or any(not (captured or {}).get(name) for name in self.pattern.templates):
            return None
        try:
            compiled = self.pattern.compile(captured)
        except PatternError:
            self.broken = True
            return None
        if not self.pattern.templates:
            self._compiled = compiled
        return compiled


def _captured(found: Any) -> list[tuple[str, bytes]]:
    return [(name, value) for name, values in found.capturesdict().items() for value in values if value]
