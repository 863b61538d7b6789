"""The command line of `postern policy`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from postern.policy import PolicyError
from postern.policy_book import GLOBAL_SCOPE
from postern_cli.console import AsJson, ExitCode, err, fail, out, print_json
from postern_cli.options import with_service
from postern_cli.policy.checking import Trouble, troubles_of_file, troubles_of_tables
from postern_cli.policy.editing import Change, change_to
from postern_cli.policy.effective import InForce, Stored, in_force, scopes_above
from postern_cli.policy.presentation import changed_line, settings_table, told, troubles_table
from postern_cli.policy.reference import reference as written_reference
from postern_cli.policy.settings import settings_of
from postern_cli.service import Output, Service

app = typer.Typer(no_args_is_help=True, add_completion=False, help="See and change what the service does with mail.")

ScopeOption = Annotated[
    str, typer.Option(help="Where it counts: global, domain:example.com or mailbox:ann@example.com.")
]
Key = Annotated[str, typer.Argument(help="Section and setting, e.g. spam_filter.refuse_at or spf.scores.SPF_FAIL.")]


@app.callback()
def policy() -> None:
    """See and change what the service does with mail."""


@app.command()
@with_service
def show(
    service: Service,
    section: Annotated[str | None, typer.Argument(help="One section, e.g. dmarc.")] = None,
    scope: ScopeOption = GLOBAL_SCOPE,
    changed: Annotated[bool, typer.Option("--changed", help="Only what differs from the defaults.")] = False,
    defaults: Annotated[bool, typer.Option("--defaults", help="Only the defaults; no service is asked.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every setting: the value in force, where it comes from, and what it means.

    Examples:

      postern policy show spam_filter

      postern policy show --scope mailbox:ann@example.com --changed
    """
    if section is not None:
        settings_of(section)
    stored = {} if defaults else _stored(service, scopes_above(scope))
    shown = _wanted(in_force(stored, scope), section, changed=changed)
    if as_json:
        print_json([told(one) for one in shown])
    else:
        out.print(settings_table(shown, scope))


@app.command("set", context_settings={"ignore_unknown_options": True})  # -1.5 is a value, not an option
@with_service
def set_(
    service: Service,
    key: Key,
    value: Annotated[str, typer.Argument(help="The value; lists separated by commas or as JSON.")],
    scope: ScopeOption = GLOBAL_SCOPE,
    as_json: AsJson = False,
) -> None:
    """Set one setting, after checking it; in force within a minute.

    Examples:

      postern policy set spam_filter.refuse_at 15 --scope domain:example.com

      postern policy set site.trusted_networks 192.0.2.0/24,2001:db8::/32

      postern policy set spf.scores.SPF_FAIL 4.5
    """
    _change(service, scope, key, value, as_json=as_json)


@app.command()
@with_service
def unset(service: Service, key: Key, scope: ScopeOption = GLOBAL_SCOPE, as_json: AsJson = False) -> None:
    """Take a setting away, so that the wider scope's value or the default counts again."""
    _change(service, scope, key, None, as_json=as_json)


@app.command()
@with_service
def check(
    service: Service,
    file: Annotated[
        Path | None, typer.Argument(help="Check sections in this JSON file, {section: {setting: value}}.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with the stored policy, domains and sender lists; with a file no service is asked.

    A row that cannot be used keeps its last good value until it is mended. The exit code is 0 when nothing is wrong.
    """
    troubles = troubles_of_file(_read_file(file)) if file else troubles_of_tables(service)
    if as_json:
        print_json([{"row": one.row, "problem": one.text} for one in troubles])
    else:
        _print_troubles(troubles)
    raise typer.Exit(int(ExitCode.NOT_DONE if troubles else ExitCode.DONE))


@app.command()
def reference() -> None:
    """Write the reference of all sections and settings (docs/policy.md) to standard output."""
    typer.echo(written_reference(), nl=False)


def _stored(service: Service, scopes: Iterable[str]) -> Stored:
    rows = service.rows(Output.POLICY_TABLE)
    return {scope: {str(row["section"]): row for row in rows.of("scope", scope)} for scope in scopes}


def _wanted(every: Iterable[InForce], section: str | None, *, changed: bool) -> list[InForce]:
    return [
        one for one in every if (section is None or one.setting.section == section) and not (changed and one.is_default)
    ]


def _change(service: Service, scope: str, key: str, value: str | None, *, as_json: bool) -> None:
    rows = service.rows(Output.POLICY_TABLE)
    section = key.partition(".")[0]
    change = change_to(rows.get({"scope": scope, "section": section}), scope, key, value)
    change.write(rows)
    if as_json:
        print_json({"scope": scope, "key": f"{section}.{change.attribute}", "old": change.old, "new": change.new})
    else:
        _print_change(change)


def _print_change(change: Change) -> None:
    out.print(changed_line(change))
    err.print("[dim]In force within a minute. `postern policy show` says what counts.[/]")


def _read_file(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as trouble:
        fail(f"cannot read {path}: {trouble.strerror}", code=ExitCode.USAGE)
    except (ValueError, RecursionError) as wrong:
        raise PolicyError(f"{path} is no JSON file: {wrong}") from wrong


def _print_troubles(troubles: list[Trouble]) -> None:
    if troubles:
        out.print(troubles_table(troubles))
    else:
        out.print("[green]Nothing is wrong.[/]")
