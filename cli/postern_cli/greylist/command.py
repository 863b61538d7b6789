"""The command line of `postern greylist`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from postern_aws.greylist import WINDOW, DynamoGreylist
from postern_cli.console import AsJson, Confirmed, fail, out, print_json, printable
from postern_cli.directory.addresses import address_key
from postern_cli.options import with_service
from postern_cli.rows import Row
from postern_cli.service import Output, Service

app = typer.Typer(no_args_is_help=True, add_completion=False, help="See who has to wait, and let mail through.")

Mailbox = Annotated[str, typer.Argument(help="A mailbox, e.g. ann@example.com.")]
MAX_MINUTES = 24 * 60


@app.callback()
def greylist() -> None:
    """See who has to wait, and let mail through."""


@app.command()
@with_service
def show(
    service: Service,
    mailbox: Annotated[str | None, typer.Argument(help="Only what is for this mailbox.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what greylisting knows, latest first: who waits, who came back, and open windows.

    It looks through the whole table.
    """
    rows = _rows_of(service, mailbox)
    if as_json:
        print_json([{**row, "state": _state(row)} for row in rows])
    elif rows:
        out.print(_table(rows))
    else:
        out.print("The greylist knows nothing about this." if mailbox else "The greylist is empty.")


@app.command()
@with_service
def clear(service: Service, mailbox: Mailbox, yes: Confirmed = False, as_json: AsJson = False) -> None:
    """Forget everything about a mailbox: senders that were known wait again, and its window closes."""
    rows = _rows_of(service, mailbox)
    if not rows:
        fail(f"the greylist knows nothing about {mailbox}", hint="postern greylist show lists what it knows.")
    if not yes:
        typer.confirm(f"Forget {len(rows)} rows about {mailbox}?", abort=True, err=True)
    table = service.rows(Output.GREYLIST_TABLE)
    removed = sum(table.delete({"triplet": str(row["triplet"])}) for row in rows)
    if as_json:
        print_json({"mailbox": mailbox, "removed": removed})
    else:
        out.print(f"forgot {removed} rows about {mailbox}", markup=False)


@app.command("open")
@with_service
def open_(
    service: Service,
    mailbox: Mailbox,
    minutes: Annotated[int, typer.Option(min=1, max=MAX_MINUTES, help="For how long.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Let nobody wait who writes to this mailbox, for a short while: its owner is waiting for a code.

    It is in force at once.

    Examples:

      postern greylist open ann@example.com --minutes 10
    """
    address = address_key(mailbox)
    until = datetime.now(UTC) + timedelta(minutes=minutes)
    DynamoGreylist(service.dynamodb, service.output(Output.GREYLIST_TABLE)).open(address, until)
    if as_json:
        print_json({"mailbox": address, "until": until.isoformat(timespec="seconds")})
    else:
        out.print(f"nobody waits who writes to {address}, until {until:%H:%M} UTC", markup=False)


def _rows_of(service: Service, mailbox: str | None) -> list[Row]:
    address = address_key(mailbox) if mailbox else None
    rows = service.rows(Output.GREYLIST_TABLE).every()
    now = datetime.now(UTC).timestamp()
    wanted = (row for row in rows if address in (None, row.get("recipient")) and row.get("expires_at", now) >= now)
    return sorted(wanted, key=lambda row: (-int(row.get("last_attempt", now)), str(row["triplet"])))


def _state(row: Row) -> str:
    if str(row["triplet"]).startswith(WINDOW):
        return "open"
    return "came back" if row["last_attempt"] >= row["wait_until"] else "waiting"


def _table(rows: Iterable[Row]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("triplet", "state", "attempts", "first seen", "latest", "until"):
        table.add_column(column, overflow="fold", justify="right" if column == "attempts" else "left")
    for row in rows:
        table.add_row(*_line(row))
    return table


def _line(row: Row) -> tuple[Any, ...]:
    state = _state(row)
    until = row["wait_until"] if state == "waiting" else row["expires_at"]
    return (
        printable(str(row["triplet"])),
        Text(state, style="yellow" if state == "waiting" else "green"),
        str(row.get("attempts", "")),
        _moment(row.get("first_seen")),
        _moment(row.get("last_attempt")),
        _moment(until),
    )


def _moment(seconds: object) -> str:
    return f"{datetime.fromtimestamp(float(str(seconds)), UTC):%Y-%m-%d %H:%M}" if seconds else ""
