"""Reading `.cf` text: a line that cannot be used is a problem with its place, and never stops the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from postern.model import Points
from postern.rules.definitions import HeaderTest, Place, Problem, Rule, RuleBook, RuleKind
from postern.rules.meta import MetaError, compile_meta
from postern.rules.patterns import PatternError, split_literal

MAX_LINE = 32_768
MAX_RULES = 200_000
_RULE_NAME = re.compile(r"[A-Za-z_]\w{0,127}\Z")
_HEADER = re.compile(r"(?P<name>[\w-]+)(?::(?P<view>raw|addr|name))?\s*(?P<sign>=~|!~)\s*(?P<pattern>.+)\Z", re.DOTALL)
_EXISTS = re.compile(r"exists:(?P<name>[\w-]+)\Z")
_IF_UNSET = re.compile(r"\s+\[if-unset:\s*(?P<text>.*?)\]\s*\Z")


class RuleSyntaxError(ValueError):
    """A line of a `.cf` file that is not of the language; the text says what is wrong with it."""


def read_rules(files: Iterable[tuple[str, str]]) -> RuleBook:
    """The rule book of `(file name, text)` pairs, in order; what cannot be used is among its problems."""
    reader = _Reader()
    for name, text in files:
        reader.read(name, text)
    return reader.book()


class _Reader:
    """Collects what the lines say."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}
        self._scores: dict[str, Points] = {}
        self._descriptions: dict[str, str] = {}
        self._flags: dict[str, frozenset[str]] = {}
        self._problems: list[Problem] = []
        self._directives: Mapping[str, Callable[[Place, str, str], None]] = {
            **dict.fromkeys(("body", "rawbody", "uri", "full"), self._pattern_rule),
            "header": self._header_rule,
            "meta": self._meta_rule,
            "score": self._score,
            "describe": self._describe,
            "tflags": self._tflags,
        }

    def book(self) -> RuleBook:
        """Everything that was read."""
        return RuleBook(
            MappingProxyType(self._rules),
            MappingProxyType(self._scores),
            MappingProxyType(self._descriptions),
            MappingProxyType(self._flags),
            tuple(self._problems),
        )

    def read(self, file: str, text: str) -> None:
        """Read one file."""
        for number, line in enumerate(text.splitlines(), 1):
            content = line.strip()
            if content and not content.startswith("#"):
                self._line(Place(file, number), content)

    def _line(self, place: Place, content: str) -> None:
        try:
            if len(content) > MAX_LINE:
                raise RuleSyntaxError(f"a line has at most {MAX_LINE} characters")
            directive, _, rest = content.partition(" ")
            name, _, argument = rest.strip().partition(" ")
            if directive not in self._directives:
                raise RuleSyntaxError(f"{directive!r} is not known here")
            if not _RULE_NAME.match(name):
                raise RuleSyntaxError(f"{name!r} is no rule name")
            self._read_directive(place, directive, name, argument.strip())
        except (RuleSyntaxError, PatternError, MetaError) as wrong:
            self._problems.append(Problem(place, str(wrong)))

    def _read_directive(self, place: Place, directive: str, name: str, argument: str) -> None:
        self._kind = directive
        self._directives[directive](place, name, argument)

    def _add(self, rule: Rule) -> None:
        if len(self._rules) >= MAX_RULES:
            raise RuleSyntaxError(f"there are more than {MAX_RULES} rules")
        self._rules[rule.name] = rule

    def _pattern_rule(self, place: Place, name: str, argument: str) -> None:
        split_literal(argument)
        self._add(Rule(name, RuleKind(self._kind), argument, place))

    def _header_rule(self, place: Place, name: str, argument: str) -> None:
        exists = _EXISTS.match(argument)
        if exists:
            self._add(Rule(name, RuleKind.HEADER, "", place, HeaderTest(exists["name"], exists=True)))
            return
        unset = _IF_UNSET.search(argument)
        found = _HEADER.match(argument[: unset.start()] if unset else argument)
        if found is None:
            raise RuleSyntaxError("expected `header NAME Field =~ /pattern/` or `header NAME exists:Field`")
        split_literal(found["pattern"])
        test = HeaderTest(
            found["name"], found["view"] or "", found["sign"] == "!~", if_unset=unset["text"] if unset else None
        )
        self._add(Rule(name, RuleKind.HEADER, found["pattern"], place, test))

    def _meta_rule(self, place: Place, name: str, argument: str) -> None:
        compile_meta(argument)
        self._add(Rule(name, RuleKind.META, argument, place))

    def _score(self, _: Place, name: str, argument: str) -> None:
        try:
            self._scores[name] = Points(int((Decimal(argument.split(maxsplit=1)[0]) * 100).to_integral_value()))
        except (InvalidOperation, IndexError) as wrong:
            raise RuleSyntaxError(f"expected points such as 2.5, found {argument!r}") from wrong

    def _describe(self, _: Place, name: str, argument: str) -> None:
        self._descriptions[name] = argument

    def _tflags(self, _: Place, name: str, argument: str) -> None:
        self._flags[name] = frozenset(argument.lower().split())
