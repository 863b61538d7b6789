"""Telling senders: a delivery status notification is committed like any accepted message, and so cannot be lost.

One that is for a mailbox here is put into it by delivery; any other leaves by the way of all outgoing mail, under a
null reverse-path. The same event makes the same commit, however often it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postern.delivery_status.event import DeliveryEvent
from postern.delivery_status.notification import Reporter, write_notification
from postern.delivery_status.request import Action, Standing
from postern.model import Recipient, Site
from postern.policy_compiler import Snapshot
from postern.recipients import Directory, resolve
from postern_aws.identifiers import new_id
from postern_aws.own_mail import OwnMail, OwnMessage
from postern_aws.relay_rows import RelayCopy
from postern_frontend.relay.answer import Answer
from postern_frontend.smtp.paths import PathError, parse_path


@dataclass(frozen=True, slots=True)
class Told:
    """What a sender is told of a copy, and when its time is over."""

    action: Action
    answer: Answer
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Commits notifications."""

    mail: OwnMail
    directory: Directory
    hostname: str

    def tell(self, copy: RelayCopy, message: bytes, told: Told, snapshot: Snapshot) -> bool:
        """Tell the sender of a copy; whether there is anybody to tell. Raises `Unavailable`."""
        recipients = self._recipients(copy.report.sender or "")
        if recipients:
            self._commit(copy, message, told, snapshot.site(self.hostname), recipients)
        return bool(recipients)

    def _commit(
        self, copy: RelayCopy, message: bytes, told: Told, site: Site, recipients: tuple[Recipient, ...]
    ) -> None:
        mark = f"notification {told.action} {copy.transaction_id} {copy.recipient}"
        if self.mail.is_known(mark):
            return
        now = self.mail.now()
        transaction_id = new_id(now)
        reporter = Reporter(
            hostname=self.hostname,
            domain=_reporting_domain(copy, site),
            message_id=f"{transaction_id}@{self.hostname}",
        )
        content = write_notification(_event(copy, told, now), copy.report, message, reporter)
        own = OwnMessage(transaction_id, content, recipients, mark)
        self.mail.commit(own, *self.mail.prepare(own, site))

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
