"""Mailboxes: UIDs without gaps and in order, however many deliver at once, and each message once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from postern.message import parse_message
from postern.message_summary import summarize
from postern.model import MessageReference
from postern.ports import Unavailable
from postern.wire import to_json
from postern_aws import clients
from postern_aws.items import from_item, unpacked
from postern_aws.mailboxes import Delivered, DynamoMailboxes, Folder, mailbox_key, uid_item
from tests.unit.aws.commits import MESSAGE, NOW

pytestmark = pytest.mark.usefixtures("aws")
SUMMARY = summarize(parse_message(MESSAGE))


def mailboxes(table: str = "Mailboxes") -> DynamoMailboxes:
    return DynamoMailboxes(clients.dynamodb(), table, lambda: NOW)


def message(transaction_id: str, size: int = 100) -> Delivered:
    reference = MessageReference(f"mail/ann@example.com/{transaction_id}", size, "0" * 64)
    return Delivered(transaction_id, reference, NOW, SUMMARY)


def rows(mailbox: str) -> dict[str, dict[str, Any]]:
    page = clients.dynamodb().query(
        TableName="Mailboxes",
        KeyConditionExpression="mailbox = :mailbox",
        ExpressionAttributeValues={":mailbox": {"S": mailbox}},
    )
    return {row["item"]: row for row in map(from_item, page["Items"])}


def test_a_message_is_counter_row_and_marker() -> None:
    assert mailboxes().add("ann@example.com", Folder.INBOX, message("t1")) == 1
    found = rows("ann@example.com/Inbox")
    assert set(found) == {"state", uid_item(1), "id#t1"}
    assert {name: int(found["state"][name]) for name in ("next_uid", "uid_validity", "messages", "octets")} == {
        "next_uid": 2,
        "uid_validity": int(NOW.timestamp()),
        "messages": 1,
        "octets": 100,
    }
    row = found["uid#0000000001"]
    assert (row["subject"], row["author"], row["flags"]) == ("Tea", "bob@sender.example", [])
    assert row["internal_date"] == "2026-11-22T12:00:00Z"
    assert unpacked(row["summary"]) == to_json(SUMMARY)


def test_folders_count_for_themselves() -> None:
    assert mailbox_key("ann@example.com", Folder.JUNK) == "ann@example.com/Junk"
    assert [mailboxes().add("ann@example.com", folder, message("t1")) for folder in Folder] == [1, 1]


def test_the_same_transaction_again_is_the_same_message() -> None:
    first = [mailboxes().add("ann@example.com", Folder.INBOX, message(f"t{n}")) for n in range(3)]
    again = [mailboxes().add("ann@example.com", Folder.INBOX, message(f"t{n}")) for n in range(3)]
    assert first == again == [1, 2, 3]
    assert int(rows("ann@example.com/Inbox")["state"]["messages"]) == 3


def test_uids_have_no_gaps_however_many_deliver_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        uids = list(
            pool.map(lambda n: mailboxes().add("ann@example.com", Folder.INBOX, message(f"t{n % 60}")), range(120))
        )
    found = rows("ann@example.com/Inbox")
    assert sorted(set(uids)) == list(range(1, 61))
    assert [item for item in sorted(found) if item.startswith("uid#")] == [uid_item(n) for n in range(1, 61)]
    assert int(found["state"]["messages"]) == 60
    assert int(found["state"]["octets"]) == 60 * 100


def test_no_uid_appears_after_a_higher_one() -> None:
    seen: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            uids = [int(item[4:]) for item in rows("ann@example.com/Inbox") if item.startswith("uid#")]
            seen.extend(uid for uid in sorted(uids) if uid not in seen)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: mailboxes().add("ann@example.com", Folder.INBOX, message(f"t{n}")), range(40)))
    done.set()
    watcher.join(timeout=20)
    assert seen == sorted(seen)


def test_a_mailbox_that_stays_busy_or_is_gone_is_unavailable() -> None:
    pauses: list[float] = []

    class Busy:
        """Somebody else is always faster."""

        def __getattr__(self, name: str) -> Any:
            return getattr(clients.dynamodb(), name)

        def transact_write_items(self, **call: Any) -> Any:
            mailboxes().add("ann@example.com", Folder.INBOX, message(f"faster-{len(pauses)}"))
            return clients.dynamodb().transact_write_items(**call)

    busy: Any = Busy()
    with pytest.raises(Unavailable, match="busy"):
        DynamoMailboxes(busy, "Mailboxes", lambda: NOW, pauses.append).add(
            "ann@example.com", Folder.INBOX, message("t1")
        )
    assert max(pauses) <= 0.4
    with pytest.raises(Unavailable):
        mailboxes("Gone").add("ann@example.com", Folder.INBOX, message("t1"))
