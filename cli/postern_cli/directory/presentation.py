"""Rows of the directory on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from postern_cli.console import out, print_json, printable
from postern_cli.rows import Row


def print_rows(rows: Sequence[Row], columns: Sequence[str], *, nothing: str, as_json: bool) -> None:
    """A table with these columns, or what to say when there is nothing."""
    if as_json:
        print_json(rows)
        return
    if not rows:
        out.print(nothing)
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(printable(_cell(row.get(column))) for column in columns))
    out.print(table)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
