"""The relay worker over AWS, as a part of the front end's process."""

from __future__ import annotations

import threading

from postern_aws import clients
from postern_aws.certificates import read_password
from postern_aws.due_rows import DueRows
from postern_aws.message_store import S3MessageStore
from postern_aws.notices import SnsNotices
from postern_aws.policy_snapshot import S3SnapshotReader
from postern_aws.quarantine import DynamoQuarantine
from postern_aws.relay_rows import RelayRows, SqsWaker
from postern_aws.settings import RelaySettings
from postern_frontend.relay.attempt import SmtpSender
from postern_frontend.relay.worker import RelayStores, RelayWorker, Sender, run


class RelayService:
    """Relays in a thread of its own: `start`, then `stop`."""

    def __init__(self, settings: RelaySettings, snapshots: S3SnapshotReader, sender: Sender | None = None) -> None:
        stores = RelayStores(
            relay=RelayRows(DueRows(clients.dynamodb(), settings.outbox_table)),
            messages=S3MessageStore(clients.s3(), settings.message_bucket),
            quarantine=DynamoQuarantine(clients.dynamodb(), settings.quarantine_table),
            notices=SnsNotices(clients.sns(), settings.notice_topic_arn),
            snapshots=snapshots,
        )
        waker = SqsWaker(clients.sqs(), settings.relay_queue_url)
        self._worker = RelayWorker(stores, sender or SmtpSender(settings.hostname, _password_of))
        self._stopping = threading.Event()
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


def _password_of(secret: str) -> str:
    return read_password(clients.secrets(), secret)
