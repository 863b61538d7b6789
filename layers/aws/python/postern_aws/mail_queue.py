"""The queue of copies for other servers, as people and the defence against stolen accounts see it.

Both what waits and what is on hold is in the sparse index `due`, so nothing here scans the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

from postern.ports import Unavailable
from postern_aws.batch_items import read_rows
from postern_aws.clients import AWS_TROUBLE
from postern_aws.due_rows import DUE_INDEX, RELAY_QUEUE, DueRows
from postern_aws.items import epoch, from_item, to_item
from postern_aws.outbox import COMMIT
from postern_aws.relay_rows import HELD_QUEUE, KEPT_WHEN_DONE, RelayCopy, RelayState, read_copy

MAX_LISTED = 10_000
_PRESENT = "#state IN (:waiting, :on_hold)"
_STATES = {":waiting": RelayState.WAITING.value, ":on_hold": RelayState.ON_HOLD.value}
_STATE = {"#state": "state"}
_HOLD = "hold"
FROZEN = "the account is frozen"


@dataclass(frozen=True, slots=True)
class QueuedCopy:
    """A copy and how it stands. `next_attempt` is `None` for one that is done; `held_because` is for one on hold."""

    copy: RelayCopy
    state: RelayState
    answer: str = ""
    host: str = ""
    next_attempt: datetime | None = None
    held_because: str = ""


@dataclass(frozen=True, slots=True)
class AccountHold:
    """Why and since when nothing of an account is sent on."""

    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class AccountHolds:
    """Which accounts' mail stays where it is: a row of the Outbox per account."""

    rows: DueRows

    def find(self, account: str) -> AccountHold | None:
        """The hold on an account's mail, read consistently. Raises `Unavailable`."""
        row = self.rows.read(_hold_key(account))
        return AccountHold(str(row["reason"]), datetime.fromtimestamp(int(row["since"]), UTC)) if row else None

    def put(self, account: str, reason: str) -> None:
        """Hold an account's mail. Raises `Unavailable`."""
        row = {**_hold_key(account), "reason": reason, "since": epoch(self.rows.now())}
        try:
            self.rows.client.put_item(TableName=self.rows.table, Item=to_item(row))
        except AWS_TROUBLE as trouble:
            raise Unavailable("the outbox cannot be written") from trouble

    def remove(self, account: str) -> None:
        """Let an account's mail go again. Raises `Unavailable`."""
        try:
            self.rows.client.delete_item(TableName=self.rows.table, Key=to_item(_hold_key(account)))
        except AWS_TROUBLE as trouble:
            raise Unavailable("the outbox cannot be written") from trouble


