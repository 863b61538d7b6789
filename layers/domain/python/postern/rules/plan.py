"""A rule book made ready: which rules look at which text, in which order metas are worked out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property

from postern.rules.definitions import Call, Place, Problem, Rule, RuleBook, RuleKind, ScoreSet
from postern.rules.functions import ELSEWHERE, FUNCTIONS
from postern.rules.functions.kind import Function
from postern.rules.growing_candidates import GrowingCandidates
from postern.rules.inspection import Settings
from postern.rules.matchers import Matcher
from postern.rules.meta import MetaError, MetaExpression, compile_meta
from postern.rules.patterns import PatternError, read_pattern
from postern.rules.scanner import build_scanner, load_scanner
from postern.rules.targets import Candidates, Target, target_of

_NOT_RUN = frozenset({"net", "learn"})


@dataclass(frozen=True)
class Plan:
    """Everything an evaluation needs, worked out once."""

    book: RuleBook
    settings: Settings
    patterns: tuple[tuple[Matcher, Target], ...]
    targets: tuple[Target, ...]
    database: bytes | None
    negated: tuple[tuple[Matcher, Target], ...]
    exists: tuple[tuple[str, str], ...]
    uri_details: tuple[tuple[str, tuple[tuple[str, bool, Matcher], ...]], ...]
    calls: tuple[tuple[str, Call, Function], ...]
    metas: tuple[tuple[str, MetaExpression], ...]
    dependants: Mapping[str, tuple[int, ...]]
    idle_metas: tuple[int, ...]
    problems: tuple[Problem, ...]
    scores: Mapping[str, int]

    @cached_property
    def candidates(self) -> Candidates:
        """What tells where patterns may match: the best that is at hand. Raises `ScannerError`."""
        if self.database is not None:
            return load_scanner(self.database, self.patterns)
        return GrowingCandidates(self.patterns)


def make_plan(book: RuleBook, score_set: int = ScoreSet.LOCAL, database: bytes | None = None) -> Plan:
    """The plan of a rule book. Rules whose points are zero are off; what cannot be used is among the problems.

    `database` is what `build_database` made of the same book.
    """
    return _Planner(book, score_set).plan(database)


def build_database(book: RuleBook, score_set: int = ScoreSet.LOCAL) -> bytes:
    """What makes the patterns of a rule book fast, to be kept with it; it belongs to this kind of processor.

    Takes milliseconds for a hundred rules, and for SpamAssassin's 3,000 some 20 seconds. Needs hyperscan.
    """
    return build_scanner(_Planner(book, score_set).patterns())


def all_problems(book: RuleBook, rules: Mapping[str, Rule] | None = None) -> tuple[Problem, ...]:
    """What cannot be used of a rule book, of the patterns of `rules` alone when some are given.

    Compiles those patterns, a millisecond each.
    """
    looked_at = book if rules is None else replace(book, rules=rules)
    return (*make_plan(book).problems, *pattern_problems(looked_at))


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
        self._patterns: list[tuple[Matcher, Target]] = []
        self._exists: list[tuple[str, str]] = []
        self._details: list[tuple[str, tuple[tuple[str, bool, Matcher], ...]]] = []
        self._calls: list[tuple[str, Call, Function]] = []
        self._metas: dict[str, MetaExpression] = {}
        self._scores = {name: int(book.score(name, score_set)) for name in book.rules}

    def patterns(self) -> tuple[tuple[Matcher, Target], ...]:
        self._sort_all()
        return tuple(self._patterns)

    def plan(self, database: bytes | None) -> Plan:
        self._sort_all()
        metas = self._ordered_metas()
        names: dict[str, list[int]] = {}
        for position, (_, expression) in enumerate(metas):
            for name in expression.names:
                names.setdefault(name, []).append(position)
        return Plan(
            book=self._book,
            settings=self._settings(),
            patterns=tuple(self._patterns),
            targets=tuple(dict.fromkeys(target for _, target in self._patterns)),
            database=database,
            negated=tuple((matcher, target) for matcher, target in self._patterns if matcher.negated),
            exists=tuple(self._exists),
            uri_details=tuple(self._details),
            calls=tuple(self._calls),
            metas=metas,
            dependants={name: tuple(positions) for name, positions in names.items()},
            idle_metas=tuple(at for at, (_, expression) in enumerate(metas) if expression.idle),
            problems=tuple(self._problems),
            scores=self._scores,
        )

    def _sort_all(self) -> None:
        for rule in self._book.rules.values():
            if self._scores[rule.name]:
                self._sort(rule)

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
        matcher = Matcher(
            rule.name,
            read_pattern(rule.pattern),
            self._book.max_hits(rule.name),
            nosubject="nosubject" in self._book.flags.get(rule.name, ()),
            negated=rule.header is not None and rule.header.negated,
        )
        self._patterns.append((matcher, target_of(rule)))

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
