"""Evaluating a rule book against a message.

Patterns are tried only where they may match (`targets.Candidates` tells). Every search is bounded in time, and after a
few that took too long the rest is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from postern.message import Message
from postern.model import Points
from postern.rules.definitions import Problem, RuleBook, ScoreSet
from postern.rules.header_views import decoded_field, raw_field
from postern.rules.inspection import NOTHING_KNOWN, Circumstances, Inspection
from postern.rules.matchers import NO_MATCH, Match, Matcher
from postern.rules.plan import Plan, make_plan
from postern.rules.targets import BODY, Finding, Target
from postern.rules.uri_list import UriInfo

MAX_FULL_OCTETS = 1_048_576
MAX_TIMED_OUT = 8


@dataclass(frozen=True, slots=True)
class RuleHit:
    """A rule that hit: its points, its description, what it matched first, and how often it hit."""

    name: str
    score: Points
    description: str
    matched: str
    count: float = 1.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All hits of rules with a score of their own, the sub-rules that hit, and the rules that ran out of time."""

    hits: tuple[RuleHit, ...]
    sub_rules: tuple[str, ...] = ()
    timed_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """A rule book made ready; build it once with `compile_rules`."""

    plan: Plan

    @property
    def book(self) -> RuleBook:
        """The rules as they were read."""
        return self.plan.book

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be used, with file and line."""
        return self.plan.problems

    def evaluate(self, message: Message, circumstances: Circumstances = NOTHING_KNOWN) -> Evaluation:
        """The hits on one message; never raises for anything in the message."""
        return _Run(self.plan, Inspection(message, self.plan.settings, circumstances)).evaluate()


def compile_rules(book: RuleBook, score_set: int = ScoreSet.LOCAL, database: bytes | None = None) -> CompiledRules:
    """The rules of a book made ready. Rules whose points in the score set are zero are off.

    `database` (of `plan.build_database`) makes them ready sooner and an evaluation of many rules ten times as fast.
    Raises `ScannerError` when it is not for this book, this machine and this version of hyperscan.
    """
    plan = make_plan(book, score_set, database)
    _ = plan.candidates
    return CompiledRules(plan)


class _Run:
    """One evaluation: lives only as long as the call."""

    def __init__(self, plan: Plan, inspection: Inspection) -> None:
        self._plan = plan
        self._inspection = inspection
        self._values: dict[str, float] = {}
        self._matched: dict[str, bytes] = {}
        self._captured: dict[str, list[bytes]] = {}
        self._timed_out: list[str] = []
        self._texts: dict[Target, tuple[bytes, ...]] = {}

    def evaluate(self) -> Evaluation:
        for target in self._plan.targets:
            self._texts[target] = self._make_texts(target)
        self._exists()
        self._patterns()
        self._uri_details()
        self._calls()
        self._metas()
        return self._evaluation()

    def _make_texts(self, target: Target) -> tuple[bytes, ...]:
        kind, name, views, if_unset = target
        if kind == "header":
            text = self._inspection.headers.text(name, views)
            return ((if_unset or "").encode("utf-8", "surrogateescape") if text is None else text,)
        if kind == "mimeheader":
            unset = (if_unset or "").encode("utf-8", "surrogateescape")
            return tuple(unset if one is None else one for one in self._part_fields(name.lower(), "raw" in views))
        if kind == "body":
            return self._inspection.bodies.lines
        if kind == "rawbody":
            return self._inspection.bodies.chunks
        if kind == "uri":
            return tuple(uri.encode("utf-8", "replace") for uri in self._inspection.uris.uris)
        return (self._inspection.message.raw[:MAX_FULL_OCTETS],)

    def _exists(self) -> None:
        for name, header in self._plan.exists:
            if self._inspection.headers.text(header) is not None:
                self._values[name] = 1.0

    def _patterns(self) -> None:
        """Patterns with templates come last: they wait for what others capture."""
        found = self._plan.candidates.find(self._texts)
        for matcher, finding in found.items():
            if not matcher.negated and not matcher.pattern.templates:
                self._try(matcher, finding)
        for matcher, _ in self._plan.negated:
            if matcher not in found or not self._find(matcher, found[matcher].texts).count:
                self._values[matcher.name] = 1.0
        for matcher, finding in found.items():
            if matcher.pattern.templates and not matcher.negated and matcher.may_match(finding.texts, self._captured):
                self._try(matcher, finding)

    def _try(self, matcher: Matcher, finding: Finding) -> None:
        texts = finding.texts
        if matcher.nosubject and self._texts[BODY]:
            subject = self._texts[BODY][0]
            texts = [text for text in texts if text is not subject]
            finding = Finding(texts, finding.sure)
        if finding.sure and texts:
            self._values[matcher.name] = 1.0
        else:
            self._note(matcher.name, self._find(matcher, texts, finding.starts))

    def _find(self, matcher: Matcher, texts: Iterable[bytes], starts: Sequence[Sequence[int]] | None = None) -> Match:
        if len(self._timed_out) >= MAX_TIMED_OUT:
            return NO_MATCH
        try:
            return matcher.find(texts, self._captured) if starts is None else matcher.find_at(texts, starts)
        except TimeoutError:
            self._timed_out.append(matcher.name)
            return NO_MATCH

    def _note(self, name: str, match: Match) -> None:
        if match.count:
            self._values[name] = float(match.count)
            self._matched[name] = match.text
            for group, value in match.captured:
                self._captured.setdefault(group, []).append(value)

    def _part_fields(self, name: str, raw: bool) -> Iterable[bytes | None]:
        for part in self._inspection.mime.parts:
            fields = part.header_fields if name == "all" else part.fields(name)
            if not fields:
                yield None
            elif name == "all":
                yield b"".join(one.raw_name.rstrip() + b": " + decoded_field(one) + b"\n" for one in fields)
            else:
                yield raw_field(fields[-1]) if raw else decoded_field(fields[-1]) + b"\n"

    def _uri_details(self) -> None:
        for name, criteria in self._plan.uri_details:
            if any(self._meets(uri, info, criteria) for uri, info in self._inspection.uris.details.items()):
                self._values[name] = 1.0

    def _meets(self, uri: str, info: UriInfo, criteria: tuple[tuple[str, bool, Matcher], ...]) -> bool:
        for target, negated, matcher in criteria:
            texts: Iterable[str] = {
                "raw": (uri,), "type": info.types, "cleaned": info.cleaned, "text": info.anchors,
                "domain": info.domains, "host": info.hosts,
            }[target]  # fmt: skip
            found = (bool(self._find(matcher, [text.encode("utf-8", "replace")]).count) for text in texts)
            if not any(one is not negated for one in found):
                return False
        return True

    def _calls(self) -> None:
        for name, call, function in self._plan.calls:
            try:
                value = function(self._inspection, *call.arguments)
            except TypeError:
                continue
            if value:
                self._values[name] = float(value) if value > 0 else 1.0

    def _metas(self) -> None:
        """Only metas that can be true are worked out: those that name a rule that hit, or are true without any."""
        values, metas, dependants = self._values, self._plan.metas, self._plan.dependants
        due = set(self._plan.idle_metas)
        for name in values:
            due.update(dependants.get(name, ()))
        waiting = sorted(due, reverse=True)
        while waiting:
            position = waiting.pop()
            name, expression = metas[position]
            value = expression.evaluate(values)
            if value:
                values[name] = value if value > 0 else 1.0
                later = [one for one in dependants.get(name, ()) if one not in due]
                if later:
                    due.update(later)
                    waiting = sorted({*waiting, *later}, reverse=True)

    def _evaluation(self) -> Evaluation:
        book, scores = self._plan.book, self._plan.scores
        names = [name for name in self._values if name in book.rules]
        hits = tuple(
            RuleHit(
                name,
                Points(scores[name]),
                book.descriptions.get(name, ""),
                self._matched.get(name, b"").decode("utf-8", "replace"),
                self._values[name],
            )
            for name in sorted(names)
            if not book.rules[name].is_sub_rule
        )
        return Evaluation(hits, tuple(sorted(one for one in names if one.startswith("__"))), tuple(self._timed_out))
