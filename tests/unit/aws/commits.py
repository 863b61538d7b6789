"""Transactions and decisions that adapters are tried with."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from postern import replies
from postern.model import (
    Decision,
    Disposition,
    Envelope,
    HeaderField,
    MessageReference,
    Points,
    Recipient,
    RecipientDecision,
    Session,
    Site,
    Transaction,
)
from postern_aws import clients
from postern_aws.message_store import S3MessageStore
from tests.embedded_aws import BUCKET, HOSTNAME

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MESSAGE = (
    b"From: Bob <bob@sender.example>\r\nTo: ann@example.com\r\nSubject: Tea\r\n"
    b"X-Spam-Flag: NO\r\nMessage-ID: <1@sender.example>\r\n\r\nAt four?\r\n"
)
ANN = Recipient("ann@example.com", "ann@example.com")


def transaction(
    transaction_id: str = "t1", recipients: tuple[Recipient, ...] = (ANN,), message: bytes = MESSAGE
) -> Transaction:
    """A transaction whose message may or may not be stored."""
    sha256 = hashlib.sha256(message).hexdigest()
    return Transaction(
        transaction_id,
        NOW,
        NOW + timedelta(seconds=50),
        Session("s1", "192.0.2.1", "mail.sender.example"),
        Envelope("bob@sender.example"),
        recipients,
        MessageReference(f"incoming/{transaction_id}", len(message), sha256),
        Site(HOSTNAME, HOSTNAME, ("example.com",)),
    )


def stored(received: Transaction, message: bytes = MESSAGE) -> Transaction:
    """The transaction, with its message in the bucket."""
    store = S3MessageStore(clients.s3(), BUCKET)
    reference = store.put(
        received.transaction_id, io.BytesIO(message), size=len(message), sha256=received.message.sha256
    )
    return replace(received, message=reference)


def decision(received: Transaction, disposition: Disposition = Disposition.ACCEPT, **others: Disposition) -> Decision:
    """The same disposition for everyone but `others`, who are named by their local part."""
    decided = tuple(
        RecipientDecision(
            recipient.address,
            others.get(recipient.address.partition("@")[0], disposition),
            Disposition.ACCEPT,
            Points(150),
            reasons=("nothing speaks against it",),
            headers=(HeaderField("X-Spam-Score", "1.5"),),
        )
        for recipient in received.recipients
    )
    headers = (HeaderField("Received", f"from mail.sender.example by {HOSTNAME}; Sun, 22 Nov 2026 12:00:00 +0000"),)
    return Decision(received.transaction_id, replies.accepted(received.transaction_id), decided, headers, "v1")
