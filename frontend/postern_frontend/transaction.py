"""From a complete message to its reply: loops, duplicates, storage, filter, commit.

The reply is 250 only after the commit, so 250 means durable. Whatever cannot be done is `451 4.3.0`: the sender
keeps the message. All of it goes on when the client leaves; its second attempt finds the first one's reply.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from postern import replies
from postern.model import (
    Decision,
    Direction,
    Envelope,
    MessageReference,
    Recipient,
    Session,
    Site,
    Transaction,
)
from postern.outgoing.direction import direction_of
from postern.ports import Filter, MessageStore, OutboxStore, OutcomeUnknown, SiteSource, Unavailable
from postern.replies import Reply
from postern_frontend.hops import header_section, loop_refusal, without_loops
from postern_frontend.identifiers import new_id
from postern_frontend.network_slots import NetworkSlots
from postern_frontend.pools import Runner
from postern_frontend.session_log import SessionLog
from postern_frontend.spool import Spool
from postern_frontend.submission_guard import NoGuard, SubmissionGuard

READ_BACK_PAUSES = (0.2, 1.0, 3.0)
"""Seconds before each attempt to find out whether a commit happened."""


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message that has arrived completely, and its envelope. `observations` are symbols of what was unusual.

    `identity` is the digest by which the message is known when it is sent again, if not that of its octets.
    """

    session: Session
    envelope: Envelope
    recipients: tuple[Recipient, ...]
    spool: Spool
    observations: tuple[str, ...] = ()
    direction: Direction = Direction.INBOUND
    identity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What the receiver asks of the world, and the pools it asks through.

    `decided` is told of every decision, on the event loop. `guard` is asked before a message of an account is judged.
    """

    messages: MessageStore
    filter: Filter
    outbox: OutboxStore
    sites: SiteSource
    on_storage: Runner
    on_filter: Runner
    decided: Callable[[Transaction, Decision], None] = lambda transaction, decision: None
    guard: SubmissionGuard = field(default_factory=NoGuard)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterLimits:
    """`deadline_seconds` is the workflow's time; `own_seconds` is when we stop waiting for it."""

    deadline_seconds: float = 50
    own_seconds: float = 58
    per_network: int = 4
    wait_seconds: float = 20


def fingerprint(envelope: Envelope, recipients: tuple[Recipient, ...], sha256: str) -> str:
    """The same reverse-path, recipients and octets give the same 64 hex digits."""
    addresses = sorted({recipient.forward_path for recipient in recipients})
    text = json.dumps([envelope.reverse_path, addresses, sha256])
    return hashlib.sha256(text.encode()).hexdigest()


