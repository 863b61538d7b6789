"""Evaluating a rule book against a message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from postern.message import HeaderField, Message
from postern.mime.addresses import parse_address_list
from postern.model import Points
from postern.rules.definitions import HeaderTest, Rule, RuleBook, RuleKind
from postern.rules.meta import MetaExpression, compile_meta
from postern.rules.patterns import Matcher, PatternError, compile_pattern
from postern.text.view import TextView, view_text

MAX_FULL_OCTETS = 1_048_576
MAX_META_ROUNDS = 20
_TO_AND_CC = ("to", "cc")


@dataclass(frozen=True, slots=True)
class RuleHit:
    """A rule that hit: its points, its description and what it matched."""

    name: str
    score: Points
    description: str
    matched: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All hits of rules with a score of their own, and the rules that ran out of time."""

    hits: tuple[RuleHit, ...]
    sub_rules: tuple[str, ...] = ()
    timed_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """A rule book with its patterns compiled; build it once with `compile_rules`."""

    book: RuleBook
    matchers: Mapping[str, Matcher]
    metas: Mapping[str, MetaExpression]

    def evaluate(self, message: Message) -> Evaluation:
        """The hits on one message; never raises for anything in the message."""
        texts = _Texts(message, view_text(message))
        values: dict[str, float] = {}
        matched: dict[str, str] = {}
        timed_out: list[str] = []
        for rule in self.book.rules.values():
            if rule.kind is not RuleKind.META:
                self._try(rule, texts, values, matched, timed_out)
        self._evaluate_metas(values)
        return self._evaluation(values, matched, tuple(timed_out))

    def _try(
        self, rule: Rule, texts: _Texts, values: dict[str, float], matched: dict[str, str], timed_out: list[str]
    ) -> None:
        try:
            found = self._match(rule, texts)
        except TimeoutError:
            timed_out.append(rule.name)
            return
        if found is not None:
            values[rule.name] = 1.0
            matched[rule.name] = found.decode("utf-8", "replace")

    def _match(self, rule: Rule, texts: _Texts) -> bytes | None:
        if rule.header is not None:
            return self._match_header(rule, rule.header, texts)
        matcher = self.matchers.get(rule.name)
        if matcher is None:
            return None
        return next((found for text in texts.of(rule.kind) if (found := matcher.search(text)) is not None), None)

    def _match_header(self, rule: Rule, test: HeaderTest, texts: _Texts) -> bytes | None:
        if test.exists:
            return b"" if texts.message.first(test.name) else None
        matcher = self.matchers.get(rule.name)
        text = texts.header(test)
        if matcher is None or text is None:
            return None
        found = matcher.search(text)
        if test.negated:
            return b"" if found is None else None
        return found

    def _evaluate_metas(self, values: dict[str, float]) -> None:
        """Metas may name metas: go round until nothing changes."""
        for _ in range(MAX_META_ROUNDS):
            before = {name: values.get(name, 0.0) for name in self.metas}
            for name, expression in self.metas.items():
                values[name] = expression.evaluate(values)
            if all(values[name] == before[name] for name in self.metas):
                return

    def _evaluation(
        self, values: Mapping[str, float], matched: Mapping[str, str], timed_out: tuple[str, ...]
    ) -> Evaluation:
        names = [name for name in self.book.rules if values.get(name)]
        hits = tuple(
            RuleHit(name, self.book.score(name), self.book.descriptions.get(name, ""), matched.get(name, ""))
            for name in names
            if not self.book.rules[name].is_sub_rule
        )
        return Evaluation(hits, tuple(name for name in names if self.book.rules[name].is_sub_rule), timed_out)


def compile_rules(book: RuleBook) -> tuple[CompiledRules, Mapping[str, str]]:
    """The compiled rules, and by rule name what could not be compiled."""
    matchers: dict[str, Matcher] = {}
    problems: dict[str, str] = {}
    for rule in book.rules.values():
        if rule.kind is RuleKind.META or not rule.pattern:
            continue
        try:
            matchers[rule.name] = compile_pattern(rule.pattern)
        except PatternError as wrong:
            problems[rule.name] = f"{rule.place}: {wrong}"
    metas = {rule.name: compile_meta(rule.pattern) for rule in book.rules.values() if rule.kind is RuleKind.META}
    return CompiledRules(book, matchers, metas), problems


class _Texts:
    """What the kinds of rules look at, made when first asked for."""

    def __init__(self, message: Message, view: TextView) -> None:
        self.message = message
        self._view = view
        self._made: dict[RuleKind, tuple[bytes, ...]] = {}

    def of(self, kind: RuleKind) -> tuple[bytes, ...]:
        """The texts that rules of `kind` are tried on."""
        if kind not in self._made:
            self._made[kind] = tuple(self._make(kind))
        return self._made[kind]

    def header(self, test: HeaderTest) -> bytes | None:
        """The text of a header rule's field; `None` when there is no such field and nothing stands for it."""
        name = test.name.lower()
        if name == "all":
            return self.message.header_bytes
        names = _TO_AND_CC if name == "tocc" else (name,)
        fields = [one for wanted in names for one in self.message.fields(wanted)]
        if not fields:
            return None if test.if_unset is None else test.if_unset.encode("utf-8")
        return "\n".join(_field_text(one, test.view) for one in fields).encode("utf-8", "replace")

    def _make(self, kind: RuleKind) -> Iterator[bytes]:
        if kind is RuleKind.BODY:
            yield from (_octets(text) for text in (self._view.subject, *self._view.paragraphs))
        elif kind is RuleKind.RAWBODY:
            yield from (_octets(text) for text in self._view.sources)
        elif kind is RuleKind.URI:
            yield from dict.fromkeys(_octets(text) for uri in self._view.uris for text in (uri.written, uri.url))
        else:
            yield self.message.raw[:MAX_FULL_OCTETS]


def _field_text(one: HeaderField, view: str) -> str:
    if view == "raw":
        return one.unfolded
    if view in ("addr", "name"):
        mailboxes = parse_address_list(one.unfolded)
        first = mailboxes[0] if mailboxes else None
        if first is None:
            return ""
        return f"{first.local_part}@{first.domain}" if view == "addr" else first.display_name
    return one.value


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "replace")
