"""The command line of `postern lists`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from postern.correspondents import known_as
from postern.disposition import points_text
from postern.policy import PolicyError
from postern.policy_book import GLOBAL_SCOPE, read_scope
from postern.ports import Correspondence
from postern.sender_list_entry import ListAction, SenderListEntry, canonical_pattern, read_entry
from postern_aws.correspondents import DynamoCorrespondents
from postern_cli.console import AsJson, err, fail, out, print_json, printable
from postern_cli.directory.addresses import address_key
from postern_cli.lists.address_book import read_addresses
from postern_cli.options import with_service
from postern_cli.rows import Row
from postern_cli.service import Output, Service

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Block, allow or refuse senders.")

ScopeOption = Annotated[str, typer.Option(help="For whom: global, domain:example.com or mailbox:ann@example.com.")]
Action = Annotated[ListAction, typer.Argument(help="What to do with such mail.")]
Pattern = Annotated[str, typer.Argument(help="ann@example.com, *@example.com, *.example.com or 192.0.2.0/24.")]

COLOURS = {ListAction.ALLOW: "green", ListAction.BLOCK: "yellow", ListAction.REFUSE: "red"}
_PERIOD = re.compile(r"(\d{1,5})\s*([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@app.callback()
def lists() -> None:
    """Block, allow or refuse senders."""


@app.command()
@with_service
def add(  # noqa: PLR0913, PLR0917 - one parameter per option of the command line
    service: Service,
    action: Action,
    pattern: Pattern,
    scope: ScopeOption = GLOBAL_SCOPE,
    points: Annotated[float | None, typer.Option(help="Points in place of the usual 100.")] = None,
    note: Annotated[str, typer.Option(help="Why, for the next person.")] = "",
    expires: Annotated[str | None, typer.Option(help="When it ends: 12h, 30d, 8w or 2026-12-31.")] = None,
    needs_proof: Annotated[
        bool, typer.Option("--needs-proof/--no-proof", help="Whether allowing needs a DMARC or SPF pass.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Add an entry, or change the one that is there.

    block adds 100 points and can be offset by allow, which takes 100 away once the sender is proven; refuse is final.

    Examples:

      postern lists add block '*@spam.example' --note "newsletter nobody ordered"

      postern lists add allow partner@example.net --scope mailbox:ann@example.com

      postern lists add refuse 203.0.113.0/24 --expires 30d
    """
    read_scope(scope)
    row: Row = {"scope": scope, "entry": f"{action.value}#{canonical_pattern(pattern)}"}
    given = {"points": points, "note": note or None, "expires_at": _expiry(expires)}
    row |= {name: value for name, value in given.items() if value is not None}
    row |= {} if needs_proof else {"needs_proof": False}
    entry = read_entry(row)
    service.rows(Output.SENDER_LISTS_TABLE).put(row)
    if as_json:
        print_json(row)
    else:
        out.print(f"{entry.action.value} {entry.pattern} at {entry.scope}", markup=False)
        err.print("[dim]In force within a minute.[/]")


@app.command()
@with_service
def remove(
    service: Service, action: Action, pattern: Pattern, scope: ScopeOption = GLOBAL_SCOPE, as_json: AsJson = False
) -> None:
    """Remove an entry."""
    entry = f"{action.value}#{canonical_pattern(pattern)}"
    if not service.rows(Output.SENDER_LISTS_TABLE).delete({"scope": scope, "entry": entry}):
        fail(f"there is no entry {entry!r} at {scope}", hint="postern lists show lists what there is.")
    if as_json:
        print_json({"scope": scope, "entry": entry, "removed": True})
    else:
        out.print(f"removed {entry} at {scope}", markup=False)


