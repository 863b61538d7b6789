"""A rule book made ready: which rules look at which text, in which order metas are worked out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from postern.rules.definitions import Call, HeaderTest, Place, Problem, Rule, RuleBook, RuleKind, ScoreSet
from postern.rules.functions import ELSEWHERE, FUNCTIONS
from postern.rules.functions.kind import Function
from postern.rules.inspection import Settings
from postern.rules.literal_index import LiteralIndex
from postern.rules.literals import MIN_LENGTH
from postern.rules.matchers import Matcher
from postern.rules.meta import MetaError, MetaExpression, compile_meta
from postern.rules.patterns import PatternError, read_pattern

Target = tuple[str, str, tuple[str, ...], str | None]
"""What a pattern looks at: the kind of rule, and of header fields the name, views, what stands for a missing one."""

BODY: Target = ("body", "", (), None)
COUNTED: Target = ("counted", "", (), None)
"""The body again, for patterns whose literals are counted."""

LEAST_COUNTED = 3
"""Patterns that repeat something so often are only tried where its literals occur so often."""

_NOT_RUN = frozenset({"net", "learn"})


@dataclass(slots=True)
class PatternPlan:
    """The pattern rules, by what they look at: those to be tried where a literal is found, and those always tried."""

    by_literal: list[tuple[Matcher, Target]] = field(default_factory=list)
    always: dict[Target, list[Matcher]] = field(default_factory=dict)
    squeezed: list[Matcher] = field(default_factory=list)
    counted: list[Matcher] = field(default_factory=list)
    negated: list[tuple[Matcher, Target]] = field(default_factory=list)
    templates: list[tuple[Matcher, Target]] = field(default_factory=list)
    targets: dict[Target, None] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """Everything an evaluation needs, worked out once."""

    book: RuleBook
    settings: Settings
    patterns: PatternPlan
    index: LiteralIndex
    slots: tuple[dict[Target, tuple[Matcher, ...]], ...]
    squeezed_index: LiteralIndex
    squeezed_slots: tuple[tuple[Matcher, ...], ...]
    exists: tuple[tuple[str, str], ...]
    mime_headers: tuple[tuple[HeaderTest, Matcher], ...]
    uri_details: tuple[tuple[str, tuple[tuple[str, bool, Matcher], ...]], ...]
    calls: tuple[tuple[str, Call, Function], ...]
    metas: tuple[tuple[str, MetaExpression], ...]
    dependants: Mapping[str, tuple[int, ...]]
    idle_metas: tuple[int, ...]
    problems: tuple[Problem, ...]
    scores: Mapping[str, int]


def make_plan(book: RuleBook, score_set: int = ScoreSet.LOCAL) -> Plan:
    """The plan of a rule book. Rules whose points are zero are off; what cannot be used is among the problems."""
    return _Planner(book, score_set).plan()


def pattern_problems(book: RuleBook) -> tuple[Problem, ...]:
    """The patterns that cannot be compiled.

    An evaluation compiles a pattern when it first needs it and passes over a broken one; this compiles them all,
    which takes about a millisecond each.
    """
    problems = []
    for rule in book.rules.values():
        literals = [one.pattern for one in rule.criteria]
        if rule.pattern and rule.kind not in (RuleKind.META, RuleKind.EVAL, RuleKind.NETWORK):
            literals.append(rule.pattern)
        for literal in literals:
            try:
                pattern = read_pattern(literal)
                pattern.compile({name: [b"x"] for name in pattern.templates})
            except PatternError as wrong:
                problems.append(Problem(rule.place, str(wrong), rule.name))
    return tuple(problems)


class _Planner:
    """Sorts the rules of a book."""

    def __init__(self, book: RuleBook, score_set: int) -> None:
        self._book = book
        self._problems: list[Problem] = list(book.problems)
        self._patterns = PatternPlan()
        self._exists: list[tuple[str, str]] = []
        self._mime: list[tuple[HeaderTest, Matcher]] = []
        self._details: list[tuple[str, tuple[tuple[str, bool, Matcher], ...]]] = []
        self._calls: list[tuple[str, Call, Function]] = []
        self._metas: dict[str, MetaExpression] = {}
        self._scores = {name: int(book.score(name, score_set)) for name in book.rules}

    def plan(self) -> Plan:
        for rule in self._book.rules.values():
            if self._scores[rule.name]:
                self._sort(rule)
        index, slots = self._index()
        squeezed_index, squeezed_slots = self._squeezed_index()
        metas = self._ordered_metas()
        names: dict[str, list[int]] = {}
        for position, (_, expression) in enumerate(metas):
            for name in expression.names:
                names.setdefault(name, []).append(position)
        return Plan(
            book=self._book,
            settings=self._settings(),
            patterns=self._patterns,
            index=index,
            slots=slots,
            squeezed_index=squeezed_index,
            squeezed_slots=squeezed_slots,
            exists=tuple(self._exists),
            mime_headers=tuple(self._mime),
            uri_details=tuple(self._details),
            calls=tuple(self._calls),
            metas=metas,
            dependants={name: tuple(positions) for name, positions in names.items()},
            idle_metas=tuple(at for at, (_, expression) in enumerate(metas) if expression.idle),
            problems=tuple(self._problems),
            scores=self._scores,
        )

    def _sort(self, rule: Rule) -> None:
        try:
            if rule.kind is RuleKind.META:
                self._metas[rule.name] = compile_meta(rule.pattern, self._matching(rule))
            elif rule.kind is RuleKind.EVAL and rule.call is not None:
                self._sort_call(rule, rule.call)
            elif rule.kind is RuleKind.URI_DETAIL:
                self._sort_uri_detail(rule)
            elif rule.header is not None and rule.header.exists:
                self._exists.append((rule.name, rule.header.name))
            elif rule.kind is not RuleKind.NETWORK:
                self._sort_pattern(rule)
        except (PatternError, MetaError) as wrong:
            self._problems.append(Problem(rule.place, str(wrong), rule.name))

    def _matching(self, rule: Rule) -> Mapping[str, frozenset[str]]:
        globs = compile_meta(rule.pattern).globs
        return {
            glob: frozenset(name for name in self._book.rules if name != rule.name and fnmatchcase(name, glob))
            for glob in globs
        }

    def _sort_call(self, rule: Rule, call: Call) -> None:
        if not _NOT_RUN.isdisjoint(self._book.flags.get(rule.name, ())) or call.function in ELSEWHERE:
            return
        function = FUNCTIONS.get(call.function)
        if function is None:
            self._problems.append(Problem(rule.place, f"there is no function {call.function!r} here", rule.name))
        else:
            self._calls.append((rule.name, call, function))

    def _sort_uri_detail(self, rule: Rule) -> None:
        criteria = tuple(
            (one.target, one.negated, Matcher(rule.name, read_pattern(one.pattern))) for one in rule.criteria
        )
        self._details.append((rule.name, criteria))

    def _sort_pattern(self, rule: Rule) -> None:
        flags = self._book.flags.get(rule.name, frozenset())
        pattern = read_pattern(rule.pattern)
        matcher = Matcher(rule.name, pattern, self._book.max_hits(rule.name), nosubject="nosubject" in flags)
        if rule.kind is RuleKind.MIMEHEADER and rule.header is not None:
            self._mime.append((rule.header, matcher))
            return
        target = _target(rule)
        plan = self._patterns
        plan.targets[target] = None
        if pattern.templates:
            plan.templates.append((matcher, target))
        elif rule.header is not None and rule.header.negated:
            plan.negated.append((matcher, target))
        elif target == BODY and matcher.counted is not None and matcher.counted[1] >= LEAST_COUNTED:
            plan.counted.append(matcher)
        elif matcher.literals:
            plan.by_literal.append((matcher, target))
        elif target == BODY and (matcher.squeezed is None or matcher.squeezed):
            plan.squeezed.append(matcher)
        else:
            plan.always.setdefault(target, []).append(matcher)

    def _index(self) -> tuple[LiteralIndex, tuple[dict[Target, tuple[Matcher, ...]], ...]]:
        found: dict[bytes, dict[Target, list[Matcher]]] = {}
        for matcher, target in self._patterns.by_literal:
            for literal in matcher.literals:
                found.setdefault(literal, {}).setdefault(target, []).append(matcher)
        for matcher in self._patterns.counted:
            for literal in matcher.counted[0] if matcher.counted else ():
                if len(literal) >= MIN_LENGTH:
                    found.setdefault(literal, {}).setdefault(COUNTED, []).append(matcher)
        slots = tuple({target: tuple(some) for target, some in by_target.items()} for by_target in found.values())
        return LiteralIndex(found), slots

    def _squeezed_index(self) -> tuple[LiteralIndex, tuple[tuple[Matcher, ...], ...]]:
        found: dict[bytes, list[Matcher]] = {}
        for matcher in self._patterns.squeezed:
            for literal in matcher.squeezed or ():
                found.setdefault(literal, []).append(matcher)
        return LiteralIndex(found), tuple(tuple(some) for some in found.values())

    def _ordered_metas(self) -> tuple[tuple[str, MetaExpression], ...]:
        """Each meta after those it names; metas that name one another in a circle are problems, and off."""
        ordered: dict[str, MetaExpression] = {}
        waiting = {name: set(one.names) & set(self._metas) for name, one in self._metas.items()}
        needed_by: dict[str, list[str]] = {}
        for name, names in waiting.items():
            for other in names:
                needed_by.setdefault(other, []).append(name)
        ready = [name for name, names in waiting.items() if not names]
        while ready:
            name = ready.pop()
            ordered[name] = self._metas[name]
            for other in needed_by.get(name, ()):
                waiting[other].discard(name)
                if not waiting[other] and other not in ordered:
                    ready.append(other)
        for name in self._metas.keys() - ordered.keys():
            self._problems.append(Problem(self._book.rules[name].place, "it depends on itself", name))
        return tuple(ordered.items())

    def _settings(self) -> Settings:
        redirectors = []
        for literal in self._book.settings.get("redirector_pattern", ()):
            try:
                redirectors.append(read_pattern(literal).compile_text())
            except PatternError as wrong:
                self._problems.append(Problem(Place("redirector_pattern", 0), str(wrong)))
        return Settings(self._book.settings, tuple(redirectors))


def _target(rule: Rule) -> Target:
    if rule.header is None:
        return (rule.kind.value, "", (), None)
    return ("header", rule.header.name, rule.header.views, rule.header.if_unset)
