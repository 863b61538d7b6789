"""How rules are shown: as tables and trees for people, as data for machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from postern.disposition import points_text
from postern.rules.definitions import Rule, RuleBook, RuleKind, ScoreSet
from postern.rules.engine import Evaluation
from postern.rules.review import Remark, Severity, SubRule, looks_at, tree, why_not_run
from postern.wire import clean_text
from postern_cli.console import printable

SCORE_SETS = {
    "local": ScoreSet.LOCAL,
    "network": ScoreSet.NETWORK,
    "Bayes": ScoreSet.BAYES,
    "network and Bayes": ScoreSet.NETWORK_AND_BAYES,
}
_COLOURS = {Severity.ERROR: "red", Severity.NOTE: "yellow"}


@dataclass(frozen=True, slots=True)
class TriedMessage:
    """A message that rules were tried on: its name, and how often each rule hit, sub-rules too."""

    name: str
    counts: Mapping[str, float]
    matched: str = ""


def tried(name: str, evaluation: Evaluation, rule: str) -> TriedMessage:
    """What of an evaluation concerns one rule and what it is made of."""
    counts = {hit.name: hit.count for hit in evaluation.hits} | dict.fromkeys(evaluation.sub_rules, 1.0)
    return TriedMessage(name, counts, next((hit.matched for hit in evaluation.hits if hit.name == rule), ""))


def remark_line(remark: Remark) -> Text:
    """One remark as compilers write them: file:line: severity: rule: text."""
    line = Text(f"{remark.place}: ").append(remark.severity.value, _COLOURS[remark.severity])
    return line.append_text(printable(f": {remark.rule + ': ' if remark.rule else ''}{remark.text}"))


def remark_facts(remark: Remark) -> dict[str, Any]:
    """A remark for machines."""
    return {
        "file": clean_text(remark.place.file),
        "line": remark.place.line,
        "rule": clean_text(remark.rule),
        "severity": remark.severity.value,
        "text": clean_text(remark.text),
    }


def rule_facts(book: RuleBook, rule: Rule) -> dict[str, Any]:
    """A rule for machines."""
    scored = book.score_places.get(rule.name)
    return {
        "name": rule.name,
        "points": book.score(rule.name) / 100,
        "points_set_at": str(scored) if scored else None,
        "type": rule.kind.value,
        "area": looks_at(rule),
        "description": clean_text(book.descriptions.get(rule.name, "")),
        "flags": sorted(book.flags.get(rule.name, ())),
        "file": clean_text(rule.place.file),
        "line": rule.place.line,
        "definition": clean_text(definition(rule)),
        "not_run": why_not_run(book, rule),
    }


def rules_table(book: RuleBook, rules: Iterable[Rule]) -> Table:
    """A line for each rule."""
    table = Table(box=None, pad_edge=False)
    for column in ("rule", "points", "type", "area", "description"):
        table.add_column(column, overflow="fold", justify="right" if column == "points" else "left")
    for rule in rules:
        style = "dim" if why_not_run(book, rule) else ""
        table.add_row(
            Text(rule.name, style=style or "bold"),
            "" if rule.is_sub_rule else points_text(book.score(rule.name)),
            rule.kind.value,
            printable(looks_at(rule)),
            printable(book.descriptions.get(rule.name, "")),
            style=style,
        )
    return table


def definition(rule: Rule) -> str:
    """A rule as it could be written in a file."""
    if rule.kind is RuleKind.EVAL:
        return rule.pattern
    if rule.header is not None and rule.header.exists:
        return f"header {rule.name} exists:{rule.header.name}"
    if rule.header is not None:
        sign = "!~" if rule.header.negated else "=~"
        unset = f" [if-unset: {rule.header.if_unset}]" if rule.header.if_unset is not None else ""
        name = ":".join((rule.header.name, *rule.header.views))
        return f"{rule.kind.value} {rule.name} {name} {sign} {rule.pattern}{unset}"
    if rule.criteria:
        criteria = " ".join(f"{one.target} {'!~' if one.negated else '=~'} {one.pattern}" for one in rule.criteria)
        return f"{rule.kind.value} {rule.name} {criteria}"
    return f"{rule.kind.value} {rule.name} {rule.pattern}"


def rule_explained(book: RuleBook, rule: Rule, remarks: Iterable[Remark], messages: Iterable[TriedMessage]) -> Group:
    """Everything about one rule."""
    seen = tuple(messages)
    return Group(*_facts(book, rule), *map(remark_line, remarks), *_parts(book, rule, seen), *_messages(rule, seen))


def tree_facts(book: RuleBook, name: str) -> list[dict[str, Any]]:
    """The parts of a meta for machines, depth first."""
    return [
        {"name": one.name, "depth": one.depth, "known": one.known, **_part_facts(book, one)} for one in tree(book, name)
    ][1:]


def _part_facts(book: RuleBook, part: SubRule) -> dict[str, Any]:
    if not part.known:
        return {}
    rule = book.rules[part.name]
    return {"type": rule.kind.value, "area": looks_at(rule), "definition": clean_text(definition(rule))}


def _facts(book: RuleBook, rule: Rule) -> Iterator[RenderableType]:
    title = Text(rule.name, style="bold")
    if rule.name in book.descriptions:
        title.append_text(Text("  ").append_text(printable(book.descriptions[rule.name])))
    yield title
    facts = Table(box=None, pad_edge=False, show_header=False)
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    facts.add_row("defined", printable(str(rule.place)))
    facts.add_row("", printable(definition(rule)))
    facts.add_row("looks at", printable(looks_at(rule)))
    if not rule.is_sub_rule:
        facts.add_row("points", _points(book, rule.name))
    flags = sorted(book.flags.get(rule.name, ()))
    if flags:
        facts.add_row("flags", ", ".join(flags))
    if reason := why_not_run(book, rule):
        facts.add_row("not run", Text(reason, style="yellow"))
    yield facts


def _points(book: RuleBook, name: str) -> Text:
    place = book.score_places.get(name)
    shown = Text(points_text(book.score(name)), style="bold")
    by_set = {words: book.score(name, number) for words, number in SCORE_SETS.items()}
    if len(set(by_set.values())) > 1:
        others = ", ".join(f"{words} {points_text(points)}" for words, points in by_set.items())
        shown.append(f"  of the sets {others}; Postern counts the local one", "dim")
    return shown.append(f"  set at {place}" if place else "  by default: no score line names it", "dim")


def _parts(book: RuleBook, rule: Rule, messages: tuple[TriedMessage, ...]) -> Iterator[RenderableType]:
    if rule.kind is not RuleKind.META:
        return
    nodes: list[Tree] = []
    for part in tree(book, rule.name):
        label = _part_line(book, part, messages)
        node = Tree(label) if not part.depth else nodes[part.depth - 1].add(label)
        nodes[part.depth :] = [node]
    yield nodes[0]


def _part_line(book: RuleBook, part: SubRule, messages: tuple[TriedMessage, ...]) -> Text:
    marks = "".join("●" if one.counts.get(part.name) else "○" for one in messages)
    line = Text(f"{marks} " if marks else "", style="green" if "●" in marks else "").append(part.name, "bold")
    if not part.known:
        return line.append("  not defined: never true", "yellow")
    rule = book.rules[part.name]
    what = rule.pattern if rule.kind is RuleKind.META else f"{looks_at(rule)}  {rule.pattern}"
    line.append_text(Text("  ").append_text(printable(what)))
    return line.append("  (as above)", "dim") if part.repeated else line


def _messages(rule: Rule, messages: tuple[TriedMessage, ...]) -> Iterator[RenderableType]:
    for one in messages:
        count = one.counts.get(rule.name, 0)
        line = Text("hits  " if count else "does not hit  ", style="green" if count else "dim")
        line.append_text(printable(one.name))
        if one.matched:
            line.append_text(Text("  at ", style="dim").append_text(printable(repr(one.matched))))
        yield line
