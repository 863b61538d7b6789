"""The command line of `postern domains`."""

from __future__ import annotations

from typing import Annotated

import typer

from postern.model import Route
from postern.outgoing.target import TargetTls
from postern.policy_compiler import read_domain_row
from postern.recipients import RecipientCheck
from postern_cli.console import AsJson, Confirmed, err, fail, out, print_json
from postern_cli.directory.addresses import domain_key
from postern_cli.directory.presentation import print_rows
from postern_cli.options import with_service
from postern_cli.rows import Row
from postern_cli.service import Output, Service

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The domains that receive here.")

Domain = Annotated[str, typer.Argument(help="The domain, e.g. example.com.")]
COLUMNS = ("domain", "route", "target_host", "target_port", "target_tls", "recipient_check", "patterns", "note")
DEFAULTS = {"route": Route.MAILBOX.value, "recipient_check": RecipientCheck.TABLE.value}


@app.callback()
def domains() -> None:
    """The domains that receive here."""


@app.command()
@with_service
def add(  # noqa: PLR0913, PLR0917 - one parameter per option of the command line
    service: Service,
    domain: Domain,
    relay_to: Annotated[
        str | None, typer.Option(help="Its own server, HOST or HOST:PORT; else mail stays here.")
    ] = None,
    tls: Annotated[TargetTls, typer.Option(help="TLS towards that server.")] = TargetTls.OPPORTUNISTIC,
    user: Annotated[str, typer.Option(help="Log in there as this user.")] = "",
    secret: Annotated[str, typer.Option(help="The secret (name or ARN) that holds its password.")] = "",
    pattern: Annotated[
        list[str] | None, typer.Option(help="Local parts that exist, with * and ?, instead of accounts; several times.")
    ] = None,
    smtputf8: Annotated[bool, typer.Option("--smtputf8/--no-smtputf8", help="Whether that server takes it.")] = True,
    note: Annotated[str, typer.Option(help="For the next person.")] = "",
    as_json: AsJson = False,
) -> None:
    """Let a domain receive here, or change how it does.

    Examples:

      postern domains add example.com

      postern domains add example.net --relay-to mail.internal.example:2525 --tls verified --pattern '*'
    """
    row: Row = {"domain": domain_key(domain), "route": (Route.RELAY if relay_to else Route.MAILBOX).value}
    if relay_to:
        host, _, port = relay_to.partition(":")
        row |= {"target_host": host, "target_tls": tls.value}
        row |= {"target_port": port} if port else {}
        row |= {"target_user": user, "target_secret": secret} if user or secret else {}
        row |= {} if smtputf8 else {"takes_smtputf8": False}
    if pattern:
        row |= {"recipient_check": RecipientCheck.PATTERN.value, "patterns": pattern}
    row |= {"note": note} if note else {}
    read_domain_row(row)
    service.rows(Output.DOMAINS_TABLE).put(row)
    if as_json:
        print_json(row)
    else:
        out.print(f"{row['domain']} receives here, route {row['route']}")
        err.print(f"[dim]In force within a minute. What its DNS needs: postern dns check {row['domain']}[/]")


@app.command()
@with_service
def remove(service: Service, domain: Domain, *, yes: Confirmed = False, as_json: AsJson = False) -> None:
    """Stop receiving for a domain; its accounts, aliases and mail stay as they are."""
    name = domain_key(domain)
    if not yes:
        typer.confirm(f"Mail for {name} will be refused from then on. Go on?", abort=True, err=True)
    if not service.rows(Output.DOMAINS_TABLE).delete({"domain": name}):
        fail(f"{name} does not receive here", hint="postern domains show")
    if as_json:
        print_json({"domain": name, "removed": True})
    else:
        out.print(f"{name} no longer receives here")


@app.command()
@with_service
def show(service: Service, as_json: AsJson = False) -> None:
    """List the domains and where their mail goes."""
    rows = sorted(service.rows(Output.DOMAINS_TABLE).every(), key=lambda row: str(row["domain"]))
    shown = rows if as_json else [{**DEFAULTS, **row} for row in rows]
    print_rows(shown, COLUMNS, nothing="No domain receives here yet: postern domains add example.com", as_json=as_json)
