"""How a verdict is explained on a terminal: the same tables for `postern scan` and `postern trace`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from postern import catalog
from postern.disposition import points_text
from postern.model import CheckResult, Disposition, DnsLookup, Finding, ResultWord
from postern_cli.console import printable

Results = Mapping[str, CheckResult[Any]]

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


def explanation(results: Results) -> list[Table]:
    """The tables of checks, findings and DNS answers; those that would be empty are left out."""
    tables = [checks_table(results)]
    if any(result.findings for result in results.values()):
        tables.append(findings_table(results))
    if any(result.lookups for result in results.values()):
        tables.append(lookups_table(results))
    return tables


def checks_table(results: Results) -> Table:
    """Each check's result, points and time."""
    table = _titled("Checks")
    table.add_column("check")
    table.add_column("result")
    table.add_column("score", justify="right")
    table.add_column("ms", justify="right", style="dim")
    table.add_column("why", overflow="fold")
    for check_id, result in results.items():
        points = sum(finding.score or 0 for finding in result.findings)
        word = Text(result.result.value, style=WORD_COLOURS.get(result.result, ""))
        table.add_row(
            check_id, word, points_cell(points), str(result.milliseconds), printable(result.reason[:MAX_DETAIL])
        )
    return table


def findings_table(results: Results) -> Table:
    """What was found, the weightiest first."""
    descriptions = {symbol.name: symbol.description for spec in catalog.specs() for symbol in spec.symbols}
    table = _titled("Findings")
    table.add_column("score", justify="right")
    table.add_column("symbol", overflow="fold")
    table.add_column("what it means", overflow="fold")
    table.add_column("detail", overflow="fold", style="dim")
    for finding in _by_weight(results):
        described = descriptions.get(finding.symbol)
        meaning, detail = (described, finding.detail) if described else (finding.detail, "")
        table.add_row(
            points_cell(finding.score or 0),
            *map(printable, (finding.symbol, meaning[:MAX_DETAIL], detail[:MAX_DETAIL])),
        )
    return table


def lookups_table(results: Results) -> Table:
    """The DNS answers that the checks saw."""
    table = _titled("DNS answers")
    for column in ("check", "type", "name"):
        table.add_column(column, overflow="fold")
    table.add_column("answer", overflow="fold", style="dim")
    for check_id, lookup in _every_lookup(results)[:MAX_LOOKUPS]:
        answer = " | ".join(lookup.records) or lookup.status
        table.add_row(check_id, lookup.rdtype, printable(lookup.name), printable(answer[:MAX_DETAIL]))
    return table


def points_cell(points: int) -> Text:
    """Points in the colour of what they do: red against the message, green for it."""
    if not points:
        return Text("0", style="dim")
    return Text(f"{'+' if points > 0 else ''}{points_text(points)}", style="red" if points > 0 else "green")


def disposition_cell(disposition: Disposition) -> Text:
    """A disposition in its colour."""
    return Text(disposition.value, style=f"bold {COLOURS[disposition]}")


def _titled(title: str) -> Table:
    return Table(title=f"\n{title}", title_justify="left", title_style="bold", box=None, pad_edge=False)


def _by_weight(results: Results) -> list[Finding]:
    findings = [finding for result in results.values() for finding in result.findings]
    return sorted(findings, key=lambda finding: -abs(finding.score or 0))


def _every_lookup(results: Results) -> list[tuple[str, DnsLookup]]:
    return [(check_id, lookup) for check_id, result in results.items() for lookup in result.lookups]
