"""Mail that we write ourselves: notifications and reports, always under a null reverse-path.

It goes the way of all outgoing mail: the outgoing filter signs what leaves, and the commit makes it durable. The same
`mark` is committed once, however often it is written.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postern import replies
from postern.model import (
    Decision,
    Direction,
    Disposition,
    Envelope,
    MessageReference,
    Points,
    Recipient,
    RecipientDecision,
    Route,
    Site,
    Transaction,
)
from postern.ports import Filter, MessageStore, OutboxStore

DEADLINE = timedelta(seconds=50)


@dataclass(frozen=True, slots=True)
class OwnMessage:
    """A message we wrote, and for whom. `mark` says what it is, so that it is sent once."""

    transaction_id: str
    content: bytes
    recipients: tuple[Recipient, ...]
    mark: str

    @property
    def fingerprint(self) -> str:
        """The key of its commit."""
        return _fingerprint(self.mark)

    @property
    def leaves(self) -> bool:
        """Whether it is for anybody else's server."""
        return any(one.route is not Route.MAILBOX for one in self.recipients)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMail:
    """Commits what we write."""

    messages: MessageStore
    outbox: OutboxStore
    outgoing: Filter
    now: Callable[[], datetime]

    def prepare(self, message: OwnMessage, site: Site) -> tuple[Transaction, Decision]:
        """Store a message and have it signed if it leaves. Raises `Unavailable`.

        What the filter thinks of its content changes nothing: we wrote it.
        """
        transaction = self._transaction(message, site)
        accepted = _accepted(transaction)
        if not message.leaves:
            return transaction, accepted
        decided = self.outgoing.decide(transaction)
        return transaction, replace(accepted, headers=decided.headers, policy_version=decided.policy_version)

    def commit(self, message: OwnMessage, transaction: Transaction, decision: Decision) -> None:
        """Make it durable; it is delivered from here on. Raises `Unavailable`."""
        self.outbox.commit(transaction, decision, message.fingerprint)

    def is_known(self, mark: str) -> bool:
        """Whether a message of this mark was committed before. Raises `Unavailable`."""
        return self.outbox.find_duplicate(_fingerprint(mark), self.now()) is not None

    def _transaction(self, message: OwnMessage, site: Site) -> Transaction:
        now = self.now()
        addresses = "".join(one.address for one in message.recipients)
        return Transaction(
            transaction_id=message.transaction_id,
            received_at=now,
            deadline=now + DEADLINE,
            session=None,
            envelope=Envelope(None, smtputf8=not addresses.isascii()),
            recipients=message.recipients,
            message=self._store(message),
            site=site,
            direction=Direction.OUTBOUND,
        )

    def _store(self, message: OwnMessage) -> MessageReference:
        content = message.content
        sha256 = hashlib.sha256(content).hexdigest()
        return self.messages.put(message.transaction_id, io.BytesIO(content), size=len(content), sha256=sha256)


def _fingerprint(mark: str) -> str:
    return hashlib.sha256(mark.encode()).hexdigest()


def signing_domains(decision: Decision) -> frozenset[str]:
    """The domains that signed what a decision is about (`d=` of the signatures it adds)."""
    values = (field.value for field in decision.headers if field.name == "DKIM-Signature")
    tags = (tag.partition("=") for value in values for tag in value.split(";"))
    return frozenset(value.strip().lower() for name, _, value in tags if name.strip() == "d")


def _accepted(transaction: Transaction) -> Decision:
    accept = Disposition.ACCEPT
    return Decision(
        transaction.transaction_id,
        replies.accepted(transaction.transaction_id),
        tuple(RecipientDecision(one.address, accept, accept, Points(0)) for one in transaction.recipients),
    )
