"""What of `postern rules` changes a service: rule files of one's own, a stock set, a channel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from postern.rules.openpgp import SignatureError
from postern.rules.rule_set import RuleFile, RuleSet, RuleSetError, make_stock_set, own_problems, read_file
from postern_aws.rule_sets import NOTHING_PUBLISHED, S3RuleSets
from postern_cli.console import AsJson, Confirmed, ExitCode, err, fail, out, print_json, printable
from postern_cli.options import with_service
from postern_cli.rules.sources import RuleFilesError, read_paths
from postern_cli.service import Output, Service, ServiceNotFound

IN_FORCE = "In force within a minute."
Name = Annotated[str, typer.Argument(help="The name of a stored file, such as local.cf.")]


@with_service
def put(
    service: Service,
    file: Annotated[Path, typer.Argument(help="A rule file; it is stored by its name.")],
    even_so: Annotated[
        bool, typer.Option("--even-so", help="Store it although some of its rules are unusable.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a rule file of one's own in force, for all mail.

    It is read after the rules that come with Postern and after the stock set, so its rules and `score` lines take the
    place of theirs. A file with errors is not stored. Points per domain or mailbox are policy: `rules.scores`.

    Examples:

      postern rules put local.cf
    """
    store = _store(service)
    try:
        ((_, text),) = read_paths([file])
        made = read_file(file.name, text.encode("utf-8", "surrogateescape"))
    except (RuleFilesError, RuleSetError, ValueError) as wrong:
        fail(str(wrong), code=ExitCode.USAGE)
    current = (store.read() or NOTHING_PUBLISHED).rule_set
    problems = own_problems(_with(current, made), current.stock)
    mine = [problem for problem in problems if problem.place.file.endswith(f"/{made.name}")]
    for problem in mine:
        err.print(printable(str(problem)), soft_wrap=True)
    if mine and not even_so:
        fail(f"{file.name} was not stored", hint="Mend it, or store it with --even-so: its other rules work.")
    _told(service, store.put_own(made), as_json)


@with_service
def remove(service: Service, name: Name, as_json: AsJson = False) -> None:
    """Remove a rule file of one's own."""
    store = _store(service)
    known = [one.name for one in (store.read() or NOTHING_PUBLISHED).rule_set.own]
    if name not in known:
        fail(f"there is no rule file {name!r}", hint=f"Stored are: {', '.join(known) or 'none'}")
    _told(service, store.remove_own(name), as_json)


@with_service
def status(service: Service, as_json: AsJson = False) -> None:
    """Show what is in force beside the rules that come with Postern, and what of it cannot be used."""
    _show((_store(service).read() or NOTHING_PUBLISHED).rule_set, as_json)


@with_service
def install(
    service: Service,
    folder: Annotated[Path, typer.Argument(help="A folder of rule files, such as /usr/share/spamassassin.")],
    version: Annotated[str, typer.Option(help="What to call it.")] = "1",
    as_json: AsJson = False,
) -> None:
    """Put the rule files of a folder in force as the stock set, in place of the one before.

    Examples:

      postern rules install /usr/share/spamassassin --version 4.0.1
    """
    store = _store(service)
    try:
        files = [RuleFile(Path(name).name, text) for name, text in read_paths([folder])]
        stock = make_stock_set(folder.resolve().name, version, files)
    except (RuleFilesError, RuleSetError) as wrong:
        fail(str(wrong), code=ExitCode.USAGE)
    _told(service, store.install(stock), as_json)


@with_service
def uninstall(service: Service, yes: Confirmed = False, as_json: AsJson = False) -> None:
    """Go on without a stock set. `postern rules rollback` brings it back."""
    if not yes:
        typer.confirm("Go on without a stock set?", abort=True, err=True)
    _told(service, _store(service).drop_stock(), as_json)


@with_service
def rollback(service: Service, as_json: AsJson = False) -> None:
    """Put the stock set before the present one in force. The present one is not fetched again; a newer one is."""
    try:
        _told(service, _store(service).roll_back(), as_json)
    except RuleSetError as wrong:
        fail(str(wrong))


