"""The table `Screening`: counters that several front ends add to at once, and bans that exactly one of them makes.

A row is a subject's counter: its marks (see `postern.session.marks`) as attributes, the number of additions since the
row was last tidied, and when it can go. A ban is a row of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from postern.ports import Unavailable
from postern.session import marks
from postern.session.bans import Ban, BanKind, BanReason
from postern.session.counters import Counter, CounterKind, Totals
from postern.session.subjects import Subject, SubjectKind, network, parse
from postern_aws.clients import AWS_TROUBLE, error_code
from postern_aws.items import epoch, from_item, scan, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BAN = "ban"
"""The sort key of a ban."""

_ROUNDS = 4
_REMOVED_AT_ONCE = 50
_WORDS = frozenset({"subject", "counter", "additions", "expires_at"})
_HAS_ROOM = "attribute_not_exists(additions) OR additions < :most"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DynamoScreening:
    """Implements `postern.session.store.ScreeningStore`, and what the command line does by hand."""

    client: DynamoDBClient
    table: str

    # --- counters -------------------------------------------------------------------------------------

    def add(self, counter: Counter, words: Mapping[str, int], now: datetime, window: timedelta) -> Totals:
        """One atomic update; three when the row is full. Raises `Unavailable`."""
        for _ in range(_ROUNDS):
            row, added = self._add(counter, words, now, window)
            if added or not self._tidied(counter, row, now, window):
                return marks.totals(_marks(row), now, window)
        raise Unavailable("others keep tidying a counter of screening")

    def totals(self, counter: Counter, now: datetime, window: timedelta) -> Totals:
        """How often each word was counted within the window. Raises `Unavailable`."""
        return marks.totals(_marks(self._row(_key(counter))), now, window)

    def clear(self, counter: Counter) -> bool:
        """Begin to count anew; whether there was anything, which one read finds out. Raises `Unavailable`."""
        if not self._row(_key(counter)):
            return False
        self._call("delete_item", Key=to_item(_key(counter)))
        return True

    def _add(self, counter: Counter, words: Mapping[str, int], now: datetime, window: timedelta) -> tuple[Row, bool]:
        """The row after an addition, or the full row that took none."""
        added = tuple(words.items())[: marks.MAX_WORDS]
        names = {f"#m{at}": marks.mark(word, now, window) for at, (word, _) in enumerate(added)}
        numbers = {f":n{at}": number for at, (_, number) in enumerate(added)}
        additions = ", ".join(f"#m{at} :n{at}" for at in range(len(added)))
        values = {**numbers, ":added": len(added), ":most": marks.MAX_MARKS, ":expires_at": epoch(now + window)}
        return self._update(
            _key(counter),
            UpdateExpression=f"SET expires_at = :expires_at ADD {additions}, additions :added",
            ConditionExpression=_HAS_ROOM,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=to_item(values),
        )

    def _tidied(self, counter: Counter, row: Row, now: datetime, window: timedelta) -> bool:
        """Remove marks of a full row that no longer count; whether there is room now, or may be."""
        gone = marks.outlived(_marks(row), now, window)[:_REMOVED_AT_ONCE]
        left = len(_marks(row)) - len(gone)
        if left >= marks.MAX_MARKS:
            return False
        names = {f"#m{at}": name for at, name in enumerate(gone)}
        removal = f" REMOVE {', '.join(names)}" if names else ""
        self._update(
            _key(counter),
            UpdateExpression=f"SET additions = :left{removal}",
            ConditionExpression="additions = :known",
            ExpressionAttributeValues=to_item({":left": left, ":known": row["additions"]}),
            **({"ExpressionAttributeNames": names} if names else {}),
        )
        return True

    # --- bans -----------------------------------------------------------------------------------------

    def bans(self, subjects: Iterable[Subject]) -> tuple[Ban, ...]:
        """The bans of at most 100 subjects, in one call, perhaps as they were a moment ago. Raises `Unavailable`."""
        keys = [to_item(_ban_key(subject)) for subject in subjects]
        answer = self._call("batch_get_item", RequestItems={self.table: {"Keys": keys}})
        if answer.get("UnprocessedKeys"):
            raise Unavailable("the bans cannot all be read now")
        return tuple(_readable(map(from_item, answer["Responses"].get(self.table, ()))))

    def impose(self, ban: Ban, replacing: Ban | None, forget_at: datetime | None) -> bool:
        """One conditional put. Raises `Unavailable`."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(subject)"}
        if replacing is not None:
            # A ban begins once: no two of a subject have the same beginning and number.
            condition = {
                "ConditionExpression": "since = :since AND repeats = :repeats",
                "ExpressionAttributeValues": to_item(
                    {":since": _moment(replacing.since), ":repeats": replacing.repeats}
                ),
            }
        return self._held("put_item", Item=to_item(_ban_row(ban, forget_at)), **condition)

    # --- by hand --------------------------------------------------------------------------------------

    def put(self, ban: Ban, forget_at: datetime | None) -> None:
        """Ban, whatever there is. Raises `Unavailable`."""
        self._call("put_item", Item=to_item(_ban_row(ban, forget_at)))

    def lift(self, subject: Subject) -> bool:
        """Forget a subject's ban and all that was counted of it; whether there was a ban. Raises `Unavailable`."""
        rows = list(self.rows(subject))
        for row in rows:
            self._call("delete_item", Key=to_item({"subject": row["subject"], "counter": row["counter"]}))
        if subject.kind is SubjectKind.ADDRESS:
            self._forget_neighbour(subject)
        return any(row["counter"] == BAN for row in rows)

    def rows(self, subject: Subject) -> Iterator[Row]:
        """All that is known of a subject. Raises `Unavailable`."""
        answer = self._call(
            "query",
            KeyConditionExpression="subject = :subject",
            ExpressionAttributeValues=to_item({":subject": str(subject)}),
            ConsistentRead=True,
        )
        yield from map(from_item, answer["Items"])

    def every_ban(self) -> Iterator[Ban]:
        """All bans, also those that are over and still remembered. Raises `Unavailable`."""
        return _readable(row for row in scan(self.client, self.table) if row["counter"] == BAN)

    def _forget_neighbour(self, subject: Subject) -> None:
        counter = Counter(network(subject.name), CounterKind.BANNED_ADDRESSES)
        told = [name for name in _marks(self._row(_key(counter))) if name.endswith(f" {subject.name}")]
        names = {f"#m{at}": name for at, name in enumerate(told)}
        if names:
            self._update(_key(counter), UpdateExpression=f"REMOVE {', '.join(names)}", ExpressionAttributeNames=names)

    # --- calls ----------------------------------------------------------------------------------------

    def _row(self, key: Mapping[str, str]) -> Row:
        return from_item(self._call("get_item", Key=to_item(key), ConsistentRead=True).get("Item", {}))

    def _update(self, key: Mapping[str, str], **change: Any) -> tuple[Row, bool]:
        """The row after a change; or as it is, when its condition did not hold."""
        try:
            answer = self.client.update_item(
                TableName=self.table,
                Key=to_item(key),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **change,
            )
        except AWS_TROUBLE as trouble:
            if error_code(trouble) != "ConditionalCheckFailedException":
                raise Unavailable("the table of screening cannot be written") from trouble
            failed: Any = trouble
            return from_item(failed.response.get("Item", {})), False
        return from_item(answer.get("Attributes", {})), True

    def _held(self, name: str, **call: Any) -> bool:
        """Whether the condition of a call held."""
        try:
            self._call(name, **call)
        except Unavailable as trouble:
            if trouble.__cause__ is None or error_code(trouble.__cause__) != "ConditionalCheckFailedException":  # type: ignore[arg-type]
                raise
            return False
        return True

    def _call(self, name: str, **call: Any) -> Any:
        where = {} if "RequestItems" in call else {"TableName": self.table}
        try:
            return getattr(self.client, name)(**where, **call)
        except AWS_TROUBLE as trouble:
            raise Unavailable("the table of screening cannot be used") from trouble


