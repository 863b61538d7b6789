"""What there is to say about rules to the person who wrote them: errors, with which a rule does not work, and notes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from postern.rules.definitions import HeaderTest, Place, Rule, RuleBook, RuleKind
from postern.rules.functions import ELSEWHERE
from postern.rules.meta import MetaError, compile_meta
from postern.rules.plan import all_problems

BUILT_IN = frozenset({"local_tests_only"})


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to say about a line; `rule` is empty when it concerns none."""

    place: Place
    rule: str
    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class SubRule:
    """A rule below a meta in the tree of what it is made of; `known` tells whether it is defined."""

    name: str
    depth: int
    known: bool
    repeated: bool = False


MAX_TREE = 500
"""Nodes of one tree that are shown."""


def review(book: RuleBook, only: Collection[str] | None = None) -> tuple[Remark, ...]:
    """Everything there is to say, or what concerns `only` these rules, in the order of files and lines.

    Compiles every pattern of the rules in question, which takes a millisecond each.
    """
    looked_at = {name: rule for name, rule in book.rules.items() if only is None or name in only}
    problems = dict.fromkeys(all_problems(book, looked_at))
    remarks = [Remark(one.place, one.rule, Severity.ERROR, one.text) for one in problems]
    remarks += _notes(book)
    remarks = [one for one in remarks if only is None or one.rule in only]
    return tuple(sorted(remarks, key=lambda one: (one.place.file, one.place.line, one.severity, one.text)))


def looks_at(rule: Rule) -> str:
    """What a rule looks at, in words for a table."""
    if rule.kind is RuleKind.EVAL and rule.call is not None:
        return f"{rule.call.function}()"
    if rule.header is not None:
        return _header_words(rule.header, part=rule.kind is RuleKind.MIMEHEADER)
    return {
        RuleKind.BODY: "text",
        RuleKind.RAWBODY: "source of the text",
        RuleKind.URI: "links",
        RuleKind.URI_DETAIL: "links",
        RuleKind.FULL: "whole message",
        RuleKind.META: "other rules",
        RuleKind.NETWORK: "a server",
    }.get(rule.kind, rule.kind.value)


def why_not_run(book: RuleBook, rule: Rule) -> str:
    """Why a rule never hits here although nothing is wrong with it; empty when it can."""
    flags = book.flags.get(rule.name, frozenset())
    if rule.kind is RuleKind.NETWORK or "net" in flags:
        return "it asks a server; the checks dnsbl and uribl ask lists in its place"
    if rule.kind is RuleKind.EVAL and ("learn" in flags or (rule.call and rule.call.function in ELSEWHERE)):
        return "a check of its own answers this (SPF, DKIM, DMARC, lists, learning), with symbols of its own"
    return "" if book.score(rule.name) else "its points are 0, which switches it off"


def tree(book: RuleBook, name: str) -> tuple[SubRule, ...]:
    """The rules a meta is made of, depth first, each one's own parts shown once; the meta itself comes first."""
    found: list[SubRule] = []
    _grow(book, name, 0, set(), found)
    return tuple(found)


def _grow(book: RuleBook, name: str, depth: int, seen: set[str], found: list[SubRule]) -> None:
    if len(found) >= MAX_TREE:
        return
    parts = _named(book.rules[name]) if name in book.rules else ()
    repeated = name in seen and bool(parts)
    found.append(SubRule(name, depth, name in book.rules, repeated))
    if not repeated:
        seen.add(name)
        for part in parts:
            _grow(book, part, depth + 1, seen, found)


def _named(rule: Rule) -> tuple[str, ...]:
    if rule.kind is not RuleKind.META:
        return ()
    try:
        return tuple(sorted(compile_meta(rule.pattern).names))
    except MetaError:
        return ()


def _notes(book: RuleBook) -> Iterator[Remark]:
    for name, places in book.replaced.items():
        earlier = ", ".join(map(str, places))
        yield Remark(book.rules[name].place, name, Severity.NOTE, f"it takes the place of the rule at {earlier}")
    for name, place in book.score_places.items():
        if name not in book.rules:
            yield Remark(place, name, Severity.NOTE, "points for a rule that is not defined")
    for rule in book.rules.values():
        unknown = [one for one in _named(rule) if one not in book.rules and one not in BUILT_IN]
        if unknown:
            text = f"it names rules that are not defined: {', '.join(unknown)}"
            yield Remark(rule.place, rule.name, Severity.NOTE, text)


def _header_words(test: HeaderTest, *, part: bool) -> str:
    name = ":".join((test.name, *test.views))
    return f"{name} of a part" if part else name
