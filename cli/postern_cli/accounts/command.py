"""The command line of `postern accounts`."""

from __future__ import annotations

from typing import Annotated

import typer

from postern.accounts import read_account
from postern.policy import PolicyError
from postern_cli.accounts import app_passwords, freezing
from postern_cli.accounts.account_rows import change, existing, identity_key, require_usable, shown
from postern_cli.accounts.new_password import FromStdin, Generate, ask_password, hashed
from postern_cli.console import AsJson, err, fail, out, print_json
from postern_cli.directory.addresses import address_key, domain_key, require_domain
from postern_cli.directory.presentation import print_rows
from postern_cli.options import with_service
from postern_cli.rows import Row
from postern_cli.service import Output, Service

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The addresses that exist, and who may log in.")
app.add_typer(app_passwords.app, name="app-password")
app.command()(freezing.freeze)
app.command()(freezing.thaw)

Addresses = Annotated[list[str], typer.Argument(help="Addresses, e.g. ann@example.com.")]
Address = Annotated[str, typer.Argument(help="The account, e.g. ann@example.com.")]
Identity = Annotated[
    list[str] | None, typer.Option(help="It may send as this address too, *@domain or *; several times.")
]
LimitMessages = Annotated[int | None, typer.Option(min=0, help="Messages it may send in an hour.")]
LimitRecipients = Annotated[int | None, typer.Option(min=0, help="Recipients it may send to in an hour.")]
MINUTES = len("2026-11-22 18:00")
Note = Annotated[str, typer.Option(help="For the next person.")]


@app.callback()
def accounts() -> None:
    """The addresses that exist: mailboxes here, or in a relayed domain those its server knows; and who may log in."""


