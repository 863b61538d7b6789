"""The journal of learning: the table of Bayes' tokens, with one item per message that holds all its tokens.

An item stays until a snapshot has it. Beside the messages lies one item that counts changes, so that it is known when
a new snapshot is worth its price, without reading what waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from postern.bayes.lessons import Lesson
from postern.bayes.requests import GLOBAL, Label
from postern.bayes.stores import HeldLesson
from postern.ports import Unavailable
from postern_aws.clients import error_code
from postern_aws.items import from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

AT_ONCE = 8
HELD_FOR = timedelta(days=30)
_MESSAGE = "message#"
_CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Changes:
    """What has come since the last snapshot.

    `lessons` is how many at most, `known` how many messages that snapshot has, and `since` when it was made, or before
    the first when the first lesson came (seconds since 1970; 0 without lessons).
    """

    lessons: int = 0
    since: int = 0
    known: int = 0


@dataclass(frozen=True, slots=True)
class DynamoJournal:
    """Implements `stores.Journal`. `now` gives seconds since 1970."""

    client: DynamoDBClient
    table: str
    now: Callable[[], float]

    # --- messages -----------------------------------------------------------------------------------------

    def note(self, lessons: Iterable[Lesson]) -> None:
        """Write lessons, except where one that outranks them is there. Raises `Unavailable`."""
        self._each(self._put, lessons)

    def waiting(self) -> Iterator[Lesson]:
        """What no snapshot has yet. Raises `Unavailable`."""
        return (_lesson(row) for row in self._rows() if "held" not in row)

    def held(self) -> Iterator[HeldLesson]:
        """What the guard did not let through. Raises `Unavailable`."""
        return (HeldLesson(_lesson(row), str(row["held"])) for row in self._rows() if "held" in row)

    def settle(self, lessons: Iterable[Lesson]) -> None:
        """Remove what is still as given. Raises `Unavailable`."""
        self._each(
            lambda one: self.client.delete_item(
                **self._item(one),
                ConditionExpression="#rank = :rank",
                ExpressionAttributeNames={"#rank": "rank"},
                ExpressionAttributeValues=to_item({":rank": one.rank}),
            ),
            lessons,
        )

    def hold(self, lessons: Iterable[Lesson], reason: str) -> None:
        """Keep what is still as given out of snapshots, for a month. Raises `Unavailable`."""
        expires_at = int(self.now() + HELD_FOR.total_seconds())
        self._each(
            lambda one: self.client.update_item(
                **self._item(one),
                UpdateExpression="SET held = :reason, expires_at = :expires",
                ConditionExpression="#rank = :rank",
                ExpressionAttributeNames={"#rank": "rank"},
                ExpressionAttributeValues=to_item({":rank": one.rank, ":reason": reason, ":expires": expires_at}),
            ),
            lessons,
        )

    def _put(self, lesson: Lesson) -> None:
        self.client.put_item(
            TableName=self.table,
            Item=to_item(_row(lesson)),
            ConditionExpression="attribute_not_exists(entry) OR #rank < :rank",
            ExpressionAttributeNames={"#rank": "rank"},
            ExpressionAttributeValues=to_item({":rank": lesson.rank}),
        )

    def _each(self, write: Callable[[Lesson], object], lessons: Iterable[Lesson]) -> None:
        """Do it for each; an item that another learner has written meanwhile is left as it is."""

        def attempt(lesson: Lesson) -> None:
            try:
                write(lesson)
            except (BotoCoreError, ClientError) as trouble:
                if error_code(trouble) != "ConditionalCheckFailedException":
                    raise Unavailable("the journal of learning cannot be written") from trouble

        with ThreadPoolExecutor(AT_ONCE, "lesson") as pool:
            for _ in pool.map(attempt, lessons):
                pass

    def _rows(self) -> Iterator[dict[str, Any]]:
        query: Any = {
            "TableName": self.table,
            "KeyConditionExpression": "#scope = :scope AND begins_with(entry, :message)",
            "ExpressionAttributeNames": {"#scope": "scope"},
            "ExpressionAttributeValues": to_item({":scope": GLOBAL, ":message": _MESSAGE}),
            "ConsistentRead": True,
        }
        while True:
            try:
                page = self.client.query(**query)
            except (BotoCoreError, ClientError) as trouble:
                raise Unavailable("the journal of learning cannot be read") from trouble
            yield from (from_item(item) for item in page["Items"])
            if not page.get("LastEvaluatedKey"):
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _item(self, lesson: Lesson) -> dict[str, Any]:
        return {"TableName": self.table, "Key": to_item({"scope": GLOBAL, "entry": _entry(lesson)})}

    # --- when a snapshot is due ---------------------------------------------------------------------------

    def count(self, lessons: int) -> None:
        """Count lessons that are about to be noted, at most so many. Raises `Unavailable`."""
        self._update_changes(
            "ADD lessons :lessons SET since = if_not_exists(since, :now)",
            {":lessons": lessons, ":now": int(self.now())},
        )

    def changes(self) -> Changes:
        """What has come since the last snapshot. Raises `Unavailable`."""
        try:
            answer = self.client.get_item(TableName=self.table, Key=self._changes_key(), ConsistentRead=True)
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the journal of learning cannot be read") from trouble
        return _changes(from_item(answer.get("Item", {})))

    def claim(self, until: float) -> bool:
        """Whether the next snapshot is ours to make; until then it is nobody else's. Raises `Unavailable`."""
        try:
            self.client.update_item(
                TableName=self.table,
                Key=self._changes_key(),
                UpdateExpression="SET claimed_until = :until",
                ConditionExpression="attribute_not_exists(claimed_until) OR claimed_until < :now",
                ExpressionAttributeValues=to_item({":until": int(until), ":now": int(self.now())}),
            )
        except (BotoCoreError, ClientError) as trouble:
            if error_code(trouble) == "ConditionalCheckFailedException":
                return False
            raise Unavailable("the journal of learning cannot be written") from trouble
        return True

    def release(self, absorbed: Changes, known: int) -> None:
        """A snapshot has what had come until `absorbed` was read. Raises `Unavailable`."""
        self._update_changes(
            "ADD lessons :gone SET known = :known, since = :now REMOVE claimed_until",
            {":gone": -absorbed.lessons, ":known": known, ":now": int(self.now())},
        )

    def _update_changes(self, expression: str, values: dict[str, object]) -> None:
        try:
            self.client.update_item(
                TableName=self.table,
                Key=self._changes_key(),
                UpdateExpression=expression,
                ExpressionAttributeValues=to_item(values),
            )
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the journal of learning cannot be written") from trouble

    @staticmethod
    def _changes_key() -> dict[str, Any]:
        return to_item({"scope": GLOBAL, "entry": _CHANGES})


def _entry(lesson: Lesson) -> str:
    return f"{_MESSAGE}{lesson.digest.hex()}"


def _row(lesson: Lesson) -> dict[str, object]:
    return {
        "scope": GLOBAL,
        "entry": _entry(lesson),
        "rank": lesson.rank,
        "label": lesson.label.value,
        "taught_at": lesson.taught_at,
        "source": lesson.source,
        "automatic": lesson.automatic,
        "forced": lesson.forced,
        "tokens": lesson.packed,
    }


def _lesson(row: dict[str, Any]) -> Lesson:
    return Lesson(
        bytes.fromhex(str(row["entry"]).removeprefix(_MESSAGE)),
        Label(row["label"]),
        int(row["taught_at"]),
        str(row["source"]),
        bool(row["automatic"]),
        bool(row["forced"]),
        bytes(row["tokens"]),
    )


def _changes(row: dict[str, Any]) -> Changes:
    lessons = max(0, int(row.get("lessons", 0)))
    return Changes(lessons, int(row.get("since", 0)) if lessons else 0, int(row.get("known", 0)))
