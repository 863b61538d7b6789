"""From a commit to the copies: mailbox, quarantine or relay, for every recipient.

Whatever happens twice happens once: copies have the same key and octets, mailboxes know the transaction, rows are
put on condition. So a delivery that stopped half-way is simply done again.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from postern.delivery_status.request import report_request
from postern.header_lines import encode_field
from postern.message import parse_message
from postern.message_summary import MessageSummary, summarize
from postern.model import Disposition, HeaderField, MessageReference, Recipient, RecipientDecision, Route
from postern.ports import Unavailable
from postern.stamping import return_path, stamp
from postern.subject_tag import tag_subject
from postern_aws.auto_teacher import AutoTeacher
from postern_aws.correspondent_intake import CorrespondentIntake
from postern_aws.lesson_intake import LessonIntake
from postern_aws.mailboxes import Delivered, DynamoMailboxes, Folder
from postern_aws.message_store import S3MessageStore, mail_key, quarantine_key
from postern_aws.outbox import Commit, CommitState, DynamoOutbox
from postern_aws.quarantine import DynamoQuarantine, HeldMessage
from postern_aws.relay_rows import RelayCopy, RelayRows, SqsWaker
from postern_aws.report_intake import ReportIntake

COPIES_AT_ONCE = 8
LARGE_OCTETS = 4 * 1024 * 1024
"""Copies of a message above this are made one after another: each is a copy in memory."""

COPIES_KEPT = 2
"""Different copies of one message in memory; one may have 50 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStores:
    """Where delivery reads and writes."""

    outbox: DynamoOutbox
    messages: S3MessageStore
    mailboxes: DynamoMailboxes
    quarantine: DynamoQuarantine
    relay: RelayRows
    waker: SqsWaker
    reports: ReportIntake | None = None
    correspondents: CorrespondentIntake | None = None
    teacher: AutoTeacher | None = None
    lessons: LessonIntake | None = None


@dataclass(frozen=True, slots=True)
class StampedCopy:
    """The octets of a copy and its summary."""

    content: bytes
    summary: MessageSummary


