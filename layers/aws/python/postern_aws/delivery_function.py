"""What deliver_message and sweep do: deliver what the stream tells, and what the stream left undone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from postern.ports import Unavailable
from postern.wire import WireError
from postern_aws import clients, metrics
from postern_aws.auto_teacher import AutoTeacher
from postern_aws.correspondent_intake import CorrespondentIntake
from postern_aws.correspondents import DynamoCorrespondents
from postern_aws.delivery import Delivery, DeliveryStores
from postern_aws.due_rows import DELIVER_QUEUE, RELAY_QUEUE, DueRow, DueRows
from postern_aws.items import epoch
from postern_aws.learn_queue import LearnQueue
from postern_aws.lesson_intake import LessonIntake
from postern_aws.mailboxes import DynamoMailboxes
from postern_aws.message_store import S3MessageStore
from postern_aws.notices import Notice, SnsNotices
from postern_aws.outbox import COMMIT, Commit, DynamoOutbox
from postern_aws.policy_snapshot import S3SnapshotReader
from postern_aws.quarantine import DynamoQuarantine
from postern_aws.received_reports import DynamoReceivedReports
from postern_aws.relay_rows import RelayRows, SqsWaker
from postern_aws.report_intake import ReportIntake
from postern_aws.runtime import logged_with, logger
from postern_aws.settings import DeliverySettings

Json = Any

LEASE = timedelta(minutes=2)
STUCK_AFTER = timedelta(minutes=15)
"""Overdue rows of this age make an alarm: stream, sweeper or relay worker have had several tries."""

ROWS_PER_SWEEP = 50
SWEEP_SECONDS = 35
"""How long one sweep delivers; what is left is the next one's, a minute later."""

STUCK_LISTED = 20


@dataclass(frozen=True, slots=True)
class Services:
    """Everything delivery works with, made from the settings."""

    delivery: Delivery
    rows: DueRows
    waker: SqsWaker
    notices: SnsNotices


def services(settings: DeliverySettings) -> Services:
    """The real ones."""
    rows = DueRows(clients.dynamodb(), settings.outbox_table)
    waker = SqsWaker(clients.sqs(), settings.relay_queue_url)
    messages = S3MessageStore(clients.s3(), settings.message_bucket)
    snapshots = S3SnapshotReader(clients.s3(), settings.message_bucket)
    learning = LearnQueue(clients.sqs(), settings.learn_queue_url) if settings.learn_queue_url is not None else None
    stores = DeliveryStores(
        outbox=DynamoOutbox(clients.dynamodb(), settings.outbox_table),
        messages=messages,
        mailboxes=DynamoMailboxes(clients.dynamodb(), settings.mailboxes_table),
        quarantine=DynamoQuarantine(clients.dynamodb(), settings.quarantine_table),
        relay=RelayRows(rows),
        waker=waker,
        reports=_intake(settings, snapshots),
        correspondents=_correspondents(settings, snapshots),
        teacher=AutoTeacher(learning, _report_not_taught) if learning else None,
        lessons=LessonIntake(messages, learning, snapshots, _report_not_taught) if learning else None,
    )
    return Services(Delivery(stores), rows, waker, SnsNotices(clients.sns(), settings.notice_topic_arn))


def _intake(settings: DeliverySettings, snapshots: S3SnapshotReader) -> ReportIntake | None:
    if settings.received_reports_table is None:
        return None
    table = DynamoReceivedReports(clients.dynamodb(), settings.received_reports_table)
    return ReportIntake(table, snapshots, _report_not_taken)


def _correspondents(settings: DeliverySettings, snapshots: S3SnapshotReader) -> CorrespondentIntake | None:
    if settings.correspondents_table is None:
        return None
    table = DynamoCorrespondents(clients.dynamodb(), settings.correspondents_table)
    return CorrespondentIntake(table, snapshots, _report_not_learnt)


def _report_not_learnt(transaction_id: str, trouble: Exception) -> None:
    logger.warning("Correspondents were not remembered", transaction_id=transaction_id, trouble=str(trouble))


