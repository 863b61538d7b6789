"""Where each recipient's copy is now: in a mailbox, in the quarantine, on its way to another server."""

from __future__ import annotations

from dataclasses import dataclass

from postern.model import Disposition, Recipient, RecipientDecision, Route
from postern_aws.mailboxes import Folder, mailbox_key
from postern_aws.receipts import Receipt
from postern_cli.service import Output, Service

NOT_YET = "on its way"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A recipient's copy and where it is, in words."""

    address: str
    place: str


def whereabouts(service: Service, receipt: Receipt) -> tuple[Whereabouts, ...]:
    """Every recipient's copy; empty when the message was not accepted. Raises `Unavailable`."""
    if not receipt.decision.reply.is_positive:
        return ()
    pairs = zip(receipt.transaction.recipients, receipt.decision.recipients, strict=False)
    return tuple(Whereabouts(one.address, _place(service, receipt, one, decided)) for one, decided in pairs)


def _place(service: Service, receipt: Receipt, recipient: Recipient, decided: RecipientDecision) -> str:
    transaction_id = receipt.transaction.transaction_id
    match decided.disposition:
        case Disposition.DISCARD:
            return "discarded"
        case Disposition.QUARANTINE if _is_held(service, recipient.address, transaction_id):
            return "quarantine"
    if recipient.route is not Route.MAILBOX:
        return _relayed(service, recipient.address, transaction_id)
    return _folder(service, recipient.address, transaction_id)


def _is_held(service: Service, address: str, transaction_id: str) -> bool:
    held = service.rows(Output.QUARANTINE_TABLE).of("mailbox", address, ScanIndexForward=False)
    return any(row["transaction_id"] == transaction_id for row in held)


def _folder(service: Service, address: str, transaction_id: str) -> str:
    rows = service.rows(Output.MAILBOXES_TABLE)
    for folder in Folder:
        marker = rows.get({"mailbox": mailbox_key(address, folder), "item": f"id#{transaction_id}"})
        if marker:
            return f"{folder.value}, message {marker['uid']}"
    return NOT_YET


def _relayed(service: Service, address: str, transaction_id: str) -> str:
    row = service.rows(Output.OUTBOX_TABLE).get({"id": transaction_id, "part": address})
    if not row:
        return NOT_YET
    trouble = f": {row['answer']}" if row.get("answer") else ""
    return f"relay, {row.get('state', '')}{trouble}"
