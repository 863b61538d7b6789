"""How a verdict is explained on a terminal: the same tables for `postern scan` and `postern trace`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from postern import catalog
from postern.disposition import points_text
from postern.model import CheckResult, Disposition, DnsLookup, Finding, ResultWord
from postern.runner import OBSERVED
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
        points = sum(finding.score or 0 for finding in result.findings if is_proven(finding, results))
        word = Text(result.result.value, style=WORD_COLOURS.get(result.result, ""))
        score = points_cell(points, uncounted=is_observed(result))
        table.add_row(check_id, word, score, str(result.milliseconds), printable(result.reason[:MAX_DETAIL]))
    return table


def findings_table(results: Results) -> Table:
    """What was found, the weightiest first."""
    descriptions = {symbol.name: symbol.description for spec in catalog.specs() for symbol in spec.symbols}
    table = _titled("Findings")
    table.add_column("score", justify="right")
    table.add_column("symbol", overflow="fold")
    table.add_column("what it means", overflow="fold")
    table.add_column("detail", overflow="fold", style="dim")
    for finding, uncounted in _by_weight(results):
        described = descriptions.get(finding.symbol)
        meaning, detail = (described, finding.detail) if described else (finding.detail, "")
        table.add_row(
            points_cell(finding.score or 0, uncounted=uncounted),
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


def points_cell(points: int, *, uncounted: bool = False) -> Text:
    """Points in the colour of what they do: red against the message, green for it; in brackets if they do not count."""
    if not points:
        return Text("0", style="dim")
    signed = f"{'+' if points > 0 else ''}{points_text(points)}"
    if uncounted:
        return Text(f"({signed})", style="dim")
    return Text(signed, style="red" if points > 0 else "green")


def is_proven(finding: Finding, results: Results) -> bool:
    """Whether a credit that needs proof has it; any other finding needs none."""
    passed = (results[check_id].result is ResultWord.PASS for check_id in finding.needs_pass if check_id in results)
    return not finding.needs_pass or any(passed)


def is_observed(result: CheckResult[Any]) -> bool:
    """Whether no recipient's policy let this result count."""
    return bool(result.properties.get(OBSERVED))


def disposition_cell(disposition: Disposition) -> Text:
    """A disposition in its colour."""
    return Text(disposition.value, style=f"bold {COLOURS[disposition]}")


def _titled(title: str) -> Table:
    return Table(title=f"\n{title}", title_justify="left", title_style="bold", box=None, pad_edge=False)


def _by_weight(results: Results) -> list[tuple[Finding, bool]]:
    """Every finding, and whether it does not count (only observed, or a credit without proof); those come last."""
    findings = [
        (finding, is_observed(result) or not is_proven(finding, results))
        for result in results.values()
        for finding in result.findings
    ]
    return sorted(findings, key=lambda found: (found[1], -abs(found[0].score or 0)))


def _every_lookup(results: Results) -> list[tuple[str, DnsLookup]]:
    return [(check_id, lookup) for check_id, result in results.items() for lookup in result.lookups]
