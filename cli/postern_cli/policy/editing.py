"""One setting changed: from the text of a command line to the row in the table of policies.

PolicyError    the value or the scope is not right; the text says what would be
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_origin

from postern.model import Points
from postern.policy import PolicyError, Scope
from postern.policy_book import check_section, read_scope
from postern.policy_compiler import NOTE
from postern_cli.policy.settings import Setting, is_map, setting_of
from postern_cli.rows import Row, Rows

KEYS = ("scope", "section")
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Change:
    """What a row's attribute was and is to be; `None` for not set."""

    scope: str
    section: str
    attribute: str
    old: object
    new: object

    def write(self, rows: Rows) -> None:
        """Carry it out. Raises `ChangedMeanwhile`, `Unavailable`."""
        rows.replace({"scope": self.scope, "section": self.section}, self.attribute, self.old, self.new)


def change_to(row: Row, scope: str, key: str, text: str | None) -> Change:
    """The change that sets the setting `key` to what `text` says, or takes it away for `None`.

    `row` is what is stored now. The section as a whole must be right afterwards. Raises `PolicyError`.
    """
    setting, entry = setting_of(key)
    _check_scope(setting, read_scope(scope))
    old = row.get(setting.name)
    value = None if text is None else read_text(text, Points if entry else setting.hint)
    new = _with_entry(old, entry, value) if entry else value
    section = {name: kept for name, kept in row.items() if name not in (*KEYS, NOTE, setting.name)}
    if new is not None:
        section[setting.name] = new
    check_section(scope, setting.section, section)
    return Change(scope, setting.section, setting.name, old, new)


def read_text(text: str, hint: Any) -> Any:
    """A value as it is stored, from what was typed. Whether it is in bounds is the section's business."""
    if get_origin(hint) is tuple:
        return _read_list(text)
    if is_map(hint):
        return _read_json(text, 'a JSON object such as {"SPF_FAIL": 4}')
    if hint is bool:
        return _FLAGS.get(text.strip().lower(), text)
    if hint in (int, Points) and _NUMBER.fullmatch(text.strip()):
        return float(text) if "." in text else int(text)
    return text


def _read_list(text: str) -> Any:
    if text.lstrip().startswith("["):
        return _read_json(text, 'a JSON list such as ["192.0.2.0/24"]')
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _read_json(text: str, wanted: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise PolicyError(f"expected {wanted}, found {text!r}") from wrong


def _with_entry(old: object, entry: str, value: object) -> dict[str, object] | None:
    """The map `old` with one entry set or taken away; `None` when nothing is left of it."""
    entries = dict(old) if isinstance(old, Mapping) else {}
    if value is None:
        entries.pop(entry, None)
    else:
        entries[entry] = value
    return entries or None


def _check_scope(setting: Setting, scope: Scope) -> None:
    if scope not in setting.scopes:
        allowed = " or ".join(setting.scopes)
        raise PolicyError(f"{setting.key}: cannot be set per {scope}; it can be set at: {allowed}")
