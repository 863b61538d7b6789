"""The table of accounts as the front end uses it: it reads rows, and writes what it alone knows of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from postern.accounts import Account, AccountError, Freeze, read_account
from postern.ports import Unavailable
from postern_aws.clients import AWS_TROUBLE, error_code
from postern_aws.items import from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Report = Callable[[str, AccountError], None]
"""Is told of the address of a row that cannot be used, and why."""


def _say_nothing(address: str, trouble: AccountError) -> None:
    del address, trouble


@dataclass(frozen=True, slots=True)
class DynamoAccounts:
    """Implements `ports.AccountStore`. Every change is one conditional update of attributes that people do not set."""

    client: DynamoDBClient
    table: str
    report: Report = _say_nothing

    def account(self, address: str) -> Account | None:
        """The account; `None` when there is none, or its row cannot be used. Raises `Unavailable`."""
        try:
            answer = self.client.get_item(TableName=self.table, Key=to_item({"address": address}), ConsistentRead=True)
        except AWS_TROUBLE as trouble:
            raise Unavailable(f"{self.table} cannot be read") from trouble
        row = from_item(answer.get("Item", {}))
        try:
            return read_account(row) if row else None
        except AccountError as wrong:
            self.report(address, wrong)
            return None

    def freeze(self, address: str, freeze: Freeze) -> bool:
        """Freeze an account; whether it was there and not frozen before. Raises `Unavailable`."""
        return self._update(
            address,
            "SET frozen_since = :since, frozen_reason = :reason",
            "attribute_exists(address) AND (attribute_not_exists(frozen_since) OR frozen_since = :nothing)",
            {":since": _text(freeze.since), ":reason": freeze.reason, ":nothing": ""},
        )

    def thaw(self, address: str) -> bool:
        """Let an account send again; whether it was frozen. Raises `Unavailable`."""
        return self._update(address, "REMOVE frozen_since, frozen_reason", "attribute_exists(frozen_since)", {})

    def note_use(self, address: str, label: str, now: datetime) -> None:
        """Note that an app password was used. Raises `Unavailable`."""
        names, used = {"#label": label}, {":now": _text(now)}
        if self._update(address, "SET last_used.#label = :now", "attribute_exists(last_used)", used, names):
            return
        first = {":used": {label: _text(now)}}
        there = "attribute_exists(address) AND attribute_not_exists(last_used)"
        self._update(address, "SET last_used = :used", there, first)

    def _update(
        self,
        address: str,
        change: str,
        condition: str,
        values: Mapping[str, object],
        names: dict[str, str] | None = None,
    ) -> bool:
        """Whether the condition held."""
        optional: dict[str, Any] = {"ExpressionAttributeValues": to_item(values)} if values else {}
        if names:
            optional["ExpressionAttributeNames"] = names
        try:
            self.client.update_item(
                TableName=self.table,
                Key=to_item({"address": address}),
                UpdateExpression=change,
                ConditionExpression=condition,
                **optional,
            )
        except AWS_TROUBLE as trouble:
            if error_code(trouble) == "ConditionalCheckFailedException":
                return False
            raise Unavailable(f"{self.table} cannot be written") from trouble
        return True


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
