"""The command line of `postern dkim`."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from postern.dkim.algorithms import KeyType
from postern.dkim.key_set import DkimKey, KeySet, KeySetError, KeyState
from postern.dkim.publication import Published, look_up
from postern.ports import Resolver
from postern_aws.dkim_keys import DkimSecrets
from postern_aws.key_making import RSA_BITS, new_private_key
from postern_cli.console import AsJson, ExitCode, err, fail, out, print_json
from postern_cli.directory.addresses import domain_key
from postern_cli.dkim.presentation import Json, key_as_data, print_keys, print_records
from postern_cli.dns.command import resolver_of
from postern_cli.options import with_service
from postern_cli.service import Output, Service

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Keys that outgoing mail is signed with.")

P = ParamSpec("P")
Domain = Annotated[str, typer.Argument(help="A domain, e.g. example.com.")]
ZoneFile = Annotated[Path | None, typer.Option("--zone", help="Answer from this zone file (JSON) instead of the DNS.")]
NOT_YET = "Publish the record, then: postern dkim rotate {domain}"


def _explained(command: Callable[P, None]) -> Callable[P, None]:
    """What cannot be done with a domain's keys ends the command with the reason."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except KeySetError as wrong:
            fail(str(wrong), code=ExitCode.USAGE)

    return run


@app.callback()
def dkim() -> None:
    """Keys that outgoing mail is signed with."""


@app.command()
@with_service
@_explained
def keygen(
    service: Service,
    domain: Domain,
    selector: Annotated[str | None, typer.Option(help="Its selector; by default made of the date.")] = None,
    ed25519: Annotated[bool, typer.Option("--ed25519", help="An Ed25519 key, to sign beside the RSA key.")] = False,
    bits: Annotated[int, typer.Option(min=2048, max=4096, help="Length of an RSA key.")] = RSA_BITS,
    as_json: AsJson = False,
) -> None:
    """Make a key, and print the record to publish. It signs nothing before `postern dkim rotate` has seen the record.

    Examples:

      postern dkim keygen example.com

      postern dkim keygen example.com --ed25519
    """
    secrets, name = DkimSecrets(service.secrets), domain_key(domain)
    kind = KeyType.ED25519 if ed25519 else KeyType.RSA
    keys = _with_new(secrets.read(name), kind, selector, bits)
    secrets.write(keys)
    _tell_new(keys, keys.keys[:1], as_json=as_json)
    if not service.rows(Output.DOMAINS_TABLE).get({"domain": name}):
        err.print(f"{name} is no domain of yours yet: postern domains add {name}, or name it as signing_domain")


@app.command()
@with_service
@_explained
def show(
    service: Service,
    domain: Annotated[str | None, typer.Argument(help="A domain; without it all that have keys.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Ask the DNS whether the records are published.")] = False,
    zone: ZoneFile = None,
    as_json: AsJson = False,
) -> None:
    """Show keys and their records, never the private keys. With --check the exit code is 1 when a record is amiss."""
    secrets = DkimSecrets(service.secrets)
    names = [domain_key(domain)] if domain else sorted(secrets.domains())
    resolver = resolver_of(zone) if check else None
    listed = [key_as_data(keys, key, resolver) for keys in map(secrets.read, names) for key in keys.keys]
    if as_json:
        print_json(listed)
    elif listed:
        print_keys(listed, records=lambda one: domain is not None and one["state"] != KeyState.OLD.value)
    else:
        out.print("There are no keys. postern dkim keygen DOMAIN makes one.")
    wrong = [one for one in listed if one.get("dns", Published.YES.value) != Published.YES.value]
    raise typer.Exit(int(ExitCode.NOT_DONE if wrong else ExitCode.DONE))


