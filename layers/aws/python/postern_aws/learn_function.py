"""What learn does: requests from the queue to lessons in the journal, and from time to time a new snapshot."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from postern.bayes.codec import SnapshotError
from postern.bayes.compaction import Compaction, Outcome, Refusal, snapshot_version
from postern.bayes.features import extract
from postern.bayes.lessons import Lesson, forget, teach
from postern.bayes.model import Model
from postern.bayes.requests import Label, LearnRequest, read_request
from postern.bayes.seed import seed_model
from postern.bayes.stores import SnapshotReplaced
from postern.checks.bayes import BayesPolicy
from postern.message import parse_message
from postern.model import MessageReference
from postern.ports import Unavailable
from postern.text.view import view_text
from postern.wire import WireError
from postern_aws import clients, metrics
from postern_aws.clients import http_status
from postern_aws.learning_journal import Changes, DynamoJournal
from postern_aws.learnt_snapshots import S3LearntSnapshots
from postern_aws.message_store import S3MessageStore
from postern_aws.notices import Notice, SnsNotices
from postern_aws.policy_snapshot import S3SnapshotReader
from postern_aws.runtime import logger
from postern_aws.settings import LearnSettings

Json = Any

AT_ONCE = 8
FEWEST = 20
"""Fewer lessons than this wait until the last snapshot is an hour old."""

SHARE = 50
"""In a large set a fiftieth of it is worth a snapshot at once."""

LONGEST_SECONDS = 3600
CLAIM_SECONDS = 900
"""How long nobody else makes a snapshot; longer than the function may run."""

TRIES = 3


@dataclass(frozen=True, slots=True)
class LearnFunction:
    """Learns on request; made once per process."""

    messages: S3MessageStore
    journal: DynamoJournal
    snapshots: S3LearntSnapshots
    policy: S3SnapshotReader
    notices: SnsNotices

    @classmethod
    def of(cls, settings: LearnSettings) -> LearnFunction:
        """The real one."""
        bucket = settings.message_bucket
        return cls(
            S3MessageStore(clients.s3(), bucket),
            DynamoJournal(clients.dynamodb(), settings.bayes_tokens_table, time.time),
            S3LearntSnapshots(clients.s3(), bucket),
            S3SnapshotReader(clients.s3(), bucket),
            SnsNotices(clients.sns(), settings.notice_topic_arn),
        )

    def run(self, event: Json) -> Json:
        """Learn from the queue's messages, if the event has any, and make a snapshot if one is due.

        The answer names the messages to send again. An event without messages may say `{"now": true}`.
        """
        failed = [record["messageId"] for record in event.get("Records", ()) if not self._learn_record(record)]
        changes = self.journal.changes()
        if is_due(changes, time.time()) or (event.get("now") is True and changes.lessons):
            self._make_snapshot()
        return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}

    def _learn_record(self, record: Json) -> bool:
        """Whether a request is done. What goes wrong is logged; the queue sends it again, and at last puts it aside."""
        try:
            request = read_request(record["body"])
            self.learn(request)
        except (Unavailable, WireError) as trouble:
            logger.error("A request to learn could not be done", exc_info=trouble)
            return False
        return True

    def learn(self, request: LearnRequest) -> None:
        """Note what a request teaches. A message that is gone teaches nothing. Raises `Unavailable`."""
        self.journal.count(len(request.messages))
        with ThreadPoolExecutor(min(AT_ONCE, len(request.messages)), "message") as pool:
            tasks = [pool.submit(copy_context().run, self._lesson, one, request) for one in request.messages]
        lessons = [lesson for task in tasks if (lesson := task.result()) is not None]
        self.journal.note(lessons)
        metrics.emit({metrics.LESSONS: len(lessons)}, source=request.source, label=request.label.value)

    def _lesson(self, reference: MessageReference, request: LearnRequest) -> Lesson | None:
        try:
            raw = self.messages.read(reference)
        except Unavailable as trouble:
            if isinstance(trouble.__cause__, ClientError) and http_status(trouble.__cause__) == 404:
                logger.warning("A message to learn from is gone", key=reference.key)
                return None
            raise
        return lesson_of(raw, request)

    # --- snapshots ----------------------------------------------------------------------------------------

    def _make_snapshot(self) -> None:
        """Unless somebody else is making one. Trouble is raised: the claim ends, and the next call tries again."""
        if not self.journal.claim(time.time() + CLAIM_SECONDS):
            return
        changes = self.journal.changes()  # what was read before the claim may be in somebody else's snapshot
        outcome = self._compact()
        self.journal.release(changes, outcome.totals.hams + outcome.totals.spams)
        metrics.emit(
            {metrics.KNOWN_HAM: outcome.totals.hams, metrics.KNOWN_SPAM: outcome.totals.spams},
            version=outcome.about.version if outcome.about else "",
            changes={change.value: count for change, count in outcome.changes.items()},
        )
        for refusal in outcome.refusals:
            self._tell(refusal)

    def _compact(self) -> Outcome:
        for _ in range(TRIES):
            try:
                return Compaction(self.journal, self.snapshots, self._seed, _now, _version).run()
            except SnapshotReplaced:
                continue
            except SnapshotError as damage:
                raise Unavailable(f"what was learnt cannot be read: {damage}") from damage
        raise Unavailable("what was learnt changes faster than a snapshot can be made")

    def _seed(self) -> Model | None:
        """The shipped model, unless policy does not believe it."""
        try:
            policy = self.policy.current().book.section("bayes", BayesPolicy)
        except Unavailable:
            return seed_model()
        return seed_model() if policy.seed else None

    def _tell(self, refusal: Refusal) -> None:
        text = (
            f"{refusal.messages} messages that {refusal.source} taught are not learnt: {refusal.reason}.\n\n"
            "They are kept aside for 30 days. `postern bayes held` shows them; `postern bayes accept` learns them all"
            " the same, `postern bayes drop` forgets them.\n"
        )
        facts = {"source": refusal.source, "messages": refusal.messages, "reason": refusal.reason}
        metrics.emit({metrics.LESSONS_REFUSED: refusal.messages}, source=refusal.source, reason=refusal.reason)
        self.notices.tell(Notice("learning_refused", f"{refusal.messages} messages were not learnt", text, facts))


def lesson_of(raw: bytes, request: LearnRequest) -> Lesson:
    """What a message teaches."""
    message = parse_message(raw)
    if request.label is Label.FORGOTTEN:
        return forget(message, taught_at=request.taught_at, source=request.source)
    return teach(
        message,
        extract(message, view_text(message)),
        request.label,
        taught_at=request.taught_at,
        source=request.source,
        automatic=request.automatic,
        forced=request.forced,
    )


def is_due(changes: Changes, now: float) -> bool:
    """Whether a snapshot is worth its price: many lessons for the size of the set, or any after an hour."""
    enough = max(FEWEST, changes.known // SHARE)
    return changes.lessons >= enough or (changes.lessons > 0 and now - changes.since >= LONGEST_SECONDS)


def _now() -> datetime:
    return datetime.now(UTC)


def _version(made_at: datetime) -> str:
    return snapshot_version(made_at, os.urandom(2).hex())