@app.command()
@with_service
def show(
    service: Service,
    scope: Annotated[str | None, typer.Option(help="Only entries of this scope.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the entries, with notes and expiry."""
    table = service.rows(Output.SENDER_LISTS_TABLE)
    found = table.every() if scope is None else table.of("scope", scope)
    rows = sorted(found, key=lambda row: (str(row.get("scope")), str(row.get("entry"))))
    if as_json:
        print_json(rows)
    elif rows:
        out.print(_table(rows))
    else:
        out.print("The lists are empty.")


@app.command("import")
@with_service
def import_(
    service: Service,
    file: Annotated[Path, typer.Argument(help="A file with addresses, one or several a line; - for standard input.")],
    mailbox: Annotated[str, typer.Option(help="Whose correspondents they are, e.g. ann@example.com.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="For how long they are known.")] = 180,
    as_json: AsJson = False,
) -> None:
    """Make addresses known correspondents of a mailbox, as if it had written to them.

    What they send gets a little credit and is not greylisted, once DMARC or SPF proves that it is theirs. Sent mail
    teaches the same by itself.

    Examples:

      postern lists import address-book.txt --mailbox ann@example.com
    """
    read = read_addresses(file)
    address = address_key(mailbox)
    expires_at = datetime.now(UTC) + timedelta(days=days)
    known = [Correspondence(address, one, expires_at) for one in read.addresses]
    DynamoCorrespondents(service.dynamodb, service.output(Output.CORRESPONDENTS_TABLE)).remember(known)
    if as_json:
        print_json({"mailbox": address, "imported": len(known), "unusable": list(read.unusable)})
        return
    out.print(f"{len(known)} correspondents of {address}, for {days} days", markup=False)
    for line in read.unusable:
        err.print(Text("no address: ", style="yellow").append_text(printable(line)))


@app.command()
@with_service
def known(
    service: Service,
    mailbox: Annotated[str, typer.Argument(help="A mailbox, e.g. ann@example.com.")],
    forget: Annotated[str | None, typer.Option(help="Forget this address.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the known correspondents of a mailbox, or forget one."""
    rows, address = service.rows(Output.CORRESPONDENTS_TABLE), address_key(mailbox)
    if forget is not None and not rows.delete({"mailbox": address, "address": known_as(forget)}):
        fail(f"{forget} is no known correspondent of {address}")
    now = datetime.now(UTC).timestamp()
    found = [row for row in rows.of("mailbox", address) if row["expires_at"] > now]
    if as_json:
        print_json(found)
        return
    for row in found:
        out.print(
            printable(str(row["address"])), f"[dim]until {datetime.fromtimestamp(row['expires_at'], UTC):%Y-%m-%d}[/]"
        )
    if not found:
        out.print(f"{address} has no known correspondents.", markup=False)


def _table(rows: Iterable[Row]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("scope", "action", "pattern", "points", "expires", "note"):
        table.add_column(column, overflow="fold", justify="right" if column == "points" else "left")
    for row in rows:
        table.add_row(*_line(row))
    return table


def _line(row: Row) -> tuple[Any, ...]:
    try:
        entry = read_entry(row)
    except PolicyError as wrong:
        return (
            Text(str(row.get("scope"))),
            Text("unusable", style="red"),
            Text(str(row.get("entry"))),
            "",
            "",
            str(wrong),
        )
    note = entry.note if entry.needs_proof else f"{entry.note} (no proof needed)".strip()
    return (
        Text(entry.scope),
        Text(entry.action.value, style=COLOURS[entry.action]),
        Text(entry.pattern),
        "" if entry.points is None else points_text(entry.points),
        _expiry_text(entry),
        Text(note),
    )


def _expiry_text(entry: SenderListEntry) -> str:
    if entry.expires_at is None:
        return ""
    text = f"{entry.expires_at:%Y-%m-%d %H:%M}"
    return f"{text} (expired)" if entry.expires_at < datetime.now(UTC) else text


def _expiry(text: str | None) -> int | None:
    """Seconds since 1970, as DynamoDB's expiry needs them. Raises `PolicyError`."""
    if text is None:
        return None
    period = _PERIOD.fullmatch(text.strip().lower())
    try:
        if period:
            moment = datetime.now(UTC) + int(period[1]) * _UNITS[period[2]]
        else:
            read = datetime.fromisoformat(text.strip())
            moment = read if read.tzinfo else read.replace(tzinfo=UTC)
        return int(moment.timestamp())
    except (ValueError, OverflowError) as wrong:
        raise PolicyError(
            f"--expires: expected a period such as 30d or a date such as 2026-12-31, found {text!r}"
        ) from wrong
