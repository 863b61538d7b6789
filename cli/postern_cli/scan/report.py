"""A verdict as a report for people: what would become of the message, why, and what was asked."""

from __future__ import annotations

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text

from postern.disposition import points_text
from postern.wire import clean_text
from postern_cli.console import err, printable
from postern_cli.explanation import COLOURS, explanation
from postern_cli.scan.answer import reply_text
from postern_cli.scan.judging import Verdict


def print_report(console: Console, name: str, verdict: Verdict) -> None:
    """Write the report of one message."""
    console.print(Group(_summary(name, verdict), *explanation(verdict.judgement.results)))


def print_troubles(verdict: Verdict) -> None:
    """Say on standard error which checks could not be done, and why."""
    for check_id, trouble in verdict.troubles:
        problem = f"{type(trouble).__name__}: {trouble}"
        err.print(f"[yellow]{check_id} could not be done:[/] {escape(clean_text(problem))}")


def _summary(name: str, verdict: Verdict) -> Panel:
    first = verdict.first
    colour = COLOURS[first.disposition]
    lines = [
        Text.from_markup(f"[bold {colour}]{first.disposition.value}[/]   score [bold]{points_text(first.score)}[/]"),
        Text(reply_text(verdict), style="dim"),
        *(printable(f"· {reason}") for reason in first.reasons),
        *(Text(f"· defect: {defect.code.value} {defect.detail}", style="dim") for defect in verdict.message.defects),
    ]
    subtitle = f"{verdict.milliseconds:.1f} ms · {verdict.message.size:,} octets"
    return Panel(Group(*lines), title=escape(name), title_align="left", subtitle=subtitle, border_style=colour)
