"""The command line of `postern aliases`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from postern.policy import PolicyError
from postern_aws.directory import MAX_TARGETS
from postern_cli.console import AsJson, fail, out, print_json
from postern_cli.directory.addresses import address_key, domain_key, require_domain
from postern_cli.directory.cycles import find_cycle
from postern_cli.directory.presentation import print_rows
from postern_cli.options import with_service
from postern_cli.rows import Row
from postern_cli.service import Output, Service

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Aliases, lists, domain aliases and catch-alls.")

Alias = Annotated[str, typer.Argument(help="The address, or @example.net for a whole domain.")]


@app.callback()
def aliases() -> None:
    """Aliases, lists, domain aliases and catch-alls: addresses that lead to other addresses here."""


@app.command()
@with_service
def add(
    service: Service,
    alias: Alias,
    targets: Annotated[list[str], typer.Argument(help="Where it leads: addresses here, or one @domain.")],
    note: Annotated[str, typer.Option(help="For the next person.")] = "",
    as_json: AsJson = False,
) -> None:
    """Let an address lead to others, or change where it leads. What would lead back to itself is refused.

    Examples:

      postern aliases add sales@example.com ann@example.com bob@example.com

      postern aliases add @example.net @example.com          every address, to the same one there

      postern aliases add @example.com ann@example.com       a catch-all
    """
    key = _key(alias)
    reached = [_key(target) for target in targets]
    _check(service, key, reached)
    row: Row = {"address": key, "targets": reached, **({"note": note} if note else {})}
    service.rows(Output.ALIASES_TABLE).put(row)
    if as_json:
        print_json(row)
    else:
        out.print(f"{key} leads to {', '.join(reached)}", markup=False)


@app.command()
@with_service
def remove(service: Service, alias: Alias, as_json: AsJson = False) -> None:
    """Remove an alias."""
    key = _key(alias)
    if not service.rows(Output.ALIASES_TABLE).delete({"address": key}):
        fail(f"{key} is no alias", hint="postern aliases show")
    if as_json:
        print_json({"address": key, "removed": True})
    else:
        out.print(f"{key} removed", markup=False)


@app.command()
@with_service
def show(service: Service, as_json: AsJson = False) -> None:
    """List the aliases and where they lead."""
    rows = sorted(service.rows(Output.ALIASES_TABLE).every(), key=lambda row: str(row["address"]))
    print_rows(rows, ("address", "targets", "note"), nothing="There are no aliases.", as_json=as_json)


def _key(text: str) -> str:
    return f"@{domain_key(text[1:])}" if text.startswith("@") else address_key(text)


def _check(service: Service, key: str, targets: list[str]) -> None:
    whole_domains = [target for target in targets if target.startswith("@")]
    if whole_domains and not (key.startswith("@") and len(targets) == 1):
        raise PolicyError(f"{whole_domains[0]}: a whole domain is the only target, and of a whole domain")
    if len(targets) > MAX_TARGETS:
        raise PolicyError(f"{key}: at most {MAX_TARGETS} targets")
    require_domain(service, key)
    for target in targets:
        _require_here(service, target)
    way = find_cycle(key, lambda address: _leads_to(service, address, {key: targets}))
    if way:
        raise PolicyError(f"this would lead in a circle: {' -> '.join(way)}")


def _require_here(service: Service, target: str) -> None:
    """Raise `PolicyError` for a target elsewhere: SPF would fail there without a rewritten sender (SRS)."""
    domain = target.rpartition("@")[2]
    if not service.rows(Output.DOMAINS_TABLE).get({"domain": domain}):
        raise PolicyError(
            f"{target}: {domain} does not receive here, and mail is not forwarded to other sites."
            f" If it is to receive here: postern domains add {domain}"
        )


def _leads_to(service: Service, address: str, new: Mapping[str, list[str]]) -> list[str]:
    """Where an address leads: by its own alias, or, when there is no such account, by that of its domain."""
    own = _targets(service, address, new)
    if own or address.startswith("@") or service.rows(Output.ACCOUNTS_TABLE).get({"address": address}):
        return own
    local_part, _, domain = address.rpartition("@")
    of_domain = _targets(service, f"@{domain}", new)
    return [f"{local_part}{target}" if target.startswith("@") else target for target in of_domain]


def _targets(service: Service, address: str, new: Mapping[str, list[str]]) -> list[str]:
    if address in new:
        return new[address]
    return [str(target) for target in service.rows(Output.ALIASES_TABLE).get({"address": address}).get("targets", [])]
