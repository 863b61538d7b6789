"""The row of policy in which the self-test keeps the DNS lists that it has switched to observe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from postern.dnsbl.switching import SECTION, SWITCHED, DnsblHealthPolicy, SwitchedList
from postern.policy import PolicyError, read_section
from postern.policy_book import GLOBAL_SCOPE
from postern.ports import Unavailable
from postern.wire import to_json
from postern_aws.clients import error_code
from postern_aws.items import from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class StoredSwitches:
    """The lists that are switched, and the attribute as it is stored (`None` when there is none)."""

    switched: tuple[SwitchedList, ...]
    stored: object | None


@dataclass(frozen=True, slots=True)
class SwitchedListsRow:
    """The row in the table of policy. The compile function follows its changes like those that people make."""

    client: DynamoDBClient
    table: str

    def read(self) -> StoredSwitches:
        """What is stored; a row that somebody made unreadable counts as empty. Raises `Unavailable`."""
        try:
            answer = self.client.get_item(
                TableName=self.table,
                Key=_KEY,
                ConsistentRead=True,
                ProjectionExpression="#switched",
                ExpressionAttributeNames=_NAMES,
            )
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the switched DNS lists cannot be read") from trouble
        stored = from_item(answer.get("Item", {})).get(SWITCHED)
        try:
            section = read_section(DnsblHealthPolicy, {} if stored is None else {SWITCHED: stored}, SECTION)
        except PolicyError:
            return StoredSwitches((), stored)
        return StoredSwitches(section.switched, stored)

    def replace(self, before: StoredSwitches, switched: Sequence[SwitchedList]) -> bool:
        """Store these instead; `False` when somebody else changed the row meanwhile. Raises `Unavailable`."""
        values = {":after": to_json(tuple(switched)), ":before": before.stored}
        condition = "attribute_not_exists(#switched)" if before.stored is None else "#switched = :before"
        try:
            self.client.update_item(
                TableName=self.table,
                Key=_KEY,
                UpdateExpression="SET #switched = :after",
                ConditionExpression=condition,
                ExpressionAttributeNames=_NAMES,
                ExpressionAttributeValues=to_item(values),
            )
        except (BotoCoreError, ClientError) as trouble:
            if error_code(trouble) == "ConditionalCheckFailedException":
                return False
            raise Unavailable("the switched DNS lists cannot be stored") from trouble
        return True


_KEY: dict[str, Any] = to_item({"scope": GLOBAL_SCOPE, "section": SECTION})
_NAMES = {"#switched": SWITCHED}
