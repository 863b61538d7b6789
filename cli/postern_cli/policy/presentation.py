"""Settings on a terminal and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from postern_cli.policy.checking import Trouble
from postern_cli.policy.editing import Change
from postern_cli.policy.effective import InForce
from postern_cli.policy.settings import title_of


def told(one: InForce) -> dict[str, Any]:
    """A setting in force, as JSON data."""
    setting = one.setting
    return {
        "key": setting.key,
        "value": one.value,
        "from": one.origin,
        "default": setting.default,
        "kind": setting.kind,
        "scopes": list(setting.scopes),
        "doc": setting.doc,
    }


def settings_table(shown: Iterable[InForce], scope: str) -> RenderableType:
    """A table per section; what somebody set stands out."""
    sections = [_section(name, list(group)) for name, group in groupby(shown, key=lambda one: one.setting.section)]
    if not sections:
        return Text(f"Nothing at {scope} differs from the defaults.")
    return Group(*sections)


def troubles_table(troubles: Iterable[Trouble]) -> Table:
    """A row per trouble."""
    table = Table(box=None, pad_edge=False)
    table.add_column("row", style="bold", overflow="fold")
    table.add_column("what is wrong", overflow="fold")
    for trouble in troubles:
        table.add_row(Text(trouble.row), Text(trouble.text))
    return table


def changed_line(change: Change) -> Text:
    """What was changed, on one line."""
    name = f"{change.section}.{change.attribute} at {change.scope}"
    return Text.assemble((f"{name}: ", "bold"), value_text(change.old), " → ", (value_text(change.new), "bold green"))


def value_text(value: object) -> str:
    """A value as people would type it."""
    if value is None:
        return "(not set)"
    if isinstance(value, str):
        return value or '""'
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return ", ".join(value) or "(none)"
    return "(none)" if value == {} else json.dumps(value, ensure_ascii=False)


def _section(name: str, settings: list[InForce]) -> Table:
    title = f"\n{name}: {title_of(name)}"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("setting", "value", "from", "what it means"):
        table.add_column(column, overflow="fold")
    for one in settings:
        style = "dim" if one.is_default else "bold yellow"
        meaning = Text(f"{one.setting.doc} ({one.setting.kind})")
        table.add_row(one.setting.name, Text(value_text(one.value)), Text(one.origin, style=style), meaning)
    return table
