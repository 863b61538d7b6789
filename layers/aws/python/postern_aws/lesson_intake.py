"""Messages that people forward to a learning address: what is attached is learnt, by who sent it.

Only mail of an authenticated account counts, and of it only whole messages as attachments (`message/rfc822`): what a
program quotes into the text is not what was received.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from postern.bayes.requests import MAX_MESSAGES, MAX_SOURCE, UPLOADS, Label, LearnRequest
from postern.checks.bayes import BayesPolicy
from postern.message import parse_message
from postern.mime.parts import MESSAGE_TYPES, Part
from postern.model import Transaction
from postern.policy import PolicyError
from postern.ports import Unavailable
from postern_aws.filter_machine import Snapshots
from postern_aws.learn_queue import LearnQueue
from postern_aws.message_store import S3MessageStore
from postern_aws.outbox import Commit


@dataclass(frozen=True, slots=True)
class LessonIntake:
    """Takes lessons out of delivered mail. `report` is told what could not be taken, and why."""

    messages: S3MessageStore
    queue: LearnQueue
    snapshots: Snapshots
    report: Callable[[str, Exception], None]

    def take(self, commit: Commit, raw: bytes) -> None:
        """Have the attached messages learnt. Trouble is told, not raised: the message itself is in its mailbox."""
        transaction = commit.transaction
        account = transaction.session.authenticated_as if transaction.session else None
        if not account:
            return
        try:
            for label in self._labels(transaction):
                self._teach(label, account, transaction, raw)
        except (Unavailable, PolicyError) as trouble:
            self.report(transaction.transaction_id, trouble)

    def _labels(self, transaction: Transaction) -> set[Label]:
        """As what the recipients say that attached messages are; nothing when they contradict each other."""
        settings = self.snapshots.current().book.section("bayes", BayesPolicy)
        named = ((Label.SPAM, settings.spam_addresses), (Label.HAM, settings.ham_addresses))
        reached = {one.lower() for to in transaction.recipients for one in (to.address, to.forward_path)}
        found = {label for label, addresses in named if not reached.isdisjoint(one.lower() for one in addresses)}
        return found if len(found) == 1 else set()

    def _teach(self, label: Label, account: str, transaction: Transaction, raw: bytes) -> None:
        attached = list(_attached(parse_message(raw).root))[:MAX_MESSAGES]
        if not attached:
            return
        stored = tuple(self.messages.put_copy(f"{UPLOADS}{hashlib.sha256(one).hexdigest()}", one) for one in attached)
        taught_at = round(transaction.received_at.timestamp() * 1000)
        self.queue.send([LearnRequest(label, stored, taught_at, _source(account))])


def _attached(part: Part) -> Iterator[bytes]:
    """The messages attached to a message, but not those attached to them."""
    for child in part.children:
        if part.content_type in MESSAGE_TYPES:
            yield child.source[child.offset : child.end]
        else:
            yield from _attached(child)


def _source(account: str) -> str:
    """Who teaches; an address that is no word of ASCII by its hash."""
    name = account if account.isascii() and len(account) < MAX_SOURCE - 20 and " " not in account else ""
    return f"address:{name or hashlib.sha256(account.encode()).hexdigest()[:16]}"
