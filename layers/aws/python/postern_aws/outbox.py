"""The Outbox: what was accepted, until it is delivered.

The row of a commit has the fingerprint as its key, so that one conditional put is both the commit and the test for a
duplicate. It says `committed`, then `delivered`; `void` marks a commit that we gave up on before we knew its outcome,
so that it cannot happen afterwards. Rows with something to do carry `queue` and `next_attempt`, the keys of the
sparse index `due`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from postern import replies
from postern.model import Decision, Transaction
from postern.ports import OutcomeUnknown, Unavailable
from postern.replies import Reply
from postern.wire import from_json, truncate
from postern_aws.clients import error_code, http_status
from postern_aws.due_rows import DELIVER_QUEUE, DueRows, utc_now
from postern_aws.items import MAX_ITEM_OCTETS, epoch, from_item, packed, to_item, unpacked

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

COMMIT = "commit"

DUPLICATE_WINDOW = timedelta(hours=24)
KEPT_AFTER_DELIVERY = timedelta(days=3)
STREAM_HEAD_START = timedelta(minutes=2)
"""How long the stream has to deliver before the sweeper looks at a row."""

_CONTENT_OCTETS = MAX_ITEM_OCTETS - 16 * 1024
_WORDS_KEPT = 500
_SETTLING_TRIES = 3

_MAY_COMMIT = (
    "attribute_not_exists(id) OR (#state = :delivered AND committed_at < :window)"
    " OR (#state = :void AND NOT contains(voided, :transaction_id))"
)
_MAY_VOID = "attribute_not_exists(id) OR #state = :void OR (#state = :delivered AND committed_at < :window)"


class CommitState(StrEnum):
    """How far a commit has come."""

    COMMITTED = "committed"
    DELIVERED = "delivered"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Commit:
    """A committed message: what was accepted, and what was decided for each recipient."""

    fingerprint: str
    state: CommitState
    transaction: Transaction
    decision: Decision
    committed_at: datetime
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class DynamoOutbox:
    """The Outbox table as the receiver and delivery see it. Implements `ports.OutboxStore`."""

    client: DynamoDBClient
    table: str
    now: Callable[[], datetime] = utc_now

    # --- the receiver -------------------------------------------------------------------------------------

    def find_duplicate(self, fingerprint: str, now: datetime) -> Reply | None:
        """The first 250 given to the same message in the last 24 hours. Raises `Unavailable`."""
        row = self._row(fingerprint)
        if not row or row["state"] == CommitState.VOID:
            return None
        is_old = int(row["committed_at"]) < epoch(now - DUPLICATE_WINDOW)
        if is_old and row["state"] == CommitState.DELIVERED:
            return None
        return replies.accepted(str(row["transaction_id"]))

    def commit(self, transaction: Transaction, decision: Decision, fingerprint: str) -> Reply:
        """Commit once and for all and return the reply to give.

        When a put ends without an answer it is settled by a second conditional write: either the commit is found,
        or it is made impossible. Raises `Unavailable` when it did not happen and will not, `OutcomeUnknown` when not
        even that can be said.
        """
        row = self._commit_row(transaction, decision, fingerprint)
        try:
            self.client.put_item(
                TableName=self.table,
                Item=to_item(row),
                ConditionExpression=_MAY_COMMIT,
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues=to_item(
                    {
                        ":delivered": CommitState.DELIVERED.value,
                        ":void": CommitState.VOID.value,
                        ":window": epoch(self.now() - DUPLICATE_WINDOW),
                        ":transaction_id": transaction.transaction_id,
                    }
                ),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except (BotoCoreError, ClientError) as trouble:
            return self._after(trouble, transaction, decision, fingerprint)
        return decision.reply

    def is_committed(self, fingerprint: str, transaction_id: str) -> bool:
        """Whether the commit of this transaction happened, read consistently. Raises `Unavailable`."""
        row = self._row(fingerprint)
        return bool(row) and row["state"] != CommitState.VOID and row["transaction_id"] == transaction_id

    # --- delivery -----------------------------------------------------------------------------------------

    def read(self, fingerprint: str) -> Commit | None:
        """The commit, read consistently; `None` when there is none. Raises `Unavailable`, `WireError`."""
        row = self._row(fingerprint)
        if not row or row["state"] == CommitState.VOID:
            return None
        content = unpacked(row["content"])
        return Commit(
            fingerprint,
            CommitState(row["state"]),
            from_json(Transaction, content["transaction"]),
            from_json(Decision, content["decision"]),
            datetime.fromtimestamp(int(row["committed_at"]), UTC),
            int(row.get("attempts", 0)),
        )

    def mark_delivered(self, fingerprint: str, transaction_id: str) -> None:
        """Take the commit out of the queue; it stays for a while to recognise duplicates. Raises `Unavailable`."""
        self._rows.update(
            {"id": fingerprint, "part": COMMIT},
            "SET #state = :delivered, delivered_at = :now, expires_at = :expires REMOVE queue, next_attempt",
            "transaction_id = :transaction_id",
            {
                ":delivered": CommitState.DELIVERED.value,
                ":now": epoch(self.now()),
                ":expires": epoch(self.now() + KEPT_AFTER_DELIVERY),
                ":transaction_id": transaction_id,
            },
            {"#state": "state"},
        )

    # --- inside -------------------------------------------------------------------------------------------

    def _commit_row(self, transaction: Transaction, decision: Decision, fingerprint: str) -> dict[str, object]:
        content = packed({"transaction": transaction, "decision": decision})
        if len(content) > _CONTENT_OCTETS:
            raise Unavailable("the commit is larger than DynamoDB takes")
        return {
            "id": fingerprint,
            "part": COMMIT,
            "state": CommitState.COMMITTED.value,
            "transaction_id": transaction.transaction_id,
            "committed_at": epoch(self.now()),
            "reverse_path": truncate(transaction.reverse_path or "<>", _WORDS_KEPT),
            "recipients": len(transaction.recipients),
            "content": content,
            "queue": DELIVER_QUEUE,
            "next_attempt": epoch(self.now() + STREAM_HEAD_START),
        }

    def _after(self, trouble: Exception, transaction: Transaction, decision: Decision, fingerprint: str) -> Reply:
        if error_code(trouble) == "ConditionalCheckFailedException":
            return _reply_of_existing(trouble, decision)
        if _was_refused(trouble):
            raise Unavailable("the commit was refused") from trouble
        return self._settle(transaction, decision, fingerprint)

    def _settle(self, transaction: Transaction, decision: Decision, fingerprint: str) -> Reply:
        """Find out what became of a put without an answer, and make sure that it stays so."""
        latest: Exception | None = None
        for _ in range(_SETTLING_TRIES):
            try:
                self._void(transaction.transaction_id, fingerprint)
            except (BotoCoreError, ClientError) as trouble:
                if error_code(trouble) == "ConditionalCheckFailedException":
                    return _reply_of_existing(trouble, decision)
                latest = trouble
            else:
                raise Unavailable("the commit got no answer and was made void")
        raise OutcomeUnknown("whether the commit happened cannot be found out") from latest

    def _void(self, transaction_id: str, fingerprint: str) -> None:
        now = self.now()
        self.client.update_item(
            TableName=self.table,
            Key=to_item({"id": fingerprint, "part": COMMIT}),
            UpdateExpression="SET #state = :void, expires_at = :expires ADD voided :ids",
            ConditionExpression=_MAY_VOID,
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues=to_item(
                {
                    ":void": CommitState.VOID.value,
                    ":delivered": CommitState.DELIVERED.value,
                    ":window": epoch(now - DUPLICATE_WINDOW),
                    ":expires": epoch(now + KEPT_AFTER_DELIVERY),
                    ":ids": {transaction_id},
                }
            ),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def _row(self, fingerprint: str) -> dict[str, Any]:
        return self._rows.read({"id": fingerprint, "part": COMMIT})

    @property
    def _rows(self) -> DueRows:
        return DueRows(self.client, self.table, self.now)


def _was_refused(trouble: Exception) -> bool:
    """Whether AWS says that it did not do it.

    A server error or no answer at all says nothing; nor does the refusal of a call that botocore had sent before.
    """
    response: Any = trouble.response if isinstance(trouble, ClientError) else {}
    was_repeated = response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
    return 400 <= http_status(trouble) < 500 and not was_repeated


def _reply_of_existing(trouble: Exception, decision: Decision) -> Reply:
    """The reply for a message whose commit exists: ours after a repeated put, or the first one's."""
    response: Any = trouble.response if isinstance(trouble, ClientError) else {}
    existing = from_item(response.get("Item", {}))
    first = str(existing.get("transaction_id", ""))
    if not first or existing.get("state") == CommitState.VOID:
        raise Unavailable("the commit was made void") from trouble
    return decision.reply if first == decision.transaction_id else replies.accepted(first)
