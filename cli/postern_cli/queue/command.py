"""The command line of `postern queue`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from postern.wire import to_json
from postern_aws.due_rows import DueRows
from postern_aws.mail_queue import MAX_LISTED, MailQueue, QueuedCopy
from postern_aws.relay_rows import RelayState, SqsWaker
from postern_cli.console import AsJson, Confirmed, err, fail, out, print_json
from postern_cli.options import with_service
from postern_cli.queue.report import copy_report, queue_table
from postern_cli.service import Output, Service

PRESENT = (RelayState.WAITING, RelayState.ON_HOLD)

app = typer.Typer(no_args_is_help=True, add_completion=False, help="See mail that waits for other servers.")

Ids = Annotated[list[str] | None, typer.Argument(help="Ids of messages, as listed.")]
Recipient = Annotated[str | None, typer.Option("--to", help="Only the copy for this recipient.")]
Domain = Annotated[str | None, typer.Option("--domain", help="Everything for recipients in this domain.")]
Account = Annotated[str | None, typer.Option("--account", help="Everything that this account sent.")]
All = Annotated[bool, typer.Option("--all", help="Everything in the queue.")]


@app.callback()
def queue() -> None:
    """See mail that waits for other servers, try it again, hold it or delete it."""


@app.command("list")
@with_service
def list_(
    service: Service,
    domain: Domain = None,
    account: Account = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=MAX_LISTED, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List what waits, soonest first, then what is on hold.

    Examples:

      postern queue list

      postern queue list --domain remote.example
    """
    found = _matching(_queue(service).listed(), None, domain, account)[:limit]
    if as_json:
        print_json([to_json(one) for one in found])
    elif found:
        out.print(queue_table(found))
    else:
        out.print("Nothing waits for another server.")


@app.command()
@with_service
def show(
    service: Service,
    transaction_id: Annotated[str, typer.Argument(help="The id of the message.")],
    recipient: Recipient = None,
    raw: Annotated[bool, typer.Option("--raw", help="Write the message itself, octet for octet.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a message's copies for other servers, also those that are done."""
    found = _queue(service).find(transaction_id, recipient)
    if not found:
        fail(f"no copy of {transaction_id} is in the queue, or was in the last days", hint="postern queue list")
    if raw:
        _write_message(service, found)
    elif as_json:
        print_json([to_json(one) for one in found])
    else:
        for one in found:
            out.print(copy_report(one))


def _write_message(service: Service, found: tuple[QueuedCopy, ...]) -> None:
    """The first copy that is still here; its text goes when it is done."""
    present = next((one.copy for one in found if one.state in PRESENT), None)
    if present is None:
        fail(f"the message is kept no longer: its copy is {found[0].state.value}", hint="postern queue list")
    sys.stdout.buffer.write(service.messages.read(present.reference))


@app.command()
@with_service
def retry(
    service: Service,
    ids: Ids = None,
    recipient: Recipient = None,
    domain: Domain = None,
    account: Account = None,
    *,
    every: All = False,
    as_json: AsJson = False,
) -> None:
    """Try messages again now; what is on hold is let go.

    Examples:

      postern queue retry 019aac2b4d51f0a3c2e17

      postern queue retry --domain remote.example
    """
    mail = _queue(service)
    chosen = _chosen(mail, ids, recipient, domain, account, every=every)
    _do(chosen, lambda one: mail.retry(one.copy), "to be tried now", as_json=as_json)
    SqsWaker(service.sqs, service.output(Output.RELAY_QUEUE_URL)).wake()


@app.command()
@with_service
def hold(
    service: Service,
    ids: Ids = None,
    recipient: Recipient = None,
    domain: Domain = None,
    account: Account = None,
    *,
    every: All = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever sees it in the list.")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep messages where they are until they are tried again by hand."""
    mail = _queue(service)
    chosen = _chosen(mail, ids, recipient, domain, account, every=every)
    _do(chosen, lambda one: mail.hold(one.copy, reason or "held by hand"), "on hold", as_json=as_json)


@app.command()
@with_service
def delete(
    service: Service,
    ids: Ids = None,
    recipient: Recipient = None,
    domain: Domain = None,
    account: Account = None,
    *,
    every: All = False,
    yes: Confirmed = False,
    as_json: AsJson = False,
) -> None:
    """Delete messages for good. Nobody is told."""
    mail = _queue(service)
    chosen = _chosen(mail, ids, recipient, domain, account, every=every)
    if not yes:
        copies = "1 copy" if len(chosen) == 1 else f"{len(chosen)} copies"
        typer.confirm(f"Delete {copies} for good, telling nobody?", abort=True, err=True)

    def remove(one: QueuedCopy) -> bool:
        was_there = mail.delete(one.copy)
        if was_there:
            service.messages.delete(one.copy.reference.key)
        return was_there

    _do(chosen, remove, "deleted", as_json=as_json)


def _do(chosen: list[QueuedCopy], action: Callable[[QueuedCopy], bool], done: str, *, as_json: bool) -> None:
    answers = [(one, done if action(one) else "no longer in the queue") for one in chosen]
    if as_json:
        print_json(
            [{"id": one.copy.transaction_id, "recipient": one.copy.recipient, "done": word} for one, word in answers]
        )
        return
    for one, word in answers:
        out.print(f"{one.copy.transaction_id} for {one.copy.recipient}: {word}", markup=False)
    if not answers:
        err.print("Nothing in the queue matches.")


def _chosen(
    mail: MailQueue,
    ids: list[str] | None,
    recipient: str | None,
    domain: str | None,
    account: str | None,
    *,
    every: bool,
) -> list[QueuedCopy]:
    """What the command line names: ids, or everything of a domain or an account, or everything."""
    named = sum(map(bool, (ids, domain, account, every)))
    if named != 1:
        fail("name the messages by their ids, or take one of --domain, --account, --all", hint="postern queue list")
    if not ids:
        return _matching(mail.listed(), recipient, domain, account)
    found = [one for transaction_id in ids for one in _present(mail, transaction_id)]
    return _matching(found, recipient, None, None)


def _present(mail: MailQueue, transaction_id: str) -> list[QueuedCopy]:
    found = [one for one in mail.find(transaction_id) if one.state in PRESENT]
    if not found:
        fail(f"{transaction_id} is not in the queue", hint="postern queue list")
    return found


def _matching(
    found: list[QueuedCopy] | tuple[QueuedCopy, ...], recipient: str | None, domain: str | None, account: str | None
) -> list[QueuedCopy]:
    return [
        one
        for one in found
        if (recipient is None or one.copy.recipient.lower() == recipient.lower())
        and (domain is None or one.copy.recipient.rpartition("@")[2].lower() == domain.lower())
        and (account is None or one.copy.account == account.lower())
    ]


def _queue(service: Service) -> MailQueue:
    return MailQueue(DueRows(service.dynamodb, service.output(Output.OUTBOX_TABLE)))
