"""The command line of `postern shield`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from postern.checks.ip_shield import ShieldEntry
from postern.policy import PolicyError
from postern_cli.console import AsJson, err, out, print_json
from postern_cli.options import with_service
from postern_cli.rows import Rows
from postern_cli.service import Output, Service
from postern_cli.shield.entries import KEY, StoredShield, read_domain, read_network

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Say which addresses a domain may send from.")

Domain = Annotated[str, typer.Argument(help="example.com, *.example.com for those below it, or @local for our own.")]
IN_FORCE = "[dim]In force within a minute.[/]"


@app.callback()
def shield() -> None:
    """Say which addresses a domain may send from."""


@app.command()
@with_service
def add(
    service: Service,
    domain: Domain,
    networks: Annotated[list[str], typer.Argument(help="Addresses and networks that may use it, e.g. 192.0.2.0/24.")],
    enforce: Annotated[
        bool | None,
        typer.Option(
            "--enforce/--score", help="Refuse what comes from elsewhere, or only score it. [as it was; score]"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Shield a domain, or add networks to one that is shielded.

    What proves by SPF or DKIM that the domain sent it is honoured from anywhere.

    Examples:

      postern shield add partner.example 198.51.100.0/24

      postern shield add @local 192.0.2.10 --enforce
    """
    rows, stored = _stored(service)
    name, wanted = read_domain(domain), [read_network(text) for text in networks]
    before = stored.of_domain(name) or ShieldEntry(domain=name)
    entry = ShieldEntry(
        domain=name,
        networks=tuple(dict.fromkeys((*before.networks, *wanted))),
        enforce=before.enforce if enforce is None else enforce,
    )
    stored.write(stored.with_entry(entry), rows)
    _tell(entry, as_json=as_json)


@app.command()
@with_service
def remove(
    service: Service,
    domain: Domain,
    networks: Annotated[list[str] | None, typer.Argument(help="Only these networks; without any, the domain.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take networks away from a shielded domain, or its shield altogether."""
    rows, stored = _stored(service)
    name = read_domain(domain)
    entry = _without_networks(stored, name, {read_network(text) for text in networks or []})
    stored.write(stored.without(name) if entry is None else stored.with_entry(entry), rows)
    if entry is not None:
        _tell(entry, as_json=as_json)
    elif as_json:
        print_json({"domain": name, "removed": True})
    else:
        out.print(f"{name} is not shielded any more", markup=False)
        err.print(IN_FORCE)


@app.command()
@with_service
def show(service: Service, as_json: AsJson = False) -> None:
    """Show the shielded domains and where they may come from."""
    _, stored = _stored(service)
    if as_json:
        print_json([_as_data(one) for one in stored.entries])
    elif stored.entries:
        out.print(_table(stored.entries))
    else:
        out.print("No domain is shielded.")


def _stored(service: Service) -> tuple[Rows, StoredShield]:
    rows = service.rows(Output.POLICY_TABLE)
    return rows, StoredShield.of(rows.get(KEY))


def _without_networks(stored: StoredShield, domain: str, networks: set[str]) -> ShieldEntry | None:
    """What is left of an entry; `None` when all of it shall go. Raises `PolicyError`."""
    entry = stored.of_domain(domain)
    if entry is None or not networks:
        return None
    kept = tuple(one for one in entry.networks if read_network(one) not in networks)
    if len(kept) == len(entry.networks):
        raise PolicyError(f"{domain} is not shielded for {', '.join(sorted(networks))}")
    if not kept:
        raise PolicyError(
            f"nothing could send as {domain} any more; to lift the shield: postern shield remove {domain}"
        )
    return ShieldEntry(domain=domain, networks=kept, enforce=entry.enforce)


def _tell(entry: ShieldEntry, *, as_json: bool) -> None:
    if as_json:
        print_json(_as_data(entry))
        return
    consequence = "anything else is refused" if entry.enforce else "anything else is scored"
    out.print(f"{entry.domain} is honoured from {', '.join(entry.networks)}; {consequence}", markup=False)
    err.print(IN_FORCE)


def _as_data(entry: ShieldEntry) -> dict[str, Any]:
    return {**asdict(entry), "networks": list(entry.networks)}


def _table(entries: Iterable[ShieldEntry]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("domain", "elsewhere", "honoured from"):
        table.add_column(column, overflow="fold")
    for one in entries:
        action = Text("refused", style="red") if one.enforce else Text("scored", style="yellow")
        table.add_row(Text(one.domain), action, Text(", ".join(one.networks)))
    return table