def _readable(rows: Iterable[Row]) -> Iterator[Ban]:
    """The bans of those rows that hold one: a row that was spoilt by hand bans nobody, and hinders nobody."""
    for row in rows:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            yield _read_ban(row)


def _read_ban(row: Row) -> Ban:
    """The ban of a row. One that was written by hand needs no more than its keys; it then counts for ever."""
    return Ban(
        subject=parse(str(row["subject"])),
        since=_read_moment(row.get("since", "1970-01-01T00:00:00Z")),
        until=_read_moment(row["until"]) if "until" in row else None,
        kind=BanKind(row.get("kind", BanKind.MANUAL)),
        reason=BanReason(row.get("reason", BanReason.POSTMASTER)),
        repeats=int(row.get("repeats", 0)),
        count=int(row.get("count", 0)),
        protocol=str(row.get("protocol", "")),
        note=str(row.get("note", "")),
    )


def _ban_row(ban: Ban, forget_at: datetime | None) -> dict[str, object]:
    return {
        **_ban_key(ban.subject),
        "since": _moment(ban.since),
        "until": None if ban.until is None else _moment(ban.until),
        "kind": ban.kind.value,
        "reason": ban.reason.value,
        "repeats": ban.repeats,
        "count": ban.count,
        "protocol": ban.protocol,
        "note": ban.note,
        "expires_at": None if forget_at is None else epoch(forget_at),
    }


def _ban_key(subject: Subject) -> dict[str, str]:
    return {"subject": str(subject), "counter": BAN}


def _key(counter: Counter) -> dict[str, str]:
    return {"subject": str(counter.subject), "counter": counter.name}


def _marks(row: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(number) for name, number in row.items() if name not in _WORDS}


def _moment(at: datetime) -> str:
    """Times of bans are read by people, and sort."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _read_moment(text: Any) -> datetime:
    read = datetime.fromisoformat(str(text))
    return read if read.tzinfo else read.replace(tzinfo=UTC)