@app.command()
@with_service
def add(  # noqa: PLR0913, PLR0917 - one parameter per option of the command line
    service: Service,
    addresses: Addresses,
    password: Annotated[bool, typer.Option("--password", help="Ask for its password.")] = False,
    password_stdin: FromStdin = False,
    generate: Generate = False,
    identity: Identity = None,
    limit_messages: LimitMessages = None,
    limit_recipients: LimitRecipients = None,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Let addresses exist. One that exists already stays as it is. Without a password nobody logs in to it.

    Examples:

      postern accounts add ann@example.com bob@example.com

      postern accounts add carla@example.com --generate --identity sales@example.com
    """
    keys = [address_key(address) for address in addresses]
    for key in keys:
        require_domain(service, key)
    common: Row = {
        **({"identities": [identity_key(one) for one in identity]} if identity else {}),
        **({"limit_messages": limit_messages} if limit_messages is not None else {}),
        **({"limit_recipients": limit_recipients} if limit_recipients is not None else {}),
        **({"note": note} if note else {}),
    }
    with_password = password or password_stdin or generate
    if with_password and len(keys) > 1:
        raise PolicyError("a password is one account's: add accounts with passwords one by one")
    words = ask_password(from_stdin=password_stdin, generate=generate) if with_password else ""
    rows: list[Row] = [{"address": key, **common, **({"password": hashed(words)} if words else {})} for key in keys]
    done = _added(service, rows)
    made = {"password": words} if generate and all(done.values()) else {}
    if as_json:
        print_json([{"address": key, "added": added, **made} for key, added in done.items()])
        return
    for key, added in done.items():
        out.print(f"{key} {'added' if added else 'exists already, and stays as it is'}", markup=False)
    if not all(done.values()):
        err.print("To change it: postern accounts change, postern accounts passwd")
    for words in made.values():
        out.print(words, markup=False)


def _added(service: Service, rows: list[Row]) -> dict[str, bool]:
    for row in rows:
        require_usable(row)
    table = service.rows(Output.ACCOUNTS_TABLE)
    return {str(row["address"]): table.add(row, "address") for row in rows}


@app.command()
@with_service
def passwd(service: Service, address: Address, password_stdin: FromStdin = False, generate: Generate = False) -> None:
    """Set an account's password; asks for it twice. App passwords stay as they are.

    Examples:

      postern accounts passwd ann@example.com

      postern accounts passwd ann@example.com --generate
    """
    row = existing(service, address)
    words = ask_password(from_stdin=password_stdin, generate=generate)
    change(service, row, "password", hashed(words))
    out.print(words if generate else f"{row['address']} has a new password", markup=False)


@app.command("change")
@with_service
def change_(  # noqa: PLR0913, PLR0917 - one parameter per option of the command line
    service: Service,
    address: Address,
    identity: Identity = None,
    drop_identity: Annotated[list[str] | None, typer.Option(help="It may no longer send as this address.")] = None,
    limit_messages: LimitMessages = None,
    limit_recipients: LimitRecipients = None,
    no_limits: Annotated[bool, typer.Option("--no-limits", help="Leave its limits to policy.")] = False,
    note: Annotated[str | None, typer.Option(help="For the next person.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change as whom an account may send, or how much.

    Example:

      postern accounts change ann@example.com --identity sales@example.com --limit-messages 500
    """
    row = existing(service, address)
    require_usable(row)
    changes: Row = {}
    if identity or drop_identity:
        changes["identities"] = _identities(row, identity or [], drop_identity or []) or None
    limits: Row = {"limit_messages": limit_messages, "limit_recipients": limit_recipients}
    changes |= dict.fromkeys(limits) if no_limits else {name: one for name, one in limits.items() if one is not None}
    changes |= {} if note is None else {"note": note or None}
    for attribute, new in changes.items():
        if row.get(attribute) != new:
            change(service, row, attribute, new)
    _print_one(existing(service, address), as_json=as_json)


def _identities(row: Row, added: list[str], dropped: list[str]) -> list[str]:
    known = read_account(row).identities
    gone = {identity_key(one) for one in dropped}
    return [one for one in dict.fromkeys([*known, *map(identity_key, added)]) if one not in gone]


@app.command()
@with_service
def remove(service: Service, addresses: Addresses, as_json: AsJson = False) -> None:
    """Let addresses no longer exist; mail that was delivered stays where it is."""
    table = service.rows(Output.ACCOUNTS_TABLE)
    done = {key: table.delete({"address": key}) for key in map(address_key, addresses)}
    if as_json:
        print_json([{"address": key, "removed": removed} for key, removed in done.items()])
    for key, removed in () if as_json else done.items():
        out.print(f"{key} {'removed' if removed else 'is no account'}", markup=False)
    if not all(done.values()):
        fail("not every address was an account", hint="postern accounts show")


@app.command()
@with_service
def show(
    service: Service,
    which: Annotated[str | None, typer.Argument(help="One account, or only those of a domain.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the addresses that exist, or show one account. What makes a row useless for logging in is said."""
    if which and "@" in which:
        _print_one(existing(service, which), as_json=as_json)
        return
    ending = f"@{domain_key(which)}" if which else ""
    found = (row for row in service.rows(Output.ACCOUNTS_TABLE).every() if str(row["address"]).endswith(ending))
    rows = [_as_listed(shown(row), as_json=as_json) for row in sorted(found, key=lambda row: str(row["address"]))]
    columns = ("address", "password", "identities", "frozen_since", "note", "problem")
    used = [name for name in columns if name in ("address", "note") or any(name in row for row in rows)]
    print_rows(rows, used, nothing="There are no accounts.", as_json=as_json)


def _as_listed(row: Row, *, as_json: bool) -> Row:
    """For people, to the minute."""
    since = row.get("frozen_since")
    return row if as_json or not since else {**row, "frozen_since": str(since)[:MINUTES].replace("T", " ")}


def _print_one(row: Row, *, as_json: bool) -> None:
    public = shown(row)
    if as_json:
        print_json(public)
        return
    facts = [{"": name, "value": value} for name, value in public.items() if name != "app_passwords"]
    facts += [
        {"": f"app password {label}", "value": f"last used {used}" if used else "never used"}
        for label, used in public.get("app_passwords", {}).items()
    ]
    print_rows(facts, ("", "value"), nothing="", as_json=False)
