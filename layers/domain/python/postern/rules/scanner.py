"""All patterns of a rule book in databases of hyperscan, one for each text of a message: each text is read once.

A database is made from outlines (`outline.py`), so that what it finds is tried by the pattern itself, unless the
outline is exact and nobody asks for more. Making it takes milliseconds for a hundred rules and half a minute for
thousands: it is kept, as octets, and belongs to one rule book, one version of hyperscan and one kind of processor.

ScannerError    octets that are no database, or not one of these patterns and this machine
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from postern.rules.literal_candidates import LiteralCandidates
from postern.rules.matchers import Matcher
from postern.rules.outline import BEGINNING, Outline, may_be_empty, outline, start_outline
from postern.rules.targets import Finding, Target, Texts

BATCH = 100
"""Patterns in one database: the time to make it grows faster than their number."""

_MAGIC = b"postern scanner 1\n"
_HEAD_LENGTH = 8

Patterns = Sequence[tuple[Matcher, Target]]


class ScannerError(ValueError):
    """Octets that are no database for these patterns on this machine."""


def scanner_is_available() -> bool:
    """Whether hyperscan is installed."""
    return find_spec("hyperscan") is not None


@cache
def scanner_kind() -> str:
    """The version of hyperscan, and what of this processor its databases use. Needs hyperscan."""
    hyperscan = import_module("hyperscan")
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=[b"a"], ids=[0], flags=[0])
    told = re.sub(r"\W+", "-", database.info().decode("ascii", "replace"), flags=re.ASCII)
    return f"{hyperscan.__version__}-{told}".strip("-").lower()


@dataclass(frozen=True, slots=True)
class _Group:
    """The patterns of one target, by their number.

    `starts` is the database of what patterns begin with. `left` could not be put into a database and are found by
    their literals, `empties` may match an empty text, `sure` are those whose outline is exact.
    """

    databases: tuple[Any, ...]
    starts: Any
    left: tuple[int, ...]
    empties: tuple[int, ...]
    sure: frozenset[int]


class Scanner:
    """The databases of one rule book."""

    def __init__(self, patterns: Patterns, groups: Mapping[Target, _Group]) -> None:
        self._matchers = tuple(matcher for matcher, _ in patterns)
        self._groups = groups
        self._left = LiteralCandidates(patterns[at] for group in groups.values() for at in group.left)
        self._hyperscan = import_module("hyperscan")
        self._idle: list[dict[int, Any]] = []
        """Work spaces by database that no thread uses now: each scan takes a set of them, and brings it back."""

    def find(self, texts: Texts) -> Mapping[Matcher, Finding]:
        """Every pattern that may match, with the texts in which it may."""
        found: dict[Matcher, Finding] = {}
        try:
            spaces = self._idle.pop()
        except IndexError:
            spaces = {}
        for target, some in texts.items():
            group = self._groups.get(target)
            if group is not None:
                found.update(self._in_texts(group, some, spaces))
                if group.starts is not None:
                    found.update(self._starting(group.starts, some, spaces))
        self._idle.append(spaces)
        found.update(self._left.find(texts))
        return found

    def _in_texts(
        self, group: _Group, texts: Sequence[bytes], spaces: dict[int, Any]
    ) -> Iterator[tuple[Matcher, Finding]]:
        found: dict[int, list[bytes]] = {}
        for text in texts:
            hits: list[int] = []
            if text:
                for database in group.databases:
                    space = spaces.get(id(database)) or self._space(database, spaces)
                    database.scan(text, match_event_handler=_collect, context=hits, scratch=space)
            else:
                hits += [at for at in group.empties if self._matchers[at].matches_nothing]
            for at in hits:
                found.setdefault(at, []).append(text)
        for at, where in found.items():
            yield self._matchers[at], Finding(where, at in group.sure)

    def _starting(
        self, database: Any, texts: Sequence[bytes], spaces: dict[int, Any]
    ) -> Iterator[tuple[Matcher, Finding]]:
        """The places where enormous patterns may begin."""
        found: dict[int, dict[bytes, list[int]]] = {}
        space = spaces.get(id(database)) or self._space(database, spaces)
        for text in filter(None, texts):
            ends: list[tuple[int, int]] = []
            database.scan(text, match_event_handler=_collect_end, context=ends, scratch=space)
            for at, end in dict.fromkeys(ends):
                found.setdefault(at, {}).setdefault(text, []).append(end - BEGINNING)
        for at, places in found.items():
            yield self._matchers[at], Finding(list(places), starts=[sorted(set(one)) for one in places.values()])

    def _space(self, database: Any, spaces: dict[int, Any]) -> Any:
        return spaces.setdefault(id(database), self._hyperscan.Scratch(database))


def _collect(number: int, _start: int, _end: int, _flags: int, hits: list[int]) -> None:
    hits.append(number)


def _collect_end(number: int, _start: int, end: int, _flags: int, ends: list[tuple[int, int]]) -> None:
    ends.append((number, end))


def build_scanner(patterns: Patterns) -> bytes:
    """The databases for patterns, as octets to be kept."""
    groups: list[dict[str, object]] = []
    blobs: list[bytes] = []
    for target, numbers in _by_target(patterns).items():
        made, description = _build_group(patterns, numbers)
        blobs += made
        groups.append({"target": list(target), "lengths": [len(one) for one in made], **description})
    head = json.dumps({"digest": _digest(patterns), "groups": groups}, separators=(",", ":")).encode()
    return b"".join([_MAGIC, len(head).to_bytes(_HEAD_LENGTH, "big"), head, *blobs])


def load_scanner(octets: bytes, patterns: Patterns) -> Scanner:
    """The scanner from octets of `build_scanner`. Raises `ScannerError`."""
    hyperscan = import_module("hyperscan")
    start = len(_MAGIC) + _HEAD_LENGTH
    if not octets.startswith(_MAGIC):
        raise ScannerError("this is no database of patterns")
    at = start + int.from_bytes(octets[len(_MAGIC) : start], "big")
    try:
        head = json.loads(octets[start:at])
        if head["digest"] != _digest(patterns):
            raise ScannerError("the database is of other patterns")
        groups = {}
        for group in head["groups"]:
            name, field, views, if_unset = group["target"]
            databases = []
            for length in group["lengths"]:
                databases.append(hyperscan.loadb(octets[at : at + length], hyperscan.HS_MODE_BLOCK))
                at += length
            groups[Target(name, field, tuple(views), if_unset)] = _Group(
                tuple(databases[: len(databases) - group["starting"]]),
                databases[-1] if group["starting"] else None,
                tuple(group["left"]),
                tuple(group["empties"]),
                frozenset(group["sure"]),
            )
    except (hyperscan.error, ValueError, KeyError, TypeError) as wrong:
        raise ScannerError(f"the database cannot be loaded: {wrong}") from wrong
    return Scanner(patterns, groups)


def _digest(patterns: Patterns) -> str:
    """What a database depends on."""
    summary = sha256(import_module("hyperscan").__version__.encode())
    for matcher, target in patterns:
        summary.update(repr((matcher.pattern, target, matcher.is_flag)).encode("utf-8", "surrogatepass"))
    return summary.hexdigest()


def _by_target(patterns: Patterns) -> dict[Target, list[int]]:
    found: dict[Target, list[int]] = {}
    for number, (_, target) in enumerate(patterns):
        found.setdefault(target, []).append(number)
    return found


def _build_group(patterns: Patterns, numbers: Iterable[int]) -> tuple[list[bytes], dict[str, object]]:
    outlines: dict[int, Outline] = {}
    starting: dict[int, Outline] = {}
    left, empties, sure = [], [], []
    for number in numbers:
        matcher = patterns[number][0]
        tree = matcher.tree()
        start = start_outline(tree) if tree and matcher.most == 1 else None
        drawn = start or (outline(tree) if tree else None)
        if drawn is None:
            left.append(number)
        else:
            (starting if start else outlines)[number] = drawn
        if tree is None or may_be_empty(tree.node):
            empties.append(number)
    waiting = list(outlines)
    batches = [{at: outlines[at] for at in waiting[start : start + BATCH]} for start in range(0, len(waiting), BATCH)]
    blobs = []
    for batch in (*batches, starting):
        blob, refused, exact = _compiled(batch) if batch else (b"", [], [])
        blobs += [blob] if blob else []
        left += refused
        sure += [number for number in exact if patterns[number][0].is_flag]
    return blobs, {
        "left": left,
        "empties": empties,
        "sure": sure,
        "starting": int(starting.keys() - set(left) != set()),
    }


def _compiled(outlines: Mapping[int, Outline]) -> tuple[bytes, list[int], list[int]]:
    """The database of some outlines, the numbers of those that hyperscan refuses, and of those that are exact."""
    forms: list[tuple[int, bytes, int]] = []
    try:
        forms = [(number, one.expressions[0], _flags(one)) for number, one in outlines.items()]
        octets = _database(forms)
    except import_module("hyperscan").error:
        forms = [one for number, drawn in outlines.items() for one in _accepted(number, drawn)]
        octets = _database(forms) if forms else b""
    known = {number: expression for number, expression, _ in forms}
    exact = [number for number, one in outlines.items() if one.exact and known.get(number) == one.expressions[0]]
    return octets, [number for number in outlines if number not in known], exact


def _accepted(number: int, drawn: Outline) -> Iterator[tuple[int, bytes, int]]:
    """The best form of an outline that hyperscan takes."""
    for expression in drawn.expressions:
        form = (number, expression, _flags(drawn))
        try:
            _database([form])
        except import_module("hyperscan").error:
            continue
        yield form
        return


def _flags(drawn: Outline) -> int:
    hyperscan = import_module("hyperscan")
    flags = hyperscan.HS_FLAG_ALLOWEMPTY
    return int(flags if drawn.is_start else flags | hyperscan.HS_FLAG_SINGLEMATCH)


def _database(forms: Sequence[tuple[int, bytes, int]]) -> bytes:
    hyperscan = import_module("hyperscan")
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    numbers, expressions, flags = zip(*forms, strict=True)
    database.compile(expressions=list(expressions), ids=list(numbers), flags=list(flags))
    return bytes(hyperscan.dumpb(database))
