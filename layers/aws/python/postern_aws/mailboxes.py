"""Mailboxes: the index an IMAP server reads, written at delivery.

A folder's rows share the key `mailbox`, such as `ann@example.com/Inbox`:

    state            next_uid, uid_validity, messages, octets
    uid#0000000042   one message: where its octets lie, flags, dates, summary
    id#…             the transaction whose message this is, so that it is delivered once

All three are written in one transaction, whose condition is that the counter has not moved. So UIDs have no gaps, and
none appears after a higher one (RFC 9051 §2.3.1.1).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from postern.message_summary import MessageSummary
from postern.model import MessageReference
from postern.ports import Unavailable
from postern.wire import clean_text, to_json, truncate
from postern_aws.clients import error_code
from postern_aws.due_rows import utc_now
from postern_aws.items import epoch, from_item, packed, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

STATE = "state"
UID_DIGITS = 10
MAX_TRIES = 40
"""How often the counter may have moved before we give the others time and come back later."""

_LONGEST_PAUSE_SECONDS = 0.4
_MAX_SUMMARY_OCTETS = 200 * 1024
_MAX_WORDS = 300


class Folder(StrEnum):
    """The folders that mail is delivered to."""

    INBOX = "Inbox"
    JUNK = "Junk"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message for a folder: its copy, when it came (INTERNALDATE), whose transaction it is, and its summary."""

    transaction_id: str
    reference: MessageReference
    received_at: datetime
    summary: MessageSummary


def mailbox_key(address: str, folder: Folder) -> str:
    """The key of a folder's rows."""
    return f"{address}/{folder.value}"


def uid_item(uid: int) -> str:
    """The sort key of a message's row."""
    return f"uid#{uid:0{UID_DIGITS}d}"


@dataclass(frozen=True, slots=True)
class DynamoMailboxes:
    """The table of mailboxes. `pause` sleeps for so many seconds between tries."""

    client: DynamoDBClient
    table: str
    now: Callable[[], datetime] = utc_now
    pause: Callable[[float], None] = time.sleep

    def add(self, address: str, folder: Folder, message: Delivered) -> int:
        """Add a message to a folder and return its UID; the same transaction's again gives the same UID.

        Raises `Unavailable`.
        """
        mailbox = mailbox_key(address, folder)
        for attempt in range(MAX_TRIES):
            state, marker = self._read(mailbox, message.transaction_id)
            if marker:
                return int(marker["uid"])
            uid = int(state.get("next_uid", 1))
            if self._write(mailbox, uid, state, message):
                return uid
            self.pause(random.uniform(0, min(_LONGEST_PAUSE_SECONDS, 0.01 * 2**attempt)))  # noqa: S311
        raise Unavailable(f"{mailbox} is too busy")

    def _read(self, mailbox: str, transaction_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The folder's state, and the marker of the transaction if it is there already; read consistently."""
        items = (STATE, f"id#{transaction_id}")
        keys = [to_item({"mailbox": mailbox, "item": item}) for item in items]
        try:
            answer = self.client.batch_get_item(RequestItems={self.table: {"Keys": keys, "ConsistentRead": True}})
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the mailbox cannot be read") from trouble
        if answer.get("UnprocessedKeys"):
            raise Unavailable("the mailbox is throttled")
        rows = {row["item"]: row for row in map(from_item, answer["Responses"].get(self.table, ()))}
        return rows.get(items[0], {}), rows.get(items[1], {})

    def _write(self, mailbox: str, uid: int, state: Mapping[str, Any], message: Delivered) -> bool:
        """Counter, row and marker at once; whether the counter was still where we saw it."""
        rows = (
            self._message_row(uid, message),
            {"item": f"id#{message.transaction_id}", "uid": uid},
        )
        puts: list[Any] = [
            {
                "Put": {
                    "TableName": self.table,
                    "Item": to_item({"mailbox": mailbox, **row}),
                    "ConditionExpression": "attribute_not_exists(mailbox)",
                }
            }
            for row in rows
        ]
        try:
            self.client.transact_write_items(TransactItems=[self._advance(mailbox, uid, state, message), *puts])
        except (BotoCoreError, ClientError) as trouble:
            if error_code(trouble) in ("TransactionCanceledException", "TransactionInProgressException"):
                return False
            raise Unavailable("the mailbox cannot be written") from trouble
        return True

    def _advance(self, mailbox: str, uid: int, state: Mapping[str, Any], message: Delivered) -> Any:
        """The update of the folder's state, on condition that it is as we saw it."""
        condition = "next_uid = :uid" if state else "attribute_not_exists(mailbox)"
        values = {
            ":next": uid + 1,
            ":validity": int(state.get("uid_validity", epoch(self.now()))),
            ":one": 1,
            ":octets": message.reference.size,
            **({":uid": uid} if state else {}),
        }
        return {
            "Update": {
                "TableName": self.table,
                "Key": to_item({"mailbox": mailbox, "item": STATE}),
                "UpdateExpression": "SET next_uid = :next, uid_validity = :validity ADD messages :one, octets :octets",
                "ConditionExpression": condition,
                "ExpressionAttributeValues": to_item(values),
            }
        }

    @staticmethod
    def _message_row(uid: int, message: Delivered) -> dict[str, object]:
        envelope = message.summary.envelope
        summary = packed(message.summary)
        return {
            "item": uid_item(uid),
            "uid": uid,
            "transaction_id": message.transaction_id,
            "key": message.reference.key,
            "size": message.reference.size,
            "sha256": message.reference.sha256,
            "flags": [],
            "internal_date": to_json(message.received_at),
            "subject": _words(envelope["subject"]),
            "author": _words(", ".join("@".join(one[1:]) for one in envelope["from"])),
            "summary": summary if len(summary) <= _MAX_SUMMARY_OCTETS else None,
        }


def _words(text: str) -> str:
    return truncate(clean_text(text), _MAX_WORDS)
