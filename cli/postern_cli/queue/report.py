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
    """Two lines per copy, so that ids can be copied from a narrow terminal."""
    table = Table(box=None, pad_edge=False)
    table.add_column("id\nqueued", no_wrap=True)
    table.add_column("to\nfrom", overflow="fold")
    table.add_column("tries", justify="right")
    table.add_column("next\nlast answer", overflow="fold")
    for one in found:
        copy = one.copy
        sender = copy.account or copy.report.sender or copy.reverse_path or "<>"
        following = f"on hold: {one.held_because}" if one.held_because else _moment(one.next_attempt)
        table.add_row(
            f"{copy.transaction_id}\n{_moment(copy.queued_at)}",
            Text("\n").join((printable(copy.recipient), printable(sender))),
            str(copy.attempts),
            Text("\n").join((printable(following), printable(one.answer))),
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
