"""The rules of a site beside those that come with Postern: a stock set, and files of its own.

Own files are read after the stock set, so that their `score` lines and their rules take the place of earlier ones. One
set is in force for all mail: a message is looked at once for all its recipients, so files have no narrower scope.
Points per domain or mailbox are policy (`rules.scores`).

RuleSetError    a file or a set that cannot be taken; the text says why
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from postern.rules.definitions import Problem
from postern.rules.parser import read_rules
from postern.rules.plan import all_problems

MAX_OWN_FILES = 100
MAX_STOCK_FILES = 500
MAX_FILE_CHARACTERS = 2_000_000
MAX_SET_CHARACTERS = 16_000_000
LEAST_SHARE = 0.5
"""A stock set with fewer rules than this share of the one before it is taken for an accident."""

MAX_PROBLEMS_KEPT = 200
OWN = "global/"
"""Before the names of own files: the one scope there is."""

_VERSION_DIGITS = 16
_FILE_NAME = re.compile(r"[A-Za-z0-9_][\w.-]{0,90}\.cf\Z", re.ASCII)


class RuleSetError(ValueError):
    """A file or a set of rules that cannot be taken."""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A `.cf` file: its name, and its text, in which octets that are no UTF-8 are lone surrogates."""

    name: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StockSet:
    """Rules by others: where they come from (a channel, a folder), which version, and how many rules they are."""

    source: str
    version: str
    files: tuple[RuleFile, ...] = field(repr=False)
    rules: int = 0

    @property
    def label(self) -> str:
        """A name for people and keys."""
        return f"{self.source}@{self.version}"


@dataclass(frozen=True, slots=True)
class RuleDatabase:
    """What was made to run a set fast: for which scanner, and the SHA-256 of what was stored, in hexadecimal digits.

    Only octets with this digest are believed: a C library reads them.
    """

    scanner: str
    digest: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What is in force. `earlier` labels the stock set before this one, `refused` the one that was rolled back from.

    `problems` and the `trouble` of the last update are those the postmaster has been told. `database` belongs to this
    version, together with the rules that come with Postern; it is there some time after the set.
    """

    version: str = ""
    own: tuple[RuleFile, ...] = ()
    stock: StockSet | None = None
    earlier: str = ""
    refused: str = ""
    problems: tuple[str, ...] = ()
    trouble: str = ""
    database: RuleDatabase | None = None

    def files(self) -> list[tuple[str, str]]:
        """Names and texts in the order they are read, own ones as `global/NAME.cf`."""
        stock = self.stock.files if self.stock else ()
        return [(one.name, one.text) for one in stock] + [(f"{OWN}{one.name}", one.text) for one in self.own]

    def includable(self) -> Mapping[str, str]:
        """Texts by the names by which `include` finds them."""
        return {one.name: one.text for one in (*(self.stock.files if self.stock else ()), *self.own)}


def make_stock_set(source: str, version: str, files: Iterable[RuleFile], before: StockSet | None = None) -> StockSet:
    """A stock set that reads and compiles. Raises `RuleSetError`, also when it has far fewer rules than `before`."""
    found = tuple(sorted(files, key=lambda one: one.name))
    if not found or len(found) > MAX_STOCK_FILES:
        raise RuleSetError(f"{source}: expected 1 to {MAX_STOCK_FILES} .cf files, found {len(found)}")
    if sum(len(one.text) for one in found) > MAX_SET_CHARACTERS:
        raise RuleSetError(f"{source}: the files have more than {MAX_SET_CHARACTERS} characters in all")
    book = read_rules([(one.name, one.text) for one in found], {one.name: one.text for one in found})
    broken = {problem.rule for problem in all_problems(book)}
    usable = len(book.rules.keys() - broken)
    if not usable:
        raise RuleSetError(f"{source}: there is no usable rule in version {version}")
    if before and usable < before.rules * LEAST_SHARE:
        raise RuleSetError(f"{source}: version {version} has {usable} usable rules, {before.label} has {before.rules}")
    return StockSet(source, version, found, usable)


def make_rule_set(own: Iterable[RuleFile], stock: StockSet | None, before: RuleSet) -> RuleSet:
    """The set of these files; what cannot be used of the own ones is among its problems and stops nothing else."""
    files = tuple(sorted(own, key=lambda one: one.name))[:MAX_OWN_FILES]
    problems = tuple(str(one) for one in own_problems(files, stock))[:MAX_PROBLEMS_KEPT]
    content = hashlib.sha256((stock.label if stock else "").encode())
    for one in (*(stock.files if stock else ()), *files):
        content.update(f"\0{one.name}\0{one.text}".encode("utf-8", "surrogateescape"))
    version = content.hexdigest()[:_VERSION_DIGITS]
    database = before.database if version == before.version else None
    return replace(before, version=version, own=files, stock=stock, problems=problems, database=database)


def own_problems(files: Iterable[RuleFile], stock: StockSet | None) -> tuple[Problem, ...]:
    """What of these files cannot be used, read after the stock set."""
    candidate = RuleSet(own=tuple(files), stock=stock)
    book = read_rules(candidate.files(), candidate.includable())
    rules = {name: rule for name, rule in book.rules.items() if rule.place.file.startswith(OWN)}
    found = all_problems(book, rules)
    return tuple(problem for problem in found if problem.place.file.startswith(OWN))


def read_file(name: str, content: bytes) -> RuleFile:
    """A file of the operator's. Raises `RuleSetError` when its name or size will not do."""
    if not _FILE_NAME.match(name):
        raise RuleSetError(f"{name!r} is no name of a rule file; use letters, digits, . _ - and end it with .cf")
    text = content.decode("utf-8", "surrogateescape")
    if len(text) > MAX_FILE_CHARACTERS:
        raise RuleSetError(f"{name} has more than {MAX_FILE_CHARACTERS} characters")
    return RuleFile(name, text)
