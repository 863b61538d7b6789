"""The command line of `postern quarantine`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.progress import track

from postern.bayes.requests import MAX_MESSAGES, UPLOADS, Label, LearnRequest
from postern.model import MessageReference
from postern.wire import to_json
from postern_aws.due_rows import DueRows
from postern_aws.learn_queue import LearnQueue
from postern_aws.mailboxes import DynamoMailboxes
from postern_aws.quarantine import MAX_LISTED, DynamoQuarantine, HeldMessage
from postern_aws.relay_rows import RelayRows, SqsWaker
from postern_aws.release import HeldCopies
from postern_cli.console import AsJson, Confirmed, err, fail, out, print_json
from postern_cli.options import with_service
from postern_cli.quarantine.report import held_report, held_table
from postern_cli.service import Output, Service

app = typer.Typer(no_args_is_help=True, add_completion=False, help="See what is held, release it or delete it.")

Mailbox = Annotated[str, typer.Argument(help="The recipient's address.")]
Ids = Annotated[list[str] | None, typer.Argument(help="Ids of messages, as listed.")]
All = Annotated[bool, typer.Option("--all", help="Everything that is held for this mailbox.")]


@app.callback()
def quarantine() -> None:
    """See what is held, release it or delete it."""


@app.command("list")
@with_service
def list_(
    service: Service,
    mailbox: Annotated[str | None, typer.Argument(help="Only what is held for this address.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=MAX_LISTED, help="At most so many, newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what is held, newest first.

    Examples:

      postern quarantine list

      postern quarantine list ann@example.com
    """
    found = sorted(_held(service, mailbox, limit), key=lambda one: one.received_at, reverse=True)[:limit]
    if as_json:
        print_json(to_json(found))
    elif found:
        out.print(held_table(found))
    else:
        out.print("Nothing is held." if mailbox is None else f"Nothing is held for {mailbox}.")


@app.command()
@with_service
def show(
    service: Service,
    mailbox: Mailbox,
    transaction_id: Annotated[str, typer.Argument(help="The id of the message.")],
    raw: Annotated[bool, typer.Option("--raw", help="Write the message itself, octet for octet.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a held message: why it is held, its header and the beginning of its text."""
    held = _find(service, mailbox, transaction_id)
    if as_json:
        print_json(to_json(held))
        return
    content = service.messages.read(held.reference)
    if raw:
        sys.stdout.buffer.write(content)
    else:
        out.print(held_report(held, content))


@app.command()
@with_service
def release(
    service: Service,
    mailbox: Mailbox,
    ids: Ids = None,
    *,
    every: All = False,
    learn: Annotated[bool, typer.Option("--learn", help="Learn that they are no spam.")] = False,
    as_json: AsJson = False,
) -> None:
    """Deliver held messages after all: to the inbox, or on to the domain's own server.

    Examples:

      postern quarantine release ann@example.com 01JD4Z6W9T

      postern quarantine release ann@example.com --all
    """
    copies, chosen = _copies(service), _chosen(service, mailbox, ids, every=every)
    uploaded = [_upload(service, one) for one in chosen] if learn else []
    _do(chosen, copies.release, "released", as_json=as_json)
    _teach(service, uploaded)


@app.command()
@with_service
def delete(
    service: Service,
    mailbox: Mailbox,
    ids: Ids = None,
    *,
    every: All = False,
    yes: Confirmed = False,
    as_json: AsJson = False,
) -> None:
    """Delete held messages for good."""
    chosen = _chosen(service, mailbox, ids, every=every)
    if not yes:
        typer.confirm(f"Delete {len(chosen)} of {mailbox} for good?", abort=True, err=True)
    _do(chosen, _copies(service).delete, "deleted", as_json=as_json)


def _upload(service: Service, held: HeldMessage) -> MessageReference:
    """A copy to learn from: the released one may be gone by then."""
    return service.messages.put_copy(f"{UPLOADS}{held.reference.sha256}", service.messages.read(held.reference))


def _teach(service: Service, references: list[MessageReference]) -> None:
    """Have the service learn that these are no spam."""
    taught_at = round(datetime.now(UTC).timestamp() * 1000)
    for at in range(0, len(references), MAX_MESSAGES):
        request = LearnRequest(Label.HAM, tuple(references[at : at + MAX_MESSAGES]), taught_at, "quarantine")
        LearnQueue(service.sqs, service.output(Output.LEARN_QUEUE_URL)).send([request])


def _do(chosen: list[HeldMessage], action: Callable[[HeldMessage], None], done: str, *, as_json: bool) -> None:
    for held in track(chosen, console=err, transient=True, disable=len(chosen) == 1 or not err.is_terminal):
        action(held)
    if as_json:
        print_json([{"mailbox": one.mailbox, "id": one.transaction_id, "done": done} for one in chosen])
    for held in () if as_json else chosen:
        out.print(f"{done} {held.transaction_id} of {held.mailbox}", markup=False)


def _chosen(service: Service, mailbox: str, ids: list[str] | None, *, every: bool) -> list[HeldMessage]:
    if every is bool(ids):
        fail("name the messages by their ids, or take --all", hint=f"postern quarantine list {mailbox}")
    if every:
        return list(_quarantine(service).held(mailbox.lower(), MAX_LISTED))
    return [_find(service, mailbox, transaction_id) for transaction_id in ids or ()]


def _find(service: Service, mailbox: str, transaction_id: str) -> HeldMessage:
    held = _quarantine(service).find(mailbox.lower(), transaction_id)
    if held is None:
        fail(f"{transaction_id} is not held for {mailbox}", hint=f"postern quarantine list {mailbox}")
    return held


def _held(service: Service, mailbox: str | None, limit: int) -> Iterator[HeldMessage]:
    if mailbox is not None:
        mailboxes = [mailbox.lower()]
    else:
        mailboxes = sorted({str(row["mailbox"]) for row in service.rows(Output.QUARANTINE_TABLE).every()})
    stored = _quarantine(service)
    for one in mailboxes:
        yield from stored.held(one, limit)


def _quarantine(service: Service) -> DynamoQuarantine:
    return DynamoQuarantine(service.dynamodb, service.output(Output.QUARANTINE_TABLE))


def _copies(service: Service) -> HeldCopies:
    return HeldCopies(
        quarantine=_quarantine(service),
        messages=service.messages,
        mailboxes=DynamoMailboxes(service.dynamodb, service.output(Output.MAILBOXES_TABLE)),
        relay=RelayRows(DueRows(service.dynamodb, service.output(Output.OUTBOX_TABLE))),
        waker=SqsWaker(service.sqs, service.output(Output.RELAY_QUEUE_URL)),
    )
