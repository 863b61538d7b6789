"""The command line of `postern backscatter`."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from postern.backscatter.domains import ProtectedDomain, SendingRoute
from postern.backscatter.keys import OVERLAP, BatvKey, KeyRing, KeyRingError
from postern.policy import Mode
from postern_aws.batv_keys import SecretKeyRing
from postern_cli.backscatter.protection import KEY, StoredProtection
from postern_cli.console import AsJson, Confirmed, err, fail, out, print_json
from postern_cli.directory.addresses import domain_key
from postern_cli.options import with_service
from postern_cli.rows import Rows
from postern_cli.service import Output, Service

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Refuse reports about mail we never sent.")

Domain = Annotated[str, typer.Argument(help="A domain, e.g. example.com.")]
SECRET_OCTETS = 32
CONDITION = "Does all outgoing mail of {domain} pass here? Reports about the rest will be refused"


@app.callback()
def backscatter() -> None:
    """Refuse reports about mail we never sent."""


@app.command()
@with_service
def show(service: Service, as_json: AsJson = False) -> None:
    """Show the protected domains, from when on unproven reports are refused, and the keys (never the secrets)."""
    _, stored = _stored(service)
    now, keys = datetime.now(UTC), _keys(service).read()
    wait = timedelta(days=stored.policy.wait_days)
    domains = [_domain_as_data(one, wait) for one in stored.policy.domains]
    listed = [_key_as_data(key, now) for key in keys.keys]
    if as_json:
        print_json({"mode": stored.policy.mode.value, "domains": domains, "keys": listed})
        return
    out.print(Text(f"mode {stored.policy.mode.value}"))
    out.print(_table(("domain", "route", "signs", "signing since", "enforced from"), domains))
    out.print(_table(("key", "created", "state"), listed))
    if stored.policy.mode is Mode.OFF and domains:
        err.print("[dim]Nothing is checked yet: postern policy set backscatter.mode enforce[/]")


@app.command()
@with_service
def protect(
    service: Service,
    domain: Domain,
    ses: Annotated[bool, typer.Option("--ses", help="Its mail leaves through Amazon SES.")] = False,
    sign: Annotated[bool, typer.Option("--sign/--no-sign", help="Tag outgoing mail, or only verify.")] = True,
    yes: Confirmed = False,
    as_json: AsJson = False,
) -> None:
    """Protect a domain: its outgoing mail is tagged from now on, and after seven days unproven reports count.

    It makes the first key when there is none. With `backscatter.mode` off nothing is checked; observe shows in the
    receipts what would be refused.
    """
    name = domain_key(domain)
    if not yes:
        typer.confirm(CONDITION.format(domain=name), abort=True, err=True)
    rows, stored = _stored(service)
    before = next((one for one in stored.policy.domains if one.domain == name), None)
    entry = ProtectedDomain(
        domain=name,
        signing_since=before.signing_since if before else f"{datetime.now(UTC):%Y-%m-%d}",
        route=SendingRoute.SES if ses else SendingRoute.DIRECT,
        sign=sign,
    )
    keys = _keys(service)
    if keys.read().signing_key() is None:
        keys.write(_rotated(keys.read()))
    stored.write(stored.with_domain(entry), rows)
    told = _domain_as_data(entry, timedelta(days=stored.policy.wait_days))
    if as_json:
        print_json(told)
    else:
        out.print(f"{name} is protected; unproven reports count from {told['enforced from']}", markup=False)


@app.command()
@with_service
def release(service: Service, domain: Domain, as_json: AsJson = False) -> None:
    """Protect a domain no longer. To stop only the signing: postern backscatter protect DOMAIN --no-sign."""
    rows, stored = _stored(service)
    name = domain_key(domain)
    stored.write(stored.without(name), rows)
    if as_json:
        print_json({"domain": name, "released": True})
    else:
        out.print(f"{name} is not protected any more", markup=False)


@app.command()
@with_service
def rotate(service: Service, as_json: AsJson = False) -> None:
    """Sign with a new key. Tags of the old one are believed for seven more days."""
    keys, now = _keys(service), datetime.now(UTC)
    ring = _rotated(keys.read())
    keys.write(ring)
    listed = [_key_as_data(key, now) for key in ring.keys]
    if as_json:
        print_json(listed)
    else:
        out.print(_table(("key", "created", "state"), listed))


def _stored(service: Service) -> tuple[Rows, StoredProtection]:
    rows = service.rows(Output.POLICY_TABLE)
    return rows, StoredProtection.of(rows.get(KEY))


def _keys(service: Service) -> SecretKeyRing:
    return SecretKeyRing(service.secrets, service.output(Output.BATV_SECRET_ARN))


def _rotated(ring: KeyRing) -> KeyRing:
    try:
        return ring.rotated(secrets.token_bytes(SECRET_OCTETS), datetime.now(UTC))
    except KeyRingError as wrong:
        fail(str(wrong))


def _domain_as_data(one: ProtectedDomain, wait: timedelta) -> dict[str, Any]:
    return {
        "domain": one.domain,
        "route": one.route.value,
        "signs": one.sign,
        "signing since": one.signing_since,
        "enforced from": f"{one.enforced_from(wait):%Y-%m-%d}",
    }


def _key_as_data(key: BatvKey, now: datetime) -> dict[str, Any]:
    state = "signs"
    if key.retired_at is not None:
        until = f"{key.retired_at + OVERLAP:%Y-%m-%d %H:%M}"
        state = f"believed until {until}" if key.is_believed(now) else "over"
    return {"key": key.key_id, "created": f"{key.created_at:%Y-%m-%d %H:%M}", "state": state}


def _table(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(row[column])) for column in columns))
    return table
