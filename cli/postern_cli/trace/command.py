"""The command line of `postern trace`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

import typer

from postern.ports import Unavailable
from postern.wire import WireError, to_json
from postern_aws.receipts import DynamoReceipts, Receipt
from postern_cli.console import AsJson, err, fail, out, print_json
from postern_cli.options import with_service
from postern_cli.service import Output, Service
from postern_cli.trace.report import overview, report, severest
from postern_cli.trace.whereabouts import whereabouts

app = typer.Typer(add_completion=False)

DEFAULT_NUMBER = 10
MAX_SEARCHED = 1_000
"""Receipts of a domain that are looked through for those of one recipient."""

_IN_REPLY = re.compile(r"\(([\w-]+)\)\s*$|\bas ([\w-]+)\s*$")


@app.command()
@with_service
def trace(
    service: Service,
    transaction_id: Annotated[
        str | None, typer.Argument(help="The id of a message, or the whole SMTP reply that names it.")
    ] = None,
    last: Annotated[int | None, typer.Option("--last", "-n", min=1, max=1000, help="List the last N messages.")] = None,
    recipient: Annotated[
        str | None, typer.Option("--recipient", "-r", help="Only messages for this address or domain.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explain what became of a message: the decision, each check, the DNS answers seen, the policy, the reply.

    Examples:

      postern trace 01JD4Z6W9T

      postern trace "250 2.0.0 Accepted as 01JD4Z6W9T"

      postern trace --last 20

      postern trace --recipient ann@example.com
    """
    receipts = DynamoReceipts(service.dynamodb, service.output(Output.RECEIPTS_TABLE))
    if transaction_id is not None:
        _explain(service, receipts, id_in(transaction_id), as_json=as_json)
        return
    found = list(_newest(receipts, recipient, last or DEFAULT_NUMBER))
    if as_json:
        print_json([to_json(one) for one in found])
    elif found:
        out.print(overview(found))
        err.print("[dim]postern trace ID explains one of them.[/]")
    else:
        out.print("No message was received yet." if recipient is None else f"No message for {recipient} was found.")


def id_in(text: str) -> str:
    """The transaction's id in an SMTP reply, or the text itself."""
    found = _IN_REPLY.search(text)
    return next((group for group in found.groups() if group), text) if found else text.strip()


def _explain(service: Service, receipts: DynamoReceipts, transaction_id: str, *, as_json: bool) -> None:
    receipt = _read(receipts, transaction_id)
    if receipt is None:
        fail(f"there is no receipt of {transaction_id!r}", hint="Receipts are kept 90 days. postern trace --last 20")
    places = whereabouts(service, receipt)
    if as_json:
        print_json({**to_json(receipt), "disposition": severest(receipt).value, "whereabouts": to_json(places)})
    else:
        out.print(report(receipt, places))


def _newest(receipts: DynamoReceipts, recipient: str | None, number: int) -> Iterator[Receipt]:
    if recipient is None:
        ids = receipts.newest_of_all(number)
    else:
        in_domain = recipient.rpartition("@")[2].lower()
        ids = receipts.newest(in_domain, number if "@" not in recipient else MAX_SEARCHED)
    wanted = recipient.lower() if recipient and "@" in recipient else None
    for transaction_id in ids:
        receipt = _read(receipts, transaction_id)
        if receipt is None or (wanted and wanted not in _addresses(receipt)):
            continue
        yield receipt
        number -= 1
        if number <= 0:
            return


def _read(receipts: DynamoReceipts, transaction_id: str) -> Receipt | None:
    try:
        return receipts.read(transaction_id)
    except WireError as wrong:
        raise Unavailable(f"the receipt of {transaction_id} was written by another version") from wrong


def _addresses(receipt: Receipt) -> set[str]:
    recipients = receipt.transaction.recipients
    return {name.lower() for one in recipients for name in (one.address, one.forward_path)}
