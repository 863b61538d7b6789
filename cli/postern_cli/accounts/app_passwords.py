"""The command line of `postern accounts app-password`: a password of its own for each program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from postern_cli.accounts.account_rows import change, existing, shown
from postern_cli.accounts.new_password import generated, hashed
from postern_cli.console import AsJson, err, fail, out, print_json
from postern_cli.directory.presentation import print_rows
from postern_cli.options import with_service
from postern_cli.service import Service

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Passwords for single programs.")

STARTS = 5
"""Characters of an app password by which it is told from the others; they are kept readable."""

Address = Annotated[str, typer.Argument(help="The account, e.g. ann@example.com.")]
Label = Annotated[str, typer.Argument(help="Which program, e.g. phone.")]


@app.callback()
def app_passwords() -> None:
    """Passwords for single programs: each can be taken away without changing the others."""


@app.command()
@with_service
def add(service: Service, address: Address, label: Label, as_json: AsJson = False) -> None:
    """Make an app password and print it, once. It is made by chance; there is no choosing one.

    Example:

      postern accounts app-password add ann@example.com phone
    """
    row = existing(service, address)
    stored = row.get("app_passwords") or {}
    if label in stored:
        fail(f"{row['address']} has an app password {label} already", hint="Remove it first, or take another label.")
    password = _unlike(stored)
    entry = {"password": hashed(password), "starts": password[:STARTS]}
    change(service, row, "app_passwords", {**stored, label: entry})
    if as_json:
        print_json({"address": row["address"], "label": label, "password": password})
    else:
        out.print(password, markup=False)
        err.print("[dim]It is not shown again. Logins with it count from now on.[/]")


@app.command("list")
@with_service
def list_(service: Service, address: Address, as_json: AsJson = False) -> None:
    """List the app passwords of an account, and when each was last used."""
    found = shown(existing(service, address)).get("app_passwords", {})
    rows = [{"label": label, "last_used": used} for label, used in found.items()]
    print_rows(rows, ("label", "last_used"), nothing="There are no app passwords.", as_json=as_json)


@app.command()
@with_service
def remove(service: Service, address: Address, label: Label, as_json: AsJson = False) -> None:
    """Take an app password away. Sessions that are logged in with it go on until they end."""
    row = existing(service, address)
    stored = row.get("app_passwords") or {}
    if label not in stored:
        fail(f"{row['address']} has no app password {label}", hint="postern accounts app-password list")
    change(service, row, "app_passwords", {name: entry for name, entry in stored.items() if name != label})
    if as_json:
        print_json({"address": row["address"], "label": label, "removed": True})
    else:
        out.print(f"{label} removed", markup=False)


def _unlike(stored: Mapping[str, object]) -> str:
    """A password that begins like none that there is."""
    taken = {entry.get("starts") for entry in stored.values() if isinstance(entry, Mapping)}
    while (password := generated())[:STARTS] in taken:
        continue
    return password