def _report_not_taught(transaction_id: str, trouble: Exception) -> None:
    logger.warning("A message was not learnt from", transaction_id=transaction_id, trouble=str(trouble))


def _report_not_taken(transaction_id: str, trouble: Exception) -> None:
    logger.warning("A report was not taken", transaction_id=transaction_id, trouble=str(trouble))


# --- the stream -------------------------------------------------------------------------------------------


def deliver_records(event: Json, delivery: Delivery) -> Json:
    """Deliver the commits of a batch of stream records; the answer names the records to send again.

    Only the keys of a record are used: the row itself is read, so that an old record does no harm.
    """
    failed = [record for record in event.get("Records", ()) if not _deliver_record(record, delivery)]
    return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]} for record in failed]}


def _deliver_record(record: Mapping[str, Any], delivery: Delivery) -> bool:
    keys = record["dynamodb"]["Keys"]
    if record.get("eventName") == "REMOVE" or keys["part"]["S"] != COMMIT:
        return True
    return deliver_commit(keys["id"]["S"], delivery)


def deliver_commit(fingerprint: str, delivery: Delivery) -> bool:
    """Deliver one commit; whether it is done. What goes wrong is logged and counted, and done again later."""
    with logged_with(fingerprint=fingerprint):
        try:
            commit = delivery.deliver(fingerprint)
        except (Unavailable, WireError) as trouble:
            logger.error("A commit could not be delivered", exc_info=trouble)
            metrics.emit({metrics.DELIVERY_FAILED: 1}, fingerprint=fingerprint, trouble=str(trouble))
            return False
        if commit is not None:
            _report(commit)
        return True


def _report(commit: Commit) -> None:
    dispositions = [one.disposition.value for one in commit.decision.recipients]
    logger.info("Delivered", transaction_id=commit.transaction.transaction_id, dispositions=dispositions)


# --- the sweeper ------------------------------------------------------------------------------------------


def sweep(services: Services) -> Json:
    """Deliver what is overdue, wake the relay worker when it has something to do, tell of what is stuck."""
    end = time.monotonic() + SWEEP_SECONDS
    overdue = services.rows.due(DELIVER_QUEUE, ROWS_PER_SWEEP)
    failed = [row for row in overdue if time.monotonic() < end and not _deliver_again(row, services)]
    waiting = services.rows.due(RELAY_QUEUE, ROWS_PER_SWEEP)
    if waiting:
        services.waker.wake()
    stuck = [row for row in failed if _is_old(row, services.rows)]
    stuck += [row for row in waiting if services.rows.now() - row.next_attempt > STUCK_AFTER]
    metrics.emit({metrics.STUCK_ROWS: len(stuck)}, overdue=len(overdue), failed=len(failed), relaying=len(waiting))
    _tell([row for row in stuck if services.rows.note_alarm(row)], services.notices)
    return {"overdue": len(overdue), "failed": len(failed), "relaying": len(waiting), "stuck": len(stuck)}


def _deliver_again(row: DueRow, services: Services) -> bool:
    """Whether the row is done, or somebody else's."""
    return not services.rows.claim(row, LEASE) or deliver_commit(row.id, services.delivery)


def _is_old(row: DueRow, rows: DueRows) -> bool:
    committed_at = int(rows.read(row.key).get("committed_at", epoch(rows.now())))
    return committed_at < epoch(rows.now() - STUCK_AFTER)


def _tell(stuck: Sequence[DueRow], notices: SnsNotices) -> None:
    """One notice about all rows that were not stuck before."""
    if not stuck:
        return
    lines = [f"{row.queue}: {row.id} {row.part}" for row in stuck[:STUCK_LISTED]]
    text = f"{len(stuck)} accepted copies cannot be delivered. They are kept and tried again.\n\n" + "\n".join(lines)
    rows = [{"queue": row.queue, **row.key} for row in stuck[:STUCK_LISTED]]
    notices.tell(Notice("delivery_stuck", "accepted mail cannot be delivered", text, {"rows": rows}))
