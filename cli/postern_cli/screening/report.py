"""How bans and counters are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from postern.session.bans import Ban, BanKind
from postern.session.counters import MailProtocol
from postern.session.subjects import Subject
from postern.wire import to_json
from postern_cli.console import printable

_COLOURS = {BanKind.AUTOMATIC: "yellow", BanKind.MANUAL: "red"}
_KEYS = frozenset({"subject", "counter", "additions", "expires_at"})


def ban_facts(ban: Ban, now: datetime) -> dict[str, Any]:
    """A ban for machines."""
    return {
        "subject": str(ban.subject),
        "kind": ban.kind.value,
        "reason": ban.reason.value,
        "in_force": ban.is_in_force(now),
        "since": to_json(ban.since),
        "until": to_json(ban.until),
        "repeats": ban.repeats,
        "count": ban.count,
        "protocol": ban.protocol,
        "note": ban.note,
    }


def bans_table(bans: Iterable[Ban], now: datetime) -> Table:
    """A line for each ban."""
    table = Table(box=None, pad_edge=False)
    for column in ("who", "ban", "since (UTC)", "until (UTC)", "why", "repeat", "note"):
        table.add_column(column, overflow="fold", justify="right" if column == "repeat" else "left")
    for ban in bans:
        table.add_row(
            printable(ban.subject.name),
            Text(ban.kind.value, style=_COLOURS[ban.kind]),
            f"{ban.since:%Y-%m-%d %H:%M}",
            _until(ban, now),
            _why(ban),
            str(ban.repeats or ""),
            printable(ban.note),
        )
    return table


def subject_report(
    subject: Subject, bans: Iterable[Ban], rows: Iterable[Mapping[str, Any]], now: datetime
) -> RenderableType:
    """A subject's ban and its counters, newest marks first."""
    parts: list[RenderableType] = [bans_table([ban], now) for ban in bans]
    if not parts:
        parts.append(Text.assemble(printable(subject.name), " is not banned."))
    counted = _counters(rows)
    return Group(*parts, "", counted) if counted.row_count else Group(*parts)


def _counters(rows: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("counter", "from (UTC)", "what", "count"):
        table.add_column(column, overflow="fold", justify="right" if column == "count" else "left")
    for row in rows:
        marks = sorted(((name, number) for name, number in row.items() if name not in _KEYS), reverse=True)
        for name, number in marks:
            began, _, word = name.partition(" ")
            table.add_row(printable(str(row["counter"])), printable(began), printable(word), str(number))
    return table


def _why(ban: Ban) -> Text:
    protocol = f" by {MailProtocol(ban.protocol).label}" if ban.protocol in tuple(MailProtocol) else ""
    return Text(f"{ban.reason.words}{f' ({ban.count}{protocol})' if ban.count else ''}")


def _until(ban: Ban, now: datetime) -> str:
    if ban.until is None:
        return "for ever"
    text = f"{ban.until:%Y-%m-%d %H:%M}"
    return text if ban.is_in_force(now) else f"{text} (over)"