@with_service
def trust(
    service: Service,
    file: Annotated[Path, typer.Argument(help="A file of OpenPGP public keys.")],
    as_json: AsJson = False,
) -> None:
    """Store the keys by which a channel is signed, and show their fingerprints.

    A key counts once policy names its fingerprint:

      postern policy set rule_channel.fingerprints 0C2B1D7175B852C64B3CDC716C55397824F434CE

      postern policy set rule_channel.channel updates.spamassassin.org
    """
    try:
        found = _store(service).put_keys(file.read_bytes())
    except OSError as trouble:
        fail(f"cannot read {file}: {trouble.strerror}", code=ExitCode.USAGE)
    except SignatureError as wrong:
        fail(f"{file}: {wrong}", code=ExitCode.USAGE)
    if as_json:
        print_json({"fingerprints": list(found)})
        return
    for fingerprint in found:
        out.print(fingerprint)


@with_service
def update(service: Service, as_json: AsJson = False) -> None:
    """Fetch the channel that policy names now. The same happens twice a day by itself.

    The exit code is 1 when it could not be fetched or is not believed; what was in force stays so.
    """
    name = service.output(Output.UPDATE_RULES_FUNCTION)
    answer = service.make_client("lambda").invoke(FunctionName=name, Payload=b'{"only": "update"}')
    told: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        reason = told.get("errorMessage", "no reason given")
        fail(f"the update could not be done: {reason}", code=ExitCode.UNAVAILABLE)
    _ask_for_database(service)
    if as_json:
        print_json(told)
    else:
        stock = f"{told['stock']}, {told['rules']:,} rules" if told["stock"] else "no stock set"
        out.print(f"{told['outcome']}: {stock}", markup=False)
        if told["trouble"]:
            err.print(printable(told["trouble"]), style="red")
    raise typer.Exit(int(ExitCode.NOT_DONE if told["trouble"] else ExitCode.DONE))


def _store(service: Service) -> S3RuleSets:
    return S3RuleSets(service.s3, service.output(Output.MESSAGE_BUCKET))


def _with(current: RuleSet, made: RuleFile) -> list[RuleFile]:
    others = [one for one in current.own if one.name != made.name]
    return sorted([*others, made], key=lambda one: one.name)


def _told(service: Service, rule_set: RuleSet, as_json: bool) -> None:
    _ask_for_database(service)
    _show(rule_set, as_json)
    if not as_json:
        err.print(f"[dim]{IN_FORCE}[/]")


def _ask_for_database(service: Service) -> None:
    """Have the function make what runs the rules fast. They are in force already, whatever becomes of it."""
    try:
        service.make_client("lambda").invoke(
            FunctionName=service.output(Output.UPDATE_RULES_FUNCTION),
            InvocationType="Event",
            Payload=b'{"only": "database"}',
        )
    except (BotoCoreError, ClientError, ServiceNotFound):
        err.print("The rules run slowly until their database is made, within twelve hours.", style="dim")


def _show(rule_set: RuleSet, as_json: bool) -> None:
    stock = rule_set.stock
    if as_json:
        print_json(
            {
                "version": rule_set.version,
                "stock": stock.label if stock else None,
                "rules": stock.rules if stock else 0,
                "earlier": rule_set.earlier or None,
                "files": [one.name for one in rule_set.own],
                "problems": list(rule_set.problems),
                "trouble": rule_set.trouble,
                "database": rule_set.database.scanner if rule_set.database else None,
            }
        )
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_row("version", rule_set.version or "nothing is stored")
    table.add_row("stock set", f"{stock.label}, {stock.rules:,} rules" if stock else "none")
    if rule_set.earlier:
        table.add_row("before it", rule_set.earlier)
    table.add_row("own files", ", ".join(one.name for one in rule_set.own) or "none")
    if rule_set.files():
        table.add_row("database", rule_set.database.scanner if rule_set.database else "not made yet")
    if rule_set.trouble:
        table.add_row("last update", printable(rule_set.trouble))
    for problem in rule_set.problems:
        table.add_row("unusable", printable(problem))
    out.print(table)