@app.command()
@with_service
@_explained
def rotate(
    service: Service,
    domain: Domain,
    force: Annotated[bool, typer.Option("--force", help="Switch without having seen the record.")] = False,
    zone: ZoneFile = None,
    as_json: AsJson = False,
) -> None:
    """Let the keys that wait sign, once their records are seen. When none waits, make the next ones.

    So a rotation is: rotate (makes a key), publish its record, rotate again (signs with it), and some days later
    retire the old one.
    """
    secrets, name = DkimSecrets(service.secrets), domain_key(domain)
    keys = secrets.read(name)
    if not keys.waiting():
        _make_next(secrets, keys, as_json=as_json)
        return
    seen = dict(_seen(keys, resolver_of(zone), force=force))
    for key in keys.waiting():
        keys = keys.switched_to(key.selector, datetime.now(UTC)) if seen[key.selector] else keys
    if any(seen.values()):
        secrets.write(keys)
    listed = [key_as_data(keys, key) for key in keys.keys]
    if as_json:
        print_json(listed)
    else:
        print_keys(listed, records=lambda one: one["state"] == KeyState.WAITING.value)
    if not all(seen.values()):
        err.print("[dim]The record is not seen yet; name servers may remember its absence for an hour.[/]")
        raise typer.Exit(int(ExitCode.NOT_DONE))


@app.command()
@with_service
@_explained
def retire(
    service: Service,
    domain: Domain,
    selector: Annotated[str, typer.Argument(help="The key's selector.")],
    force: Annotated[bool, typer.Option("--force", help="Though it signs, or did within seven days.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a key for good. Take its record out of the DNS as well, or publish it with an empty p=."""
    secrets, name = DkimSecrets(service.secrets), domain_key(domain)
    keys = secrets.read(name)
    record = key_as_data(keys, keys.find(selector))["record"]["name"]
    secrets.write(keys.without(selector, datetime.now(UTC), force=force))
    if as_json:
        print_json({"domain": name, "selector": selector, "retired": True})
    else:
        out.print(f"{selector} of {name} is retired. Remove the record {record} now.", markup=False)


def _with_new(keys: KeySet, kind: KeyType, selector: str | None = None, bits: int = RSA_BITS) -> KeySet:
    now = datetime.now(UTC)
    return keys.with_new(selector or _free_selector(keys, kind, now), new_private_key(kind, bits), kind, now)


def _free_selector(keys: KeySet, kind: KeyType, now: datetime) -> str:
    """`r20261122`, and `r20261122b` for the second of a day."""
    taken = {key.selector for key in keys.keys}
    names = (f"{kind.value[0]}{now:%Y%m%d}{letter}" for letter in ("", *string.ascii_lowercase[1:]))
    return next(name for name in names if name not in taken)


def _make_next(secrets: DkimSecrets, keys: KeySet, *, as_json: bool) -> None:
    kinds = [key.key_type for key in keys.keys if key.state is KeyState.SIGNING]
    if not kinds:
        raise KeySetError(f"{keys.domain} has no key to rotate; postern dkim keygen {keys.domain} makes the first")
    for kind in kinds:
        keys = _with_new(keys, kind)
    secrets.write(keys)
    _tell_new(keys, keys.keys[: len(kinds)], as_json=as_json)


def _tell_new(keys: KeySet, made: tuple[DkimKey, ...], *, as_json: bool) -> None:
    listed: list[Json] = [key_as_data(keys, key) for key in made]
    if as_json:
        print_json(listed)
        return
    for one in listed:
        out.print(f"Made the {one['type']} key {one['selector']} of {keys.domain}; it waits.", markup=False)
    print_records(listed)
    err.print(f"[dim]{NOT_YET.format(domain=keys.domain)}[/]")


def _seen(keys: KeySet, resolver: Resolver, *, force: bool) -> Iterator[tuple[str, bool]]:
    """Whether the record of each waiting key is there, or does not matter."""
    for key in keys.waiting():
        yield key.selector, force or look_up(keys.loaded(key), resolver) is Published.YES
