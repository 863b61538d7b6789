"""A verdict as a report for people: what would become of the message, why, and what was asked."""

from __future__ import annotations

from collections import Counter

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


class Troubles:
    """Says on standard error which checks could not be done, and why: the same trouble once, and how often it was."""

    def __init__(self) -> None:
        self._times: Counter[str] = Counter()

    def add(self, verdict: Verdict) -> None:
        """Say what is new about this message's checks."""
        for check_id, trouble in verdict.troubles:
            problem = escape(clean_text(f"{type(trouble).__name__}: {trouble}"))
            told = f"[yellow]{check_id} could not be done:[/] {problem}"
            if not self._times[told]:
                err.print(told)
            self._times[told] += 1

    def print_repeated(self) -> None:
        """Say how often there was what there was more than once."""
        for told, times in self._times.items():
            if times > 1:
                err.print(f"{told} [dim]({times} times in all)[/]")


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
