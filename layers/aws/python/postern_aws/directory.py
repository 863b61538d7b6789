"""Who receives here: domains from the compiled snapshot, accounts and aliases from their tables.

Nothing is remembered here: the receiver remembers answers for a minute (`postern_frontend.recipient_lookup`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from postern.policy_compiler import Snapshot
from postern.ports import Unavailable
from postern.recipients import DomainEntry
from postern_aws.items import from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_TARGETS = 1_000
"""Targets of one alias or list that are read."""


class Snapshots(Protocol):
    """Gives the current snapshot."""

    def current(self) -> Snapshot:
        """The snapshot; raises `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class DynamoDirectory:
    """The tables of accounts and aliases, and the snapshot's domains. Implements `recipients.Directory`."""

    client: DynamoDBClient
    accounts_table: str
    aliases_table: str
    snapshots: Snapshots

    def domain(self, name: str) -> DomainEntry | None:
        """The domain with this name, if it receives here. Raises `Unavailable`."""
        found = self.snapshots.current().domains.get(name)
        return found.entry if found else None

    def has_account(self, address: str) -> bool:
        """Whether there is an account with exactly this address. Raises `Unavailable`."""
        return bool(self._row(self.accounts_table, address))

    def alias(self, address: str) -> tuple[str, ...]:
        """The targets of an alias or list; empty when there is none. Raises `Unavailable`.

        `targets` may be a list, a set, or a text with the addresses separated by commas or blanks.
        """
        stored = self._row(self.aliases_table, address).get("targets", ())
        if isinstance(stored, str):
            stored = stored.replace(",", " ").split()
        if isinstance(stored, set):
            stored = sorted(stored)
        return tuple(str(target).strip().lower() for target in stored if str(target).strip())[:MAX_TARGETS]

    def _row(self, table: str, address: str) -> dict[str, Any]:
        if not address:
            return {}
        try:
            answer = self.client.get_item(TableName=table, Key=to_item({"address": address}))
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable(f"{table} cannot be read") from trouble
        return from_item(answer.get("Item", {}))
