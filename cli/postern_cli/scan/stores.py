"""What the tables hold that a case brings along, in the words of their rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from postern.backscatter.keys import BatvKey, KeyRing
from postern.correspondents import known_as
from postern.given_effects import (
    GivenCorrespondents,
    GivenKeys,
    GivenSenderLists,
    GivenSentMessages,
    GivenStores,
)
from postern.greylist.memory import EveryoneReturned, MemoryGreylist
from postern.policy import PolicyError
from postern.policy_book import GLOBAL_SCOPE, read_scope
from postern.ports import Correspondence, Greylist, Sighting
from postern.sender_list_entry import SenderListEntry, read_entry
from postern_cli.scan.case_error import CaseError

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)


def read_stores(data: Mapping[str, Any]) -> GivenStores:
    """The stores of a case. Raises `CaseError`."""
    return GivenStores(
        sender_lists=_read_sender_lists(data.get("sender_lists")),
        greylist=_read_greylist(data.get("greylist")),
        correspondents=_read_correspondents(data.get("correspondents")),
        batv_keys=_read_keys(data.get("batv_keys")),
        sent_messages=_read_sent_messages(data.get("sent_messages")),
    )


def _read_sender_lists(value: object) -> GivenSenderLists:
    """`[{"scope": "global", "entry": "block#*@spam.example"}]`; the scope is global if it is not said."""
    rows = _rows(value, "sender_lists", '{"entry": "block#*@spam.example"}')
    try:
        return GivenSenderLists(tuple(_entry({"scope": GLOBAL_SCOPE, **row}) for row in rows))
    except PolicyError as wrong:
        raise CaseError(f"sender_lists: {wrong}") from wrong


def _read_greylist(value: object) -> Greylist:
    """`[{"triplet": "192.0.2.0/24 bob@example.com ann@example.org", "first_seen": 1767225600}]`.

    Without it nobody waits: a message that is looked at afterwards is no first attempt.
    """
    if value is None:
        return EveryoneReturned()
    rows = _rows(value, "greylist", '{"triplet": "192.0.2.0/24 bob@example.com ann@example.org", "first_seen": 0}')
    return MemoryGreylist({str(row.get("triplet")): _sighting(row) for row in rows})


def _read_correspondents(value: object) -> GivenCorrespondents:
    """`[{"mailbox": "ann@example.org", "address": "bob@example.com"}]`."""
    rows = _rows(value, "correspondents", '{"mailbox": "ann@example.org", "address": "bob@example.com"}')
    pairs = ((str(row.get("mailbox")), known_as(str(row.get("address")))) for row in rows)
    return GivenCorrespondents({pair: Correspondence(*pair, LATEST) for pair in pairs})


def _read_keys(value: object) -> GivenKeys:
    """`{"0": "secret"}`: the text of each key by its digit. All are believed."""
    if value is None:
        return GivenKeys()
    if not isinstance(value, Mapping) or not all(str(key).isdigit() and len(str(key)) == 1 for key in value):
        raise CaseError('batv_keys: expected keys by their digit, such as {"0": "secret"}')
    return GivenKeys(KeyRing(tuple(BatvKey(int(digit), str(key).encode(), EARLIEST) for digit, key in value.items())))


def _read_sent_messages(value: object) -> GivenSentMessages:
    """`[{"message_id": "<1@example.org>", "mailbox": "ann@example.org"}]`."""
    rows = _rows(value, "sent_messages", '{"message_id": "<1@example.org>", "mailbox": "ann@example.org"}')
    return GivenSentMessages({str(row.get("message_id")): str(row.get("mailbox")) for row in rows})


def _rows(value: object, name: str, example: str) -> list[Mapping[str, object]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise CaseError(f"{name}: expected a list of rows such as {example}")
    return value


def _entry(row: Mapping[str, object]) -> SenderListEntry:
    read_scope(str(row["scope"]))
    return read_entry(row)


def _sighting(row: Mapping[str, object]) -> Sighting:
    first_seen = _moment(row.get("first_seen"))
    return Sighting(first_seen, _moment(row.get("last_attempt", row.get("first_seen"))), 1)


def _moment(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LATEST.timestamp():
        raise CaseError(f"greylist: expected seconds since 1970, found {value!r}")
    return datetime.fromtimestamp(value, UTC)
