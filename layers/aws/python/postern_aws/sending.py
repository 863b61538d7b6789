"""What accounts send, counted in the table `Screening`: one atomic update for each message, whoever else counts.

The subject of a row is `sending:` and the account. `window` holds the marks of the window (see
`postern.session.usage`), `networks` from where the account was used and since when.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from postern.ports import Unavailable
from postern.session.usage import TOLD_AT, Attempt, Usage, first_sight, numbers, refusals, sights, superfluous, usage_of
from postern_aws.clients import AWS_TROUBLE, error_code
from postern_aws.items import epoch, from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WINDOW, NETWORKS = "window", "networks"
MAX_NETWORKS = 200
NETWORKS_KEPT = timedelta(days=180)
"""After an account was last used from a network that was new to it."""

_KNOWN = "known"
_NO_MARKS = frozenset({"subject", "counter", "expires_at", TOLD_AT, _KNOWN})
_REMOVED_AT_ONCE = 100

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DynamoSending:
    """Implements `postern.session.hijack.SendingStore`."""

    client: DynamoDBClient
    table: str

    def add(self, attempt: Attempt, now: datetime, window: timedelta) -> Usage:
        """One atomic update, whose answer is the sum; now and then another one that tidies. Raises `Unavailable`."""
        key = _key(attempt.account, WINDOW)
        row = self._update(key, **_addition(attempt, now, window))
        old = superfluous(row, now, window)
        if old:
            self._remove(key, old)
        return usage_of({name: value for name, value in row.items() if name not in _NO_MARKS}, now, window)

    def give_back(self, attempt: Attempt, now: datetime, window: timedelta) -> None:
        """One atomic update. Raises `Unavailable`."""
        self._change(attempt.account, {name: -number for name, number in numbers(attempt, now, window).items()})

    def note_refused(self, account: str, number: int, now: datetime, window: timedelta) -> None:
        """One atomic update. Raises `Unavailable`."""
        self._change(account, refusals(number, now, window))

    def claim_notice(self, account: str, now: datetime, quiet: timedelta) -> bool:
        """One conditional update, in which one of several succeeds. Raises `Unavailable`."""
        return self._held(
            _key(account, WINDOW),
            UpdateExpression=f"SET {TOLD_AT} = :now",
            ConditionExpression=f"attribute_not_exists({TOLD_AT}) OR {TOLD_AT} <= :before",
            ExpressionAttributeValues=to_item({":now": epoch(now), ":before": epoch(now - quiet)}),
        )

    def note_network(self, account: str, network: str, now: datetime) -> None:
        """One update; a network that is one too many is not remembered. Raises `Unavailable`."""
        self._held(
            _key(account, NETWORKS),
            UpdateExpression="SET #network = :now, expires_at = :expires ADD known :one",
            ConditionExpression="attribute_not_exists(#network) AND (attribute_not_exists(known) OR known < :most)",
            ExpressionAttributeNames={"#network": network},
            ExpressionAttributeValues=to_item(
                {":now": _moment(now), ":expires": epoch(now + NETWORKS_KEPT), ":one": 1, ":most": MAX_NETWORKS}
            ),
        )

    def networks(self, account: str) -> Mapping[str, datetime]:
        """From where an account was used, and when first. Raises `Unavailable`."""
        row = self._row(_key(account, NETWORKS))
        return {name: datetime.fromisoformat(str(at)) for name, at in row.items() if name not in _NO_MARKS}

    def reset(self, account: str) -> None:
        """Begin to count anew; from where the account was used stays known. Raises `Unavailable`."""
        try:
            self.client.delete_item(TableName=self.table, Key=to_item(_key(account, WINDOW)))
        except AWS_TROUBLE as trouble:
            raise Unavailable("the table of screening cannot be written") from trouble

    # --- calls ----------------------------------------------------------------------------------------

    def _change(self, account: str, changes: Mapping[str, int]) -> None:
        self._update(
            _key(account, WINDOW),
            UpdateExpression="ADD " + ", ".join(f"#n{at} :n{at}" for at in range(len(changes))),
            ExpressionAttributeNames={f"#n{at}": name for at, name in enumerate(changes)},
            ExpressionAttributeValues=to_item({f":n{at}": number for at, number in enumerate(changes.values())}),
        )

    def _row(self, key: Mapping[str, str]) -> Row:
        try:
            answer = self.client.get_item(TableName=self.table, Key=to_item(key), ConsistentRead=True)
        except AWS_TROUBLE as trouble:
            raise Unavailable("the table of screening cannot be read") from trouble
        return from_item(answer.get("Item", {}))

    def _remove(self, key: Mapping[str, str], marks: Iterable[str]) -> None:
        names = {f"#n{at}": name for at, name in enumerate(tuple(marks)[:_REMOVED_AT_ONCE])}
        self._update(key, UpdateExpression=f"REMOVE {', '.join(names)}", ExpressionAttributeNames=names)

    def _held(self, key: Mapping[str, str], **change: Any) -> bool:
        """Whether the condition of a change held."""
        try:
            self._update(key, **change)
        except Unavailable as trouble:
            if not isinstance(trouble.__cause__, Exception) or not _is_condition(trouble.__cause__):
                raise
            return False
        return True

    def _update(self, key: Mapping[str, str], **change: Any) -> Row:
        """The row after a change."""
        try:
            answer = self.client.update_item(TableName=self.table, Key=to_item(key), ReturnValues="ALL_NEW", **change)
        except AWS_TROUBLE as trouble:
            raise Unavailable("the table of screening cannot be written") from trouble
        return from_item(answer.get("Attributes", {}))


def _addition(attempt: Attempt, now: datetime, window: timedelta) -> dict[str, Any]:
    added, written = numbers(attempt, now, window), sights(attempt, now)
    first, sight = first_sight(attempt, now, window)
    names = {f"#n{at}": name for at, name in enumerate(added)} | {f"#s{at}": name for at, name in enumerate(written)}
    values = {f":n{at}": number for at, number in enumerate(added.values())} | {
        f":s{at}": text for at, text in enumerate(written.values())
    }
    sets = [f"#s{at} = :s{at}" for at in range(len(written))]
    adds = [f"#n{at} :n{at}" for at in range(len(added))]
    return {
        "UpdateExpression": f"SET {', '.join(sets)}, #first = if_not_exists(#first, :first), expires_at = :expires "
        f"ADD {', '.join(adds)}",
        "ExpressionAttributeNames": {**names, "#first": first},
        "ExpressionAttributeValues": to_item({**values, ":first": sight, ":expires": epoch(now + 2 * window)}),
    }


def _is_condition(trouble: Exception) -> bool:
    return error_code(trouble) == "ConditionalCheckFailedException"


def _key(account: str, counter: str) -> dict[str, str]:
    return {"subject": f"sending:{account}", "counter": counter}


def _moment(at: datetime) -> str:
    """Times that people may read."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
