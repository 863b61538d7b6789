"""Keys as people and machines read them: never the private half."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from postern.dkim.key_set import OVERLAP, DkimKey, KeySet, KeyState
from postern.dkim.publication import Published, look_up, record_name, record_strings, record_text, zone_line
from postern.ports import Resolver
from postern_cli.console import out

Json = dict[str, Any]
COLUMNS = ("domain", "selector", "type", "state", "since")

COLOURS = {
    Published.YES.value: "green",
    Published.MISSING.value: "red",
    Published.DIFFERENT.value: "red",
    Published.UNKNOWN.value: "cyan",
}


def key_as_data(keys: KeySet, key: DkimKey, resolver: Resolver | None = None) -> Json:
    """One key; with a resolver also what the DNS says about it. Raises `KeySetError`."""
    loaded = keys.loaded(key)
    data: Json = {
        "domain": keys.domain,
        "selector": key.selector,
        "type": key.key_type.value,
        "state": key.state.value,
        "since": f"{key.changed_at:%Y-%m-%d %H:%M}",
        "record": {"name": record_name(loaded), "type": "TXT", "strings": list(record_strings(record_text(loaded)))},
        "zone_line": zone_line(loaded),
    }
    if key.state is KeyState.OLD:
        data["retire_from"] = f"{key.changed_at + OVERLAP:%Y-%m-%d %H:%M}"
    return {**data, "dns": look_up(loaded, resolver).value} if resolver else data


def print_keys(listed: Sequence[Json], *, records: Callable[[Json], bool]) -> None:
    """The keys as a table, below it the records of those that `records` picks."""
    checked = any("dns" in one for one in listed)
    table = Table(box=None, pad_edge=False)
    for column in (*COLUMNS, *(("DNS",) if checked else ())):
        table.add_column(column, overflow="fold")
    for one in listed:
        cells = [Text(str(one[column])) for column in COLUMNS]
        table.add_row(*cells, *((_dns_cell(one),) if checked else ()))
    out.print(table)
    print_records(one for one in listed if records(one))


def print_records(listed: Iterable[Json]) -> None:
    """The records to publish, each as a line of a zone file, which can be copied whole."""
    chosen = list(listed)
    if chosen:
        out.print("\n[bold]To publish:[/]")
    for one in chosen:
        out.print(Text(f"  {one['zone_line']}"), soft_wrap=True)


def _dns_cell(one: Json) -> Text:
    return Text(one["dns"], style=COLOURS[one["dns"]])
