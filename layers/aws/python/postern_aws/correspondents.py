"""Who wrote to whom: one row for a mailbox and an address, which expires by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from postern.ports import Correspondence
from postern_aws.batch_items import read_rows, write_rows
from postern_aws.items import epoch

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class DynamoCorrespondents:
    """The table of correspondents. Implements `ports.Correspondents`."""

    client: DynamoDBClient
    table: str

    def known(self, mailboxes: Iterable[str], addresses: Iterable[str], now: datetime) -> tuple[Correspondence, ...]:
        """Every pair of these that is known now. Raises `Unavailable`."""
        wanted = tuple(dict.fromkeys(addresses))
        pairs = ((mailbox, address) for mailbox in dict.fromkeys(mailboxes) for address in wanted)
        keys = ({"mailbox": mailbox, "address": address} for mailbox, address in pairs)
        found = map(_correspondence, read_rows(self.client, self.table, keys))
        return tuple(one for one in found if one.expires_at > now)

    def remember(self, correspondences: Iterable[Correspondence]) -> None:
        """Remember these, over what was known of the same pairs. Raises `Unavailable`."""
        latest = {(one.mailbox, one.address): one for one in correspondences}
        write_rows(self.client, self.table, map(_row, latest.values()))


def _row(one: Correspondence) -> dict[str, object]:
    return {"mailbox": one.mailbox, "address": one.address, "expires_at": epoch(one.expires_at)}


def _correspondence(row: dict[str, Any]) -> Correspondence:
    return Correspondence(row["mailbox"], row["address"], datetime.fromtimestamp(int(row["expires_at"]), UTC))
