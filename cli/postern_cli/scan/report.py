"""A verdict as a report for people: what became of the message, why, and what was asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from postern import catalog
from postern.disposition import points_text
from postern.model import CheckResult, Disposition, ResultWord
from postern.wire import clean_text
from postern_cli.console import err
from postern_cli.scan.answer import reply_text
from postern_cli.scan.judging import Verdict

COLOURS = {
    Disposition.ACCEPT: "green",
    Disposition.JUNK: "yellow",
    Disposition.QUARANTINE: "dark_orange",
    Disposition.DISCARD: "red",
    Disposition.DEFER: "cyan",
    Disposition.REJECT: "red",
}
WORD_COLOURS = {
    ResultWord.PASS: "green",
    ResultWord.FAIL: "red",
    ResultWord.SOFTFAIL: "yellow",
    ResultWord.TEMPERROR: "cyan",
    ResultWord.PERMERROR: "magenta",
    ResultWord.SKIPPED: "dim",
    ResultWord.NONE: "dim",
}
MAX_DETAIL = 100
MAX_LOOKUPS = 30


def print_report(console: Console, name: str, verdict: Verdict) -> None:
    """Write the report of one message."""
    console.print(Group(*_sections(name, verdict)))


def print_troubles(verdict: Verdict) -> None:
    """Say on standard error which checks could not be done, and why."""
    for check_id, trouble in verdict.troubles:
        problem = f"{type(trouble).__name__}: {trouble}"
        err.print(f"[yellow]{check_id} could not be done:[/] {escape(clean_text(problem))}")


def _sections(name: str, verdict: Verdict) -> Iterator[Any]:
    yield _summary(name, verdict)
    yield _checks(verdict)
    if any(result.findings for result in verdict.judgement.results.values()):
        yield _findings(verdict)
    if any(result.lookups for result in verdict.judgement.results.values()):
        yield _lookups(verdict)


def _summary(name: str, verdict: Verdict) -> Panel:
    first = verdict.first
    colour = COLOURS[first.disposition]
    lines = [
        Text.from_markup(f"[bold {colour}]{first.disposition.value}[/]   score [bold]{points_text(first.score)}[/]"),
        Text(reply_text(verdict), style="dim"),
        *(Text(f"· {reason}") for reason in first.reasons),
        *(Text(f"· defect: {defect.code.value} {defect.detail}", style="dim") for defect in verdict.message.defects),
    ]
    subtitle = f"{verdict.milliseconds:.1f} ms · {verdict.message.size:,} octets"
    return Panel(Group(*lines), title=escape(name), title_align="left", subtitle=subtitle, border_style=colour)


def _checks(verdict: Verdict) -> Table:
    table = Table(title="Checks", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("check")
    table.add_column("result")
    table.add_column("score", justify="right")
    table.add_column("ms", justify="right", style="dim")
    table.add_column("why", overflow="fold")
    for check_id, result in verdict.judgement.results.items():
        points = sum(finding.score or 0 for finding in result.findings)
        word = Text(result.result.value, style=WORD_COLOURS.get(result.result, ""))
        table.add_row(check_id, word, _points(points), str(result.milliseconds), Text(result.reason[:MAX_DETAIL]))
    return table


def _findings(verdict: Verdict) -> Table:
    descriptions = {symbol.name: symbol.description for spec in catalog.specs() for symbol in spec.symbols}
    table = Table(title="\nFindings", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("score", justify="right")
    table.add_column("symbol")
    table.add_column("what it means", overflow="fold")
    table.add_column("detail", overflow="fold", style="dim")
    for finding in _by_weight(verdict.judgement.results.values()):
        about = descriptions.get(finding.symbol, "")
        table.add_row(_points(finding.score or 0), finding.symbol, Text(about), Text(finding.detail[:MAX_DETAIL]))
    return table


def _by_weight(results: Any) -> list[Any]:
    findings = [finding for result in results for finding in result.findings]
    return sorted(findings, key=lambda finding: -abs(finding.score or 0))


def _lookups(verdict: Verdict) -> Table:
    table = Table(title="\nDNS answers", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("check", "type", "name", "answer"):
        table.add_column(column, overflow="fold")
    for check_id, lookup in _every_lookup(verdict)[:MAX_LOOKUPS]:
        answer = " | ".join(lookup.records) or lookup.status
        table.add_row(check_id, lookup.rdtype, Text(lookup.name), Text(answer[:MAX_DETAIL], style="dim"))
    return table


def _every_lookup(verdict: Verdict) -> list[tuple[str, Any]]:
    results: dict[str, CheckResult[Any]] = verdict.judgement.results
    return [(check_id, lookup) for check_id, result in results.items() for lookup in result.lookups]


def _points(points: int) -> Text:
    if not points:
        return Text("0", style="dim")
    return Text(f"{'+' if points > 0 else ''}{points_text(points)}", style="red" if points > 0 else "green")
