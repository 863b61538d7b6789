"""The command line of `postern accounts`."""

from __future__ import annotations

from typing import Annotated

import typer

from postern_cli.console import AsJson, fail, out, print_json
from postern_cli.directory.addresses import address_key, domain_key, require_domain
from postern_cli.directory.presentation import print_rows
from postern_cli.options import with_service
from postern_cli.rows import Row
from postern_cli.service import Output, Service

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The addresses that exist.")

Addresses = Annotated[list[str], typer.Argument(help="Addresses, e.g. ann@example.com.")]


@app.callback()
def accounts() -> None:
    """The addresses that exist: mailboxes here, or in a relayed domain the addresses its server knows."""


@app.command()
@with_service
def add(
    service: Service,
    addresses: Addresses,
    note: Annotated[str, typer.Option(help="For the next person.")] = "",
    as_json: AsJson = False,
) -> None:
    """Let addresses exist. An address that exists already stays as it is.

    Example:

      postern accounts add ann@example.com bob@example.com
    """
    keys = [address_key(address) for address in addresses]
    for key in keys:
        require_domain(service, key)
    table = service.rows(Output.ACCOUNTS_TABLE)
    rows: list[Row] = [{"address": key, **({"note": note} if note else {})} for key in keys]
    done = {str(row["address"]): table.add(row, "address") for row in rows}
    if as_json:
        print_json([{"address": key, "added": added} for key, added in done.items()])
        return
    for key, added in done.items():
        out.print(f"{key} {'added' if added else 'exists already'}", markup=False)


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
    domain: Annotated[str | None, typer.Argument(help="Only addresses of this domain.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the addresses that exist."""
    ending = f"@{domain_key(domain)}" if domain else ""
    found = (row for row in service.rows(Output.ACCOUNTS_TABLE).every() if str(row["address"]).endswith(ending))
    rows = sorted(found, key=lambda row: str(row["address"]))
    print_rows(rows, ("address", "note"), nothing="There are no accounts.", as_json=as_json)