class Delivery:
    """Delivers commits."""

    def __init__(self, stores: DeliveryStores) -> None:
        self._stores = stores

    def deliver(self, fingerprint: str) -> Commit | None:
        """Deliver the commit with this fingerprint, unless it is done or void; the commit, if there was one to do.

        Raises `Unavailable` when some copy could not be delivered; the others are.
        """
        commit = self._stores.outbox.read(fingerprint)
        if commit is None or commit.state is CommitState.DELIVERED:
            return None
        raw = self._stores.messages.read(commit.transaction.message)
        self._deliver_all(commit, Copies(raw, commit))
        if self._stores.reports is not None:
            self._stores.reports.take(commit, raw)
        if self._stores.correspondents is not None:
            self._stores.correspondents.take(commit, raw)
        if self._stores.lessons is not None:
            self._stores.lessons.take(commit, raw)
        if self._stores.teacher is not None:
            self._stores.teacher.teach(commit.transaction, commit.decision)
        self._stores.outbox.mark_delivered(fingerprint, commit.transaction.transaction_id)
        return commit

    def _deliver_all(self, commit: Commit, copies: Copies) -> None:
        pairs = tuple(zip(commit.transaction.recipients, commit.decision.recipients, strict=True))
        at_once = 1 if commit.transaction.message.size > LARGE_OCTETS else min(COPIES_AT_ONCE, max(1, len(pairs)))
        with ThreadPoolExecutor(at_once, "copy") as pool:
            tasks = [pool.submit(copy_context().run, self._deliver_one, commit, pair, copies) for pair in pairs]
        troubles = [trouble for task in tasks if (trouble := task.exception()) is not None]
        if any(recipient.route is not Route.MAILBOX for recipient, _ in pairs):
            self._stores.waker.wake()
        if troubles:
            raise Unavailable(f"{len(troubles)} of {len(pairs)} copies could not be delivered") from troubles[0]

    def _deliver_one(self, commit: Commit, pair: tuple[Recipient, RecipientDecision], copies: Copies) -> None:
        recipient, decided = pair
        match decided.disposition:
            case Disposition.ACCEPT | Disposition.JUNK:
                self._pass_on(commit, recipient, decided, copies)
            case Disposition.QUARANTINE:
                self._hold(commit, recipient, decided, copies)
            case Disposition.DISCARD:
                return
            case _:
                raise Unavailable(f"a commit asks to {decided.disposition} a copy")

    def _pass_on(self, commit: Commit, recipient: Recipient, decided: RecipientDecision, copies: Copies) -> None:
        if recipient.route is not Route.MAILBOX:
            self._queue(commit, recipient, copies.of(recipient, decided))
            return
        transaction = commit.transaction
        folder = Folder.JUNK if decided.disposition is Disposition.JUNK else Folder.INBOX
        copy = copies.of(recipient, decided)
        reference = self._put(mail_key(recipient.address, transaction.transaction_id), copy)
        message = Delivered(transaction.transaction_id, reference, transaction.received_at, copy.summary)
        self._stores.mailboxes.add(recipient.address, folder, message)

    def _queue(self, commit: Commit, recipient: Recipient, copy: StampedCopy) -> None:
        transaction, decision = commit.transaction, commit.decision
        envelope, session = transaction.envelope, transaction.session
        tagged = decision.reverse_path
        self._stores.relay.add(
            RelayCopy(
                transaction.transaction_id,
                recipient.address,
                transaction.reverse_path if tagged is None else tagged,
                self._put(mail_key(recipient.address, transaction.transaction_id), copy),
                commit.committed_at,
                smtputf8=envelope is not None and envelope.smtputf8,
                route=recipient.route,
                account=session.authenticated_as or "" if session else "",
                report=report_request(transaction, recipient, decision.headers),
            )
        )

    def _hold(self, commit: Commit, recipient: Recipient, decided: RecipientDecision, copies: Copies) -> None:
        transaction = commit.transaction
        copy = copies.of(recipient, decided)
        envelope = copy.summary.envelope
        self._stores.quarantine.hold(
            HeldMessage(
                recipient.address,
                transaction.transaction_id,
                transaction.received_at,
                self._put(quarantine_key(recipient.address, transaction.transaction_id), copy),
                recipient.route,
                transaction.reverse_path,
                envelope["subject"],
                ", ".join("@".join(author[1:]) for author in envelope["from"]),
                decided.reasons,
                decided.score,
            )
        )

    def _put(self, key: str, copy: StampedCopy) -> MessageReference:
        return self._stores.messages.put_copy(key, copy.content)


class Copies:
    """The stamped copies of one message: recipients whose header fields are the same share one."""

    def __init__(self, raw: bytes, commit: Commit) -> None:
        self._raw = raw
        self._commit = commit
        self._stamping = Lock()
        self._stamped: Callable[[tuple[HeaderField, ...], str], StampedCopy] = lru_cache(COPIES_KEPT)(self._stamp)

    def of(self, recipient: Recipient, decided: RecipientDecision) -> StampedCopy:
        """The copy of a recipient. Final delivery puts two fields on top: Return-Path (RFC 5321 §4.4) and
        Delivered-To, by which a message that comes back through an alias is known (RFC 9228).
        """
        with self._stamping:
            shared = self._stamped((*self._commit.decision.headers, *decided.headers), decided.subject_tag)
        if recipient.route is not Route.MAILBOX:
            return shared
        top = (return_path(self._commit.transaction.reverse_path), HeaderField("Delivered-To", recipient.address))
        return StampedCopy(b"".join(map(encode_field, top)) + shared.content, shared.summary)

    def _stamp(self, headers: tuple[HeaderField, ...], subject_tag: str) -> StampedCopy:
        raw = tag_subject(self._raw, subject_tag)
        stamped = stamp(raw, headers, authserv_id=self._commit.transaction.site.authserv_id)
        return StampedCopy(stamped.message, summarize(parse_message(stamped.message)))