class Acceptance:
    """Takes complete messages to their replies. One for all sessions."""

    def __init__(
        self, effects: Effects, limits: FilterLimits, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._effects = effects
        self._limits = limits
        self._slots = NetworkSlots(per_network=limits.per_network, wait_seconds=limits.wait_seconds)
        self._now = now

    def stopped(self, account: str, logged_in_at: float) -> Reply | None:
        """Why an account (or nobody: empty) may not begin a message, as far as that is known; never blocks."""
        return self._effects.guard.refusal(account, logged_in_at) if account else None

    async def settle(self, message: ReceivedMessage, log: SessionLog) -> Reply:
        """The reply to a message; never raises `Unavailable`."""
        header = header_section(message.spool)
        if header is None:
            return replies.HEADER_TOO_LARGE
        header = header.lower()
        refusal = loop_refusal(header, self._effects.sites.site().hostname)
        if refusal is not None:
            return refusal
        recipients = without_loops(message.recipients, header)
        if not recipients:
            return replies.MAIL_LOOP
        try:
            return await self._accept(message, recipients, log)
        except Unavailable as trouble:
            log.warning("message deferred", reason=str(trouble))
            return replies.LOCAL_TROUBLE

    async def _accept(self, message: ReceivedMessage, recipients: tuple[Recipient, ...], log: SessionLog) -> Reply:
        received_at = self._now()
        transaction_id = new_id(received_at)
        mark = fingerprint(message.envelope, message.recipients, message.identity or message.spool.sha256())
        stored = await self._effects.on_storage(
            lambda: self._store_unless_known(transaction_id, message.spool, mark, received_at)
        )
        if isinstance(stored, Reply):
            log.info("message known", fingerprint=mark, reply=stored.text)
            return stored
        transaction = self._transaction(message, recipients, stored, transaction_id, received_at)
        reply = await self._effects.guard.take(transaction) or await self._judged(transaction, mark)
        _report(log, transaction, reply, self._now())
        return reply

    async def _judged(self, transaction: Transaction, mark: str) -> Reply:
        """The reply to a message that was counted. A commit that fails may have happened: then it stays counted."""
        try:
            decision = await self._decide(transaction)
        except Unavailable:
            await self._effects.guard.settled(transaction, replies.LOCAL_TROUBLE)
            raise
        self._effects.decided(transaction, decision)
        reply = await self._commit(transaction, decision, mark) if decision.reply.is_positive else decision.reply
        await self._effects.guard.settled(transaction, reply)
        return reply

    def _store_unless_known(
        self, transaction_id: str, spool: Spool, mark: str, received_at: datetime
    ) -> MessageReference | Reply:
        """Blocking: the first reply to the same message, or where this one is stored now."""
        known = self._effects.outbox.find_duplicate(mark, received_at)
        if known is not None:
            return known
        return self._effects.messages.put(transaction_id, spool.open(), size=spool.size, sha256=spool.sha256())

    def _transaction(
        self,
        message: ReceivedMessage,
        recipients: tuple[Recipient, ...],
        stored: MessageReference,
        transaction_id: str,
        received_at: datetime,
    ) -> Transaction:
        site = self._effects.sites.site()
        return Transaction(
            transaction_id=transaction_id,
            received_at=received_at,
            deadline=received_at + timedelta(seconds=self._limits.deadline_seconds),
            session=message.session,
            envelope=message.envelope,
            recipients=recipients,
            message=stored,
            site=site,
            observations=message.observations,
            direction=_direction(message, recipients, site),
        )

    async def _decide(self, transaction: Transaction) -> Decision:
        async with self._slots.slot(transaction.client_ip):
            try:
                async with asyncio.timeout(self._limits.own_seconds):
                    return await self._effects.on_filter(lambda: self._effects.filter.decide(transaction))
            except TimeoutError as error:
                raise Unavailable("the filter took too long") from error

    async def _commit(self, transaction: Transaction, decision: Decision, mark: str) -> Reply:
        """Commit; an outcome that nobody knows is read back, because 250 must be true and 451 should be."""
        try:
            return await self._effects.on_storage(lambda: self._effects.outbox.commit(transaction, decision, mark))
        except OutcomeUnknown as unknown:
            if await self._was_committed(mark, transaction.transaction_id):
                return decision.reply
            raise Unavailable("the commit did not happen, or cannot be read back") from unknown

    async def _was_committed(self, mark: str, transaction_id: str) -> bool:
        for pause in READ_BACK_PAUSES:
            await asyncio.sleep(pause)
            try:
                return await self._effects.on_storage(lambda: self._effects.outbox.is_committed(mark, transaction_id))
            except Unavailable:
                continue
        return False


def _direction(message: ReceivedMessage, recipients: tuple[Recipient, ...], site: Site) -> Direction:
    """The way it came says that a message goes out; else whoever sends it does."""
    if message.direction is Direction.OUTBOUND:
        return Direction.OUTBOUND
    return direction_of(message.session, message.envelope, recipients, site)


def _report(log: SessionLog, transaction: Transaction, reply: Reply, now: datetime) -> None:
    log.info(
        "message",
        transaction_id=transaction.transaction_id,
        reverse_path=transaction.reverse_path,
        recipients=len(transaction.recipients),
        size=transaction.message.size,
        reply=f"{reply.code} {reply.enhanced or ''}".rstrip(),
        observations=transaction.observations,
        milliseconds=round((now - transaction.received_at).total_seconds() * 1000),
    )
