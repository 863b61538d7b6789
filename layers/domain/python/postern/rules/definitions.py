"""What a rule is, once its `.cf` lines have been read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from postern.model import Points

DEFAULT_SCORE = Points(100)
DEFAULT_NICE_SCORE = Points(-100)
TRIAL_SCORE = Points(1)
"""Rules named `T_…` are on trial: they count next to nothing."""

MAX_HITS = 1_000
"""How often a rule with `tflags multiple` counts at most, whatever its `maxhits` says."""


class RuleKind(StrEnum):
    """What of the message a rule looks at."""

    HEADER = "header"
    BODY = "body"
    RAWBODY = "rawbody"
    URI = "uri"
    FULL = "full"
    MIMEHEADER = "mimeheader"
    URI_DETAIL = "uri_detail"
    EVAL = "eval"
    META = "meta"
    NETWORK = "network"
    """Rules of SpamAssassin that ask a server (`askdns`, `urirhssub` …): known by name, never hit here."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands, for messages to people."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that could not be used, and why; the rest of the file is used all the same."""

    place: Place
    text: str
    rule: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.rule + ': ' if self.rule else ''}{self.text}"


@dataclass(frozen=True, slots=True)
class HeaderTest:
    """The left side of a `header` or `mimeheader` rule.

    Which field, which views of it (`raw`, `addr` …, in any order), and what stands for a missing one.
    """

    name: str
    views: tuple[str, ...] = ()
    negated: bool = False
    exists: bool = False
    if_unset: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """`eval:function('argument', 2)`: arguments are texts, as written."""

    function: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UriCriterion:
    """One `target =~ /pattern/` of a `uri_detail` rule; the pattern is a Perl literal."""

    target: str
    negated: bool
    pattern: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `pattern` is the Perl literal (or the meta expression) as written, replacement tags filled in."""

    name: str
    kind: RuleKind
    pattern: str
    place: Place
    header: HeaderTest | None = None
    call: Call | None = None
    criteria: tuple[UriCriterion, ...] = ()

    @property
    def is_sub_rule(self) -> bool:
        """Rules named `__…` serve other rules and have no score of their own."""
        return self.name.startswith("__")


Scores = tuple[Points, Points, Points, Points]
"""The points without and with network tests, without and with Bayes: SpamAssassin's four score sets, in its order."""


class ScoreSet:
    """Positions in `Scores`."""

    LOCAL = 0
    NETWORK = 1
    BAYES = 2
    NETWORK_AND_BAYES = 3


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Everything read from a set of `.cf` files, later lines having replaced earlier ones.

    `settings` are the words of directives that are not rules but that functions need, e.g. `freemail_domains`.
    `replaced` tells where a rule was defined before, `score_places` where its points were set last.
    """

    rules: Mapping[str, Rule] = field(default_factory=dict)
    scores: Mapping[str, Scores] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, frozenset[str]] = field(default_factory=dict)
    settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    replaced: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    score_places: Mapping[str, Place] = field(default_factory=dict)

    def score(self, name: str, score_set: int = ScoreSet.LOCAL) -> Points:
        """The points of a rule: written, or the default by its name and flags."""
        if name in self.scores:
            return self.scores[name][score_set]
        nice = "nice" in self.flags.get(name, ())
        if name.startswith("T_"):
            return Points(-TRIAL_SCORE) if nice else TRIAL_SCORE
        return DEFAULT_NICE_SCORE if nice else DEFAULT_SCORE

    def max_hits(self, name: str) -> int:
        """How often the rule may count: once, or with `tflags multiple` as often as `maxhits` says."""
        flags = self.flags.get(name, frozenset())
        if "multiple" not in flags:
            return 1
        written = next((flag[8:] for flag in flags if flag.startswith("maxhits=")), "")
        return min(int(written), MAX_HITS) if written.isdigit() and int(written) else MAX_HITS
