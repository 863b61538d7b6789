"""Summaries of reports as a person reads them: numbers, bars, and where the mail came from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from postern.dmarc_reports.summary import DomainSummary, Tally
from postern_cli.console import printable

BAR_WIDTH = 32
SOURCES_SHOWN = 15
DAYS_SHOWN = 31


def summary_view(summary: DomainSummary) -> RenderableType:
    """One domain: totals, a bar per day, the sources, and what went wrong with TLS."""
    total = summary.total
    parts: list[RenderableType] = [
        Text.assemble((summary.domain, "bold"), f": reports of {len(summary.reporters)} organizations"),
    ]
    if total.messages:
        share = f"{total.aligned / total.messages:.1%}"
        parts.append(Text(f"{total.messages} messages sent as this domain, {share} of them authenticated (aligned)"))
        parts += [_days(summary), _sources(summary)]
    if summary.tls_sessions:
        parts.append(Text(f"TLS: {summary.tls_sessions} sessions reported, {summary.tls_failed} failed"))
        parts += [Text(f"  {count} × {word}", style="yellow") for word, count in _printable(summary.tls_failures)]
    return Group(*parts, "")


def summary_data(summary: DomainSummary) -> dict[str, Any]:
    """The same for machines."""
    return {
        "domain": summary.domain,
        "reporters": list(summary.reporters),
        "messages": summary.total.messages,
        "aligned": summary.total.aligned,
        "days": [{"day": day.isoformat(), **_tally(one)} for day, one in summary.days],
        "sources": [
            {"source_ip": ip, **_tally(one), "signed_by": list(names)}
            for (ip, one), (_, names) in zip(summary.sources, summary.signed_by, strict=True)
        ],
        "tls": {
            "sessions": summary.tls_sessions,
            "failed": summary.tls_failed,
            "failures": dict(summary.tls_failures),
        },
    }


def _tally(one: Tally) -> dict[str, int]:
    return {"messages": one.messages, "aligned": one.aligned}


def _days(summary: DomainSummary) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    most = max(one.messages for _, one in summary.days)
    for day, one in summary.days[-DAYS_SHOWN:]:
        table.add_row(day.isoformat(), _bar(one, most), f"{one.messages}")
    return table


def _bar(one: Tally, most: int) -> Text:
    """Green for what was authenticated, red for what was not; something that is there is never invisible."""
    width = max(1, round(BAR_WIDTH * one.messages / most)) if one.messages else 0
    green = round(width * one.aligned / one.messages) if one.messages else 0
    green = min(max(green, int(one.aligned > 0)), width - int(one.aligned < one.messages and width > 1))
    return Text.assemble(("█" * green, "green"), ("░" * (width - green), "red"))


def _sources(summary: DomainSummary) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("source", "messages", "aligned", "", "signed by"):
        table.add_column(column, justify="right" if column in ("messages", "aligned") else "left", overflow="fold")
    shown = zip(summary.sources, summary.signed_by, strict=True)
    for (ip, one), (_, names) in list(shown)[:SOURCES_SHOWN]:
        mark = Text("ok", style="green") if one.aligned == one.messages else Text("not aligned", style="red")
        table.add_row(ip or "others", f"{one.messages}", f"{one.aligned}", mark, printable(", ".join(names)))
    if len(summary.sources) > SOURCES_SHOWN:
        table.add_row(f"… {len(summary.sources) - SOURCES_SHOWN} more")
    return table


def _printable(pairs: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return [(printable(word).plain, count) for word, count in pairs]
