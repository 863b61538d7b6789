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


class RuleKind(StrEnum):
    """What of the message a rule looks at."""

    HEADER = "header"
    BODY = "body"
    RAWBODY = "rawbody"
    URI = "uri"
    FULL = "full"
    META = "meta"


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


@dataclass(frozen=True, slots=True)
class HeaderTest:
    """The left side of a `header` rule: which field, which view of it, and what stands for a missing one."""

    name: str
    view: str = ""
    negated: bool = False
    exists: bool = False
    if_unset: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `pattern` is the Perl literal (or the meta expression) as written."""

    name: str
    kind: RuleKind
    pattern: str
    place: Place
    header: HeaderTest | None = None

    @property
    def is_sub_rule(self) -> bool:
        """Rules named `__…` serve other rules and have no score of their own."""
        return self.name.startswith("__")


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Everything read from a set of `.cf` files, later lines having replaced earlier ones."""

    rules: Mapping[str, Rule] = field(default_factory=dict)
    scores: Mapping[str, Points] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, frozenset[str]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def score(self, name: str) -> Points:
        """The points of a rule: written, or the default by its name and flags."""
        if name in self.scores:
            return self.scores[name]
        if name.startswith("T_"):
            return TRIAL_SCORE
        return DEFAULT_NICE_SCORE if "nice" in self.flags.get(name, ()) else DEFAULT_SCORE
