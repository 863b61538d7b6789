"""The relay worker over AWS, as a part of the front end's process."""

from __future__ import annotations

import threading
from collections.abc import Callable

from postern.session.hijack_policy import HijackPolicy
from postern_aws import clients, dns
from postern_aws.certificates import read_password
from postern_aws.directory import DynamoDirectory
from postern_aws.due_rows import DueRows, utc_now
from postern_aws.filter_machine import MachineFilter
from postern_aws.message_store import S3MessageStore
from postern_aws.notices import SnsNotices
from postern_aws.outbox import DynamoOutbox
from postern_aws.own_mail import OwnMail
from postern_aws.policy_snapshot import S3SnapshotReader, SnapshotSection
from postern_aws.quarantine import DynamoQuarantine
from postern_aws.relay_rows import RelayRows, SqsWaker
from postern_aws.sending import DynamoSending
from postern_aws.sent_messages import DynamoSentMessages
from postern_aws.settings import RelaySettings
from postern_frontend.relay.attempt import SmtpSender
from postern_frontend.relay.links import Links, Opener
from postern_frontend.relay.reports import Reports
from postern_frontend.relay.routing import Router
from postern_frontend.relay.ses import SesSender
from postern_frontend.relay.undeliverable import Undeliverable
from postern_frontend.relay.worker import RelayStores, RelayWorker, Ways, run


class RelayService:
    """Relays in a thread of its own: `start`, then `stop`."""

    def __init__(self, settings: RelaySettings, snapshots: S3SnapshotReader) -> None:
        self._worker = make_worker(settings, snapshots)
        self._stopping = threading.Event()
        waker = SqsWaker(clients.sqs(), settings.relay_queue_url)
        self._thread = threading.Thread(
            target=run, args=(self._worker, waker, self._stopping, self._stopping.wait), name="relay", daemon=True
        )

    def start(self) -> None:
        """Begin to relay."""
        self._thread.start()

    def stop(self, seconds: float) -> bool:
        """Begin nothing more, and wait so many seconds for what is under way; whether all of it ended. Blocking."""
        self._stopping.set()
        self._worker.close()
        return self._worker.finish(seconds)


def make_worker(settings: RelaySettings, snapshots: S3SnapshotReader) -> RelayWorker:
    """The worker over AWS, SMTP and the DNS of the system."""
    tables = clients.dynamodb()
    rows = DueRows(tables, settings.outbox_table)
    messages = S3MessageStore(clients.s3(), settings.message_bucket)
    own_mail = OwnMail(
        messages=messages,
        outbox=DynamoOutbox(tables, settings.outbox_table),
        outgoing=MachineFilter(clients.state_machine(), settings.outbound_state_machine_arn, snapshots),
        now=rows.now,
    )
    reports = Reports(
        mail=own_mail,
        directory=DynamoDirectory(tables, settings.accounts_table, settings.aliases_table, snapshots),
        hostname=settings.hostname,
    )
    undeliverable = Undeliverable(
        relay=RelayRows(rows),
        messages=messages,
        quarantine=DynamoQuarantine(tables, settings.quarantine_table),
        notices=SnsNotices(clients.sns(), settings.notice_topic_arn),
        reports=reports,
        note_refused=_note_refused(settings, snapshots),
    )
    stores = RelayStores(relay=RelayRows(rows), messages=messages, snapshots=snapshots)
    return RelayWorker(stores, _ways(settings, rows), undeliverable)


def _note_refused(settings: RelaySettings, snapshots: S3SnapshotReader) -> Callable[[str], None]:
    """Counts what other servers refuse of an account's mail: evidence, should it send too much."""
    table = settings.screening_table
    if table is None:
        return lambda account: None
    sending, policy = DynamoSending(clients.dynamodb(), table), SnapshotSection(snapshots, "hijack", HijackPolicy)
    return lambda account: sending.note_refused(account, 1, utc_now(), policy().window)


def _ways(settings: RelaySettings, rows: DueRows) -> Ways:
    table = settings.sent_messages_table
    ledger = DynamoSentMessages(clients.dynamodb(), table) if table else None
    return Ways(
        router=Router(dns.SystemResolver, settings.hostname),
        smtp=SmtpSender(Links(Opener(settings.hostname, _password_of))),
        ses=SesSender(clients.ses(), ledger, rows.now),
    )


def _password_of(secret: str) -> str:
    return read_password(clients.secrets(), secret)
