"""Evaluating a rule book against a message.

Patterns are tried only where one of the literals they need occurs: all texts of the message are laid end to end and
looked up at once. Every search is bounded in time, and after a few that took too long the rest is left out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from postern.message import Message
from postern.model import Points
from postern.rules.definitions import HeaderTest, Problem, RuleBook, ScoreSet
from postern.rules.header_views import decoded_field, raw_field
from postern.rules.inspection import NOTHING_KNOWN, Circumstances, Inspection
from postern.rules.literals import MIN_LENGTH, NOT_WORD
from postern.rules.matchers import NO_MATCH, Match, Matcher
from postern.rules.plan import BODY, COUNTED, Plan, Target, make_plan
from postern.rules.uri_list import UriInfo

MAX_FULL_OCTETS = 1_048_576
MAX_TIMED_OUT = 8
_ONE_EMPTY = (b"",)


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


def compile_rules(book: RuleBook, score_set: int = ScoreSet.LOCAL) -> CompiledRules:
    """The rules of a book made ready. Rules whose points in the score set are zero are off."""
    return CompiledRules(make_plan(book, score_set))


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
        for target in self._plan.patterns.targets:
            self._texts[target] = self._make_texts(target)
        self._exists()
        self._by_literal()
        self._squeezed()
        self._always()
        self._mime_headers()
        self._uri_details()
        self._templates()
        self._calls()
        self._metas()
        return self._evaluation()

    def _make_texts(self, target: Target) -> tuple[bytes, ...]:
        kind, name, views, if_unset = target
        if kind == "header":
            text = self._inspection.headers.text(name, views)
            return ((if_unset or "").encode("utf-8", "surrogateescape") if text is None else text,)
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

    def _by_literal(self) -> None:
        """Lay all texts end to end, look the literals up, and try the patterns on the texts that have them."""
        targets = [(target, text) for target, texts in self._texts.items() for text in texts]
        laid = b"\0".join(text for _, text in targets).lower()
        starts, at = [], 0
        for _, text in targets:
            starts.append(at)
            at += len(text) + 1
        wanted: dict[Matcher, dict[int, None]] = {}
        slots = self._plan.slots
        seen: set[tuple[int, int]] = set()
        counts: dict[tuple[Matcher, int], int] = {}
        for number, position in self._plan.index.find(laid):
            place = bisect_right(starts, position) - 1
            if COUNTED in slots[number] and targets[place][0] == BODY:
                for matcher in slots[number][COUNTED]:
                    counts[matcher, place] = counts.get((matcher, place), 0) + 1
            if (number, place) in seen:
                continue
            seen.add((number, place))
            for matcher in slots[number].get(targets[place][0], ()):
                wanted.setdefault(matcher, {})[place] = None
        for matcher, places in wanted.items():
            self._try(matcher, [targets[place][1] for place in sorted(places)])
        self._counted([place for place, (target, _) in enumerate(targets) if target == BODY], counts)

    def _counted(self, places: list[int], counts: dict[tuple[Matcher, int], int]) -> None:
        """Patterns that repeat something are tried on the paragraphs that have enough of it."""
        lines = self._texts.get(BODY, ())
        lower = [line.lower() for line in lines] if self._plan.patterns.counted else []
        for matcher in self._plan.patterns.counted:
            literals, least = matcher.counted or (frozenset(), 0)
            short = [literal for literal in literals if len(literal) < MIN_LENGTH]
            likely = [
                line
                for line, text, place in zip(lines, lower, places, strict=True)
                if counts.get((matcher, place), 0) + sum(text.count(literal) for literal in short) >= least
            ]
            if likely:
                self._try(matcher, likely)

    def _squeezed(self) -> None:
        """The same for patterns against disguised words, over paragraphs without what disguises.

        They are always tried on paragraphs that are not ASCII.
        """
        lines = self._texts.get(BODY, ())
        if not self._plan.patterns.squeezed or not lines:
            return
        foreign = [line for line in lines if not line.isascii()]
        plain = [line for line in lines if line.isascii()]
        squeezed = [line.lower().translate(None, NOT_WORD) for line in plain]
        starts, at = [], 0
        for text in squeezed:
            starts.append(at)
            at += len(text) + 1
        wanted: dict[Matcher, dict[int, None]] = {}
        for number, position in self._plan.squeezed_index.find(b"\0".join(squeezed)):
            place = bisect_right(starts, position) - 1
            for matcher in self._plan.squeezed_slots[number]:
                wanted.setdefault(matcher, {})[place] = None
        for matcher in self._plan.patterns.squeezed if foreign else wanted:
            places = wanted.get(matcher, ())
            self._try(matcher, [*(plain[place] for place in sorted(places)), *foreign])

    def _always(self) -> None:
        for target, matchers in self._plan.patterns.always.items():
            texts = self._texts[target]
            for matcher in matchers:
                if texts != _ONE_EMPTY or matcher.matches_nothing:
                    self._try(matcher, texts)
        for matcher, target in self._plan.patterns.negated:
            texts = self._texts[target]
            if not self._find(matcher, texts).count:
                self._values[matcher.name] = 1.0

    def _templates(self) -> None:
        for matcher, target in self._plan.patterns.templates:
            if matcher.may_match(self._texts[target], self._captured):
                self._try(matcher, self._texts[target])

    def _try(self, matcher: Matcher, texts: Iterable[bytes]) -> None:
        if matcher.nosubject:
            lines = self._texts[BODY]
            texts = [text for text in texts if not lines or text is not lines[0]]
        self._note(matcher.name, self._find(matcher, texts))

    def _find(self, matcher: Matcher, texts: Iterable[bytes]) -> Match:
        if len(self._timed_out) >= MAX_TIMED_OUT:
            return NO_MATCH
        try:
            return matcher.find(texts, self._captured)
        except TimeoutError:
            self._timed_out.append(matcher.name)
            return NO_MATCH

    def _note(self, name: str, match: Match) -> None:
        if match.count:
            self._values[name] = float(match.count)
            self._matched[name] = match.text
            for group, value in match.captured:
                self._captured.setdefault(group, []).append(value)

    def _mime_headers(self) -> None:
        values: dict[tuple[str, bool], tuple[bytes | None, ...]] = {}
        for test, matcher in self._plan.mime_headers:
            key = (test.name.lower(), "raw" in test.views)
            if key not in values:
                values[key] = tuple(self._part_fields(*key))
            unset = (test.if_unset or "").encode("utf-8", "surrogateescape")
            self._mime_header(test, matcher, [unset if value is None else value for value in values[key]])

    def _mime_header(self, test: HeaderTest, matcher: Matcher, texts: list[bytes]) -> None:
        if matcher.literals and not any(
            literal in text for text in {one.lower() for one in texts} for literal in matcher.literals
        ):
            match = NO_MATCH
        else:
            match = self._find(matcher, texts)
        if test.negated:
            match = NO_MATCH if match.count else Match(1)
        self._note(matcher.name, match)

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