@dataclass(frozen=True, slots=True)
class MailQueue:
    """Everything that waits or is on hold. Implements `postern.session.thawing.HeldMail`."""

    rows: DueRows

    def listed(self, limit: int = MAX_LISTED) -> tuple[QueuedCopy, ...]:
        """What waits, soonest first, then what is on hold. Raises `Unavailable`."""
        keys = list(islice(chain(self._keys(RELAY_QUEUE), self._keys(HELD_QUEUE)), limit))
        found = {(str(row["id"]), str(row["part"])): row for row in self._rows_at(keys)}
        present = (found.get((key["id"], key["part"])) for key in keys)
        return tuple(_queued(row) for row in present if row is not None)

    def find(self, transaction_id: str, recipient: str | None = None) -> tuple[QueuedCopy, ...]:
        """The copies of a transaction, done ones too; of one recipient or all. Raises `Unavailable`."""
        rows = self._query(
            KeyConditionExpression="id = :id", ExpressionAttributeValues=to_item({":id": transaction_id})
        )
        wanted = (row for row in rows if row["part"] not in (COMMIT, _HOLD))
        return tuple(_queued(row) for row in wanted if recipient is None or row["part"] == recipient)

    def retry(self, copy: RelayCopy) -> bool:
        """Make a copy due now, and let go of it; whether it was there. Raises `Unavailable`."""
        return self.rows.update(
            copy.key,
            "SET #state = :waiting, queue = :queue, next_attempt = :now REMOVE held_because, held_for",
            _PRESENT,
            {**_STATES, ":queue": RELAY_QUEUE, ":now": epoch(self.rows.now())},
            _STATE,
        )

    def hold(self, copy: RelayCopy, reason: str, account: str = "") -> bool:
        """Let nobody work on a copy; whether it was there. Raises `Unavailable`."""
        return hold_copy(self.rows, copy, reason, account)

    def delete(self, copy: RelayCopy) -> bool:
        """Take a copy out of the queue for good, telling nobody; whether it was there.

        What it consists of in the bucket is the caller's to remove then. Raises `Unavailable`.
        """
        return self.rows.update(
            copy.key,
            "SET #state = :deleted, expires_at = :expires REMOVE queue, next_attempt, held_because, held_for",
            _PRESENT,
            {
                **_STATES,
                ":deleted": RelayState.DELETED.value,
                ":expires": epoch(self.rows.now() + KEPT_WHEN_DONE),
            },
            _STATE,
        )

    def hold_account(self, account: str, reason: str = FROZEN) -> int:
        """Hold everything that an account sent and that is still here; how many copies that is.

        What is queued later is held when its turn comes. Can be repeated. Raises `Unavailable`.
        """
        AccountHolds(self.rows).put(account, reason)
        waiting = self._rows_at(list(self._keys(RELAY_QUEUE)))
        return sum(self.hold(read_copy(row), reason, account) for row in waiting if row.get("account") == account)

    def release_account(self, account: str) -> int:
        """Let go of what `hold_account` held; how many copies that is. Raises `Unavailable`."""
        AccountHolds(self.rows).remove(account)
        held = self._rows_at(list(self._keys(HELD_QUEUE)))
        return sum(self.retry(read_copy(row)) for row in held if row.get("held_for") == account)

    def _keys(self, queue: str) -> Iterator[dict[str, str]]:
        """All of a queue, soonest first. Read it to its end before changing what is in it."""
        rows = self._query(
            IndexName=DUE_INDEX,
            KeyConditionExpression="queue = :queue",
            ExpressionAttributeValues=to_item({":queue": queue}),
        )
        return ({"id": str(row["id"]), "part": str(row["part"])} for row in rows)

    def _rows_at(self, keys: Iterable[Mapping[str, str]]) -> Iterator[dict[str, Any]]:
        return read_rows(self.rows.client, self.rows.table, keys)

    def _query(self, **query: Any) -> Iterator[dict[str, Any]]:
        start: dict[str, Any] = {}
        while True:
            try:
                page = self.rows.client.query(TableName=self.rows.table, **query, **start)
            except AWS_TROUBLE as trouble:
                raise Unavailable("the outbox cannot be read") from trouble
            yield from (from_item(item) for item in page["Items"])
            if not page.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def hold_copy(rows: DueRows, copy: RelayCopy, reason: str, account: str = "") -> bool:
    """Put a copy on hold, for its account or by itself; whether it was in the queue. Raises `Unavailable`."""
    return rows.update(
        copy.key,
        "SET #state = :on_hold, queue = :queue, next_attempt = :now, held_because = :reason, held_for = :account",
        _PRESENT,
        {
            **_STATES,
            ":queue": HELD_QUEUE,
            ":now": epoch(rows.now()),
            ":reason": reason,
            ":account": account,
        },
        _STATE,
    )


def _hold_key(account: str) -> dict[str, str]:
    return {"id": f"account:{account}", "part": _HOLD}


def _queued(row: Mapping[str, Any]) -> QueuedCopy:
    due = row.get("next_attempt")
    return QueuedCopy(
        read_copy(row),
        RelayState(str(row["state"])),
        str(row.get("answer", "")),
        str(row.get("host", "")),
        datetime.fromtimestamp(int(due), UTC) if due is not None else None,
        str(row.get("held_because", "")),
    )
