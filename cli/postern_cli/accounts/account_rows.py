"""Rows of the table of accounts, changed one attribute at a time and only if the row can be used afterwards.

PolicyError    there is no such account, or the change would make its row one that nobody can log in with
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from postern.accounts import ANYBODY, AccountError, read_account
from postern.policy import PolicyError
from postern_cli.directory.addresses import address_key, domain_key
from postern_cli.rows import Row, plain
from postern_cli.service import Output, Service

HIDDEN = "set"
"""What is shown in place of a hash."""


def existing(service: Service, address: str) -> Row:
    """The row of an account, as it is stored. Raises `PolicyError`; may raise `Unavailable`."""
    key = address_key(address)
    row = service.rows(Output.ACCOUNTS_TABLE).as_stored({"address": key})
    if not row:
        raise PolicyError(f"{key} is no account; first: postern accounts add {key}")
    return row


def change(service: Service, row: Row, attribute: str, new: object) -> None:
    """Set an attribute of a row, or remove it (`None`). Raises `PolicyError`, `ChangedMeanwhile`, `Unavailable`."""
    require_usable({**row, attribute: new} if new is not None else without(row, attribute))
    key = {"address": str(row["address"])}
    service.rows(Output.ACCOUNTS_TABLE).replace(key, attribute, row.get(attribute), new)


def require_usable(row: Mapping[str, object]) -> None:
    """Raise `PolicyError` when nobody could log in with this row."""
    try:
        read_account(row)
    except AccountError as wrong:
        raise PolicyError(str(wrong)) from wrong


def without(row: Mapping[str, Any], attribute: str) -> Row:
    """A row without an attribute."""
    return {name: value for name, value in row.items() if name != attribute}


def identity_key(text: str) -> str:
    """An identity in its one spelling: an address, `*@example.com`, or `*`. Raises `PolicyError`."""
    if text.strip() == ANYBODY:
        return ANYBODY
    if text.startswith(f"{ANYBODY}@"):
        return f"{ANYBODY}@{domain_key(text[2:])}"
    return address_key(text)


def shown(row: Row) -> Row:
    """A row for people and machines: hashes are left out, what is wrong with it is said."""
    hidden = ("password", "app_passwords", "last_used")
    public = {name: value for name, value in plain(row).items() if name not in hidden}
    if row.get("password"):
        public["password"] = HIDDEN
    stored = row.get("app_passwords")
    if isinstance(stored, Mapping) and stored:
        used = row.get("last_used")
        public["app_passwords"] = {
            str(label): (used.get(label, "") if isinstance(used, Mapping) else "") for label in sorted(stored)
        }
    try:
        read_account(row)
    except AccountError as wrong:
        public["problem"] = str(wrong)
    return public
