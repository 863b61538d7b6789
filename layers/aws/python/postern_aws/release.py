"""What a person does with a held copy: let it go where it was meant to go, or remove it.

Both can be repeated: a copy that stopped half-way is released again without arriving twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from postern.message import parse_message
from postern.message_summary import summarize
from postern.model import MessageReference, Route
from postern_aws.due_rows import RELAY_QUEUE
from postern_aws.items import epoch
from postern_aws.mailboxes import Delivered, DynamoMailboxes, Folder
from postern_aws.message_store import S3MessageStore, mail_key
from postern_aws.quarantine import DynamoQuarantine, HeldMessage
from postern_aws.relay_rows import RelayCopy, RelayRows, RelayState, SqsWaker


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCopies:
    """The quarantine together with where its copies can go."""

    quarantine: DynamoQuarantine
    messages: S3MessageStore
    mailboxes: DynamoMailboxes
    relay: RelayRows
    waker: SqsWaker

    def release(self, held: HeldMessage) -> None:
        """Deliver a held copy to the inbox, or queue it for the recipient's own server. Raises `Unavailable`."""
        content = self.messages.read(held.reference)
        reference = self.messages.put_copy(mail_key(held.mailbox, held.transaction_id), content)
        if held.route is not Route.MAILBOX:
            self._queue(held, reference)
        else:
            summary = summarize(parse_message(content))
            message = Delivered(held.transaction_id, reference, held.received_at, summary)
            self.mailboxes.add(held.mailbox, Folder.INBOX, message)
        self.delete(held)

    def delete(self, held: HeldMessage) -> None:
        """Remove a held copy for good. Raises `Unavailable`."""
        self.quarantine.remove(held)
        self.messages.delete(held.reference.key)

    def _queue(self, held: HeldMessage, reference: MessageReference) -> None:
        now = self.relay.rows.now()
        needs_utf8 = not f"{held.mailbox}{held.reverse_path or ''}".isascii()
        copy = RelayCopy(
            held.transaction_id, held.mailbox, held.reverse_path, reference, now, smtputf8=needs_utf8, route=held.route
        )
        if not self.relay.add(copy):
            self._queue_again(copy)
        self.waker.wake()

    def _queue_again(self, copy: RelayCopy) -> None:
        """Wake the row of a copy that the relay worker once gave up on; one that waits is left as it is."""
        self.relay.rows.update(
            copy.key,
            "SET #state = :waiting, #key = :key, queue = :queue, next_attempt = :now, queued_at = :now,"
            " attempts = :none REMOVE expires_at",
            "#state = :quarantined",
            {
                ":waiting": RelayState.WAITING.value,
                ":quarantined": RelayState.QUARANTINED.value,
                ":key": copy.reference.key,
                ":queue": RELAY_QUEUE,
                ":now": epoch(copy.queued_at),
                ":none": 0,
            },
            {"#state": "state", "#key": "key"},
        )
