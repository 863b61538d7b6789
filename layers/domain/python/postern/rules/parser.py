"""Reading `.cf` text: lines, comments, `if`, `include`. What a line says is `postern.rules.statements`' business.

A line that cannot be used is a problem with its place, and never stops the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from postern.rules.conditions import ConditionError, has_plugin, holds
from postern.rules.definitions import Place, Problem, RuleBook
from postern.rules.meta import MetaError
from postern.rules.patterns import PatternError
from postern.rules.statements import RuleSyntaxError, Statements

MAX_LINE = 32_768
MAX_LINES = 2_000_000
MAX_INCLUDE_DEPTH = 10
MAX_IF_DEPTH = 50
MAX_PROBLEMS = 1_000
LANGUAGE = "en"
"""Descriptions are read in this language."""

_COMMENT = re.compile(r"(?<!\\)#.*\Z", re.DOTALL)
_LANGUAGE = re.compile(r"lang\s+(\S+)\s+(.*)\Z", re.DOTALL)
_FILE_NAME = re.compile(r"[A-Za-z0-9_][\w.-]{0,99}\Z")
_NO_FILES: Mapping[str, str] = {}


def read_rules(files: Iterable[tuple[str, str]], includable: Mapping[str, str] = _NO_FILES) -> RuleBook:
    """The rule book of `(file name, text)` pairs, in order; what cannot be used is among its problems.

    `include NAME` reads a file of `includable`: a name in the same folder, never a path.
    """
    reader = _Reader(includable)
    for name, text in files:
        reader.read(name, text)
    return reader.book()


@dataclass(slots=True)
class _Branch:
    """An open `if`: whether its lines count, and whether those around it do."""

    place: Place
    counts: bool
    outer: bool


class _Reader:
    """Follows files and conditions and hands every line that counts on."""

    def __init__(self, includable: Mapping[str, str]) -> None:
        self._includable = includable
        self._including: list[str] = []
        self._branches: list[_Branch] = []
        self._statements = Statements()
        self._problems: list[Problem] = []
        self._lines = 0

    def book(self) -> RuleBook:
        """Everything that was read."""
        return self._statements.book(self._problems[:MAX_PROBLEMS])

    def read(self, file: str, text: str) -> None:
        """Read one file; an `if` ends with its file at the latest."""
        outer, self._branches = self._branches, []
        for number, line in enumerate(text.split("\n"), 1):
            self._lines += 1
            if self._lines > MAX_LINES:
                break
            content = (_COMMENT.sub("", line).replace("\\#", "#") if "#" in line else line).strip()
            if content:
                self._line(Place(file, number), content)
        for branch in self._branches:
            self._problems.append(Problem(branch.place, "this `if` has no `endif`"))
        self._branches = outer

    def _line(self, place: Place, content: str) -> None:
        directive, _, argument = content.replace("\t", " ").partition(" ")
        directive = directive.lower().replace("-", "_")
        try:
            if len(content) > MAX_LINE:
                raise RuleSyntaxError(f"a line has at most {MAX_LINE} characters")
            if self._control(place, directive, argument.strip()):
                return
            if not self._branches or self._branches[-1].counts:
                self._statement(place, directive, content[len(directive) :].strip())
        except (RuleSyntaxError, PatternError, MetaError, ConditionError) as wrong:
            words = content.split(None, 2)
            rule = words[1] if len(words) > 1 and directive not in ("if", "ifplugin", "include") else ""
            self._problems.append(Problem(place, str(wrong), rule[:100]))

    def _control(self, place: Place, directive: str, argument: str) -> bool:
        """Whether the line was about which lines count."""
        if directive == "if":
            self._open(place, self._counts() and holds(argument))
        elif directive == "ifplugin":
            self._open(place, has_plugin(argument))
        elif directive == "else":
            branch = self._innermost(directive)
            branch.counts = branch.outer and not branch.counts
        elif directive == "endif":
            self._innermost(directive)
            self._branches.pop()
        else:
            return False
        return True

    def _statement(self, place: Place, directive: str, argument: str) -> None:
        if directive == "lang":
            found = _LANGUAGE.match(f"lang {argument}")
            if found and LANGUAGE.startswith(found[1].lower()):
                self._line(place, found[2])
        elif directive == "include":
            self._include(argument)
        else:
            self._statements.read(place, directive, argument)

    def _include(self, name: str) -> None:
        if not _FILE_NAME.match(name) or name not in self._includable:
            raise RuleSyntaxError(f"there is no file {name!r} beside this one to include")
        if name in self._including or len(self._including) >= MAX_INCLUDE_DEPTH:
            raise RuleSyntaxError(f"including {name!r} here would not end")
        self._including.append(name)
        self.read(name, self._includable[name])
        self._including.pop()

    def _counts(self) -> bool:
        return not self._branches or self._branches[-1].counts

    def _open(self, place: Place, condition: bool) -> None:
        if len(self._branches) >= MAX_IF_DEPTH:
            raise RuleSyntaxError(f"conditions are nested more than {MAX_IF_DEPTH} deep")
        outer = self._counts()
        self._branches.append(_Branch(place, outer and condition, outer))

    def _innermost(self, directive: str) -> _Branch:
        if not self._branches:
            raise RuleSyntaxError(f"there is no `if` for this `{directive}`")
        return self._branches[-1]
