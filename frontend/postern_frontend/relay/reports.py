"""Telling senders: a delivery status notification is committed like any accepted message, and so cannot be lost.

One that is for a mailbox here is put into it by delivery; any other leaves by the way of all outgoing mail, under a
null reverse-path. The same event makes the same commit, however often it is told.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from postern import replies
from postern.delivery_status.event import DeliveryEvent
from postern.delivery_status.notification import Reporter, write_notification
from postern.delivery_status.request import Action, Standing
from postern.model import (
    Decision,
    Direction,
    Disposition,
    Envelope,
    MessageReference,
    Points,
    Recipient,
    RecipientDecision,
    Site,
    Transaction,
)
from postern.policy_compiler import Snapshot
from postern.ports import MessageStore, OutboxStore
from postern.recipients import Directory, resolve
from postern_aws.relay_rows import RelayCopy
from postern_frontend.identifiers import new_id
from postern_frontend.relay.answer import Answer
from postern_frontend.smtp.paths import PathError, parse_path

DEADLINE = timedelta(seconds=50)


@dataclass(frozen=True, slots=True)
class Told:
    """What a sender is told of a copy, and when its time is over."""

    action: Action
    answer: Answer
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Commits notifications."""

    messages: MessageStore
    outbox: OutboxStore
    directory: Directory
    hostname: str
    now: Callable[[], datetime]

    def tell(self, copy: RelayCopy, message: bytes, told: Told, snapshot: Snapshot) -> bool:
        """Tell the sender of a copy; whether there is anybody to tell. Raises `Unavailable`."""
        recipients = self._recipients(copy.report.sender or "")
        if not recipients:
            return False
        now = self.now()
        transaction_id = new_id(now)
        site = snapshot.site(self.hostname)
        reporter = Reporter(
            hostname=self.hostname,
            domain=_reporting_domain(copy, site),
            message_id=f"{transaction_id}@{self.hostname}",
        )
        content = write_notification(_event(copy, told, now), copy.report, message, reporter)
        stored = self._store(transaction_id, content)
        transaction = _transaction(transaction_id, recipients, stored, site, now)
        self.outbox.commit(transaction, _decision(transaction), _fingerprint(copy, told.action))
        return True

    def _recipients(self, address: str) -> tuple[Recipient, ...]:
        """Where a reverse-path leads; nowhere when it is no address, or one of ours that is gone."""
        try:
            path, _ = parse_path(f"<{address}>")
        except PathError:
            return ()
        if path is None or path.domain is None:
            return ()
        found = resolve(path, self.directory, default_domain=path.domain, may_relay=True, smtputf8=True)
        return found.recipients

    def _store(self, transaction_id: str, content: bytes) -> MessageReference:
        sha256 = hashlib.sha256(content).hexdigest()
        return self.messages.put(transaction_id, io.BytesIO(content), size=len(content), sha256=sha256)


def _event(copy: RelayCopy, told: Told, now: datetime) -> DeliveryEvent:
    is_over = told.action is Action.FAILED and now >= told.ends_at and not told.answer.text.startswith("5")
    return DeliveryEvent(
        action=told.action,
        recipient=copy.recipient,
        reply=told.answer.text,
        remote_host=told.answer.host,
        arrived_at=copy.queued_at,
        happened_at=now,
        is_expired=is_over,
        retry_until=told.ends_at if told.action is Action.DELAYED else None,
    )


def _reporting_domain(copy: RelayCopy, site: Site) -> str:
    """The domain in whose name is told: ours, and one that signs if any does."""
    sender_domain = (copy.report.sender or "").rpartition("@")[2].lower()
    recipient_domain = copy.recipient.rpartition("@")[2].lower()
    preferred = (sender_domain, recipient_domain) if copy.report.standing is Standing.OURS else (recipient_domain,)
    return next((domain for domain in preferred if domain in site.local_domains), site.hostname)


def _transaction(
    transaction_id: str, recipients: tuple[Recipient, ...], message: MessageReference, site: Site, now: datetime
) -> Transaction:
    addresses = "".join(one.address for one in recipients)
    return Transaction(
        transaction_id=transaction_id,
        received_at=now,
        deadline=now + DEADLINE,
        session=None,
        envelope=Envelope(None, smtputf8=not addresses.isascii()),
        recipients=recipients,
        message=message,
        site=site,
        direction=Direction.OUTBOUND,
    )


def _decision(transaction: Transaction) -> Decision:
    accept = Disposition.ACCEPT
    return Decision(
        transaction.transaction_id,
        replies.accepted(transaction.transaction_id),
        tuple(RecipientDecision(one.address, accept, accept, Points(0)) for one in transaction.recipients),
    )


def _fingerprint(copy: RelayCopy, action: Action) -> str:
    """One commit for each thing that is told of a copy."""
    text = f"notification {action} {copy.transaction_id} {copy.recipient}"
    return hashlib.sha256(text.encode()).hexdigest()
