"""The ledger of sent Message-IDs: what a report must be about where no tag can come back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from postern_aws.batch_items import read_rows, write_rows
from postern_aws.items import epoch

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class DynamoSentMessages:
    """The table of sent messages. Implements `ports.SentMessages`."""

    client: DynamoDBClient
    table: str

    def senders(self, message_ids: Iterable[str], now: datetime) -> frozenset[str]:
        """The mailboxes that sent these messages. Raises `Unavailable`."""
        keys = ({"message_id": one} for one in dict.fromkeys(message_ids))
        rows = read_rows(self.client, self.table, keys)
        return frozenset(str(row["mailbox"]) for row in rows if row["expires_at"] > epoch(now))

    def record(self, message_id: str, mailbox: str, expires_at: datetime) -> None:
        """Remember a sent message, under the Message-ID it left with. Raises `Unavailable`."""
        row = {"message_id": message_id, "mailbox": mailbox, "expires_at": epoch(expires_at)}
        write_rows(self.client, self.table, [row])
