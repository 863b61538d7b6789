"""Copies for other servers on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from postern_aws.mail_queue import QueuedCopy
from postern_cli.console import printable


def queue_table(found: Iterable[QueuedCopy]) -> Table:
    """A line per copy."""
    table = Table(box=None, pad_edge=False)
    for column in ("queued", "id", "to", "from", "tries", "next", "last answer"):
        table.add_column(column, overflow="fold", justify="right" if column == "tries" else "left")
    for one in found:
        copy = one.copy
        table.add_row(
            _moment(copy.queued_at),
            copy.transaction_id,
            printable(copy.recipient),
            printable(copy.account or copy.report.sender or copy.reverse_path or "<>"),
            str(copy.attempts),
            f"on hold: {one.held_because}" if one.held_because else _moment(one.next_attempt),
            printable(one.answer),
        )
    return table


def copy_report(one: QueuedCopy) -> RenderableType:
    """Everything about one copy."""
    copy, report = one.copy, one.copy.report
    fields = Table.grid(padding=(0, 2))
    facts = (
        ("recipient", copy.recipient),
        ("state", f"{one.state.value}: {one.held_because}" if one.held_because else one.state.value),
        ("route", copy.route.value),
        ("account", copy.account),
        ("sender", report.sender or "<>"),
        ("leaves as", copy.reverse_path or "<>"),
        ("size", f"{copy.reference.size} octets"),
        ("queued", _moment(copy.queued_at)),
        ("tries", str(copy.attempts)),
        ("next try", _moment(one.next_attempt)),
        ("last server", one.host),
        ("last answer", one.answer),
        ("notify", ",".join(report.notify)),
        ("reports go to", "the sender" if report.sender and report.standing.value != "unproven" else "nobody"),
    )
    for name, value in facts:
        if value:
            fields.add_row(Text(name, style="dim"), printable(value))
    return Group(fields, Text())


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}" if moment else ""
