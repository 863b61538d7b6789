"""What accounts send, in the table: however many front ends count at once, none of them takes one place too many."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from postern.accounts import Account, Freeze
from postern.ports import Unavailable
from postern.session.hijack import Outcome, SendingWatch, Verdict
from postern.session.hijack_policy import HijackMode, HijackPolicy
from postern.session.usage import MAX_OUTLIVED, Attempt
from postern_aws import clients, sending
from postern_aws.items import from_item, to_item
from postern_aws.sending import DynamoSending

pytestmark = pytest.mark.usefixtures("aws")

T = TypeVar("T")
NOW = datetime(2026, 11, 22, 18, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANN = "ann@example.com"
AT_ONCE = 300


def table(name: str = "Screening") -> DynamoSending:
    return DynamoSending(clients.dynamodb(), name)


@dataclass
class OneAccount:
    """An account that can be frozen once, by one of many threads. Implements `ports.AccountStore`."""

    frozen: list[Freeze] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def account(self, address: str) -> Account | None:
        # As a read that is a moment old: nobody is kept from counting by what others have done meanwhile.
        return Account(address, "hash")

    def freeze(self, address: str, freeze: Freeze) -> bool:
        del address
        with self.lock:
            self.frozen.append(freeze)
            return len(self.frozen) == 1

    def thaw(self, address: str) -> bool:
        raise AssertionError(address)

    def note_use(self, address: str, label: str, now: datetime) -> None:
        raise AssertionError((address, label, now))


def at_once(work: Callable[[int], T], number: int = AT_ONCE) -> list[T]:
    with ThreadPoolExecutor(32) as pool:
        return list(pool.map(work, range(number)))


def attempt(number: int, recipients: int = 1, client_ip: str = "203.0.113.9") -> Attempt:
    return Attempt(account=ANN, transaction_id=f"t{number}", recipients=recipients, client_ip=client_ip)


def row(counter: str = "window") -> dict[str, Any]:
    key = to_item({"subject": f"sending:{ANN}", "counter": counter})
    answer = clients.dynamodb().get_item(TableName="Screening", Key=key, ConsistentRead=True)
    return from_item(answer.get("Item", {}))


def two_front_ends(policy: HijackPolicy, sizes: list[int]) -> list[Verdict]:
    """Both take messages of these sizes at the same time, each through a client of its own."""
    accounts = OneAccount()
    front_ends = [SendingWatch(table(), accounts), SendingWatch(table(), accounts)]
    return at_once(lambda number: front_ends[number % 2].take(attempt(number, sizes[number]), NOW, policy), len(sizes))


def taken(verdicts: list[Verdict], sizes: list[int]) -> list[int]:
    return [size for verdict, size in zip(verdicts, sizes, strict=True) if verdict.outcome is Outcome.ADMITTED]


def test_two_front_ends_together_take_as_many_messages_as_one_may_and_one_of_them_tells() -> None:
    verdicts = two_front_ends(HijackPolicy(), [1] * AT_ONCE)
    assert len(taken(verdicts, [1] * AT_ONCE)) == 200
    assert sum(one.alarm is not None for one in verdicts) == 1


def test_recipients_of_messages_of_many_sizes_never_pass_the_limit() -> None:
    sizes = [1 + number * 7 % 19 for number in range(100)]
    verdicts = two_front_ends(HijackPolicy(messages=1_000), sizes)
    total = sum(taken(verdicts, sizes))
    assert 480 < total <= 500


@pytest.mark.parametrize("seed", range(2))
def test_limiting_uses_the_limit_up_and_never_more(seed: int) -> None:
    """What is put off is given back, so that nobody is kept out by what was not sent; the bound holds all the same."""
    sizes = [1 + number * (3 + seed) % 8 for number in range(100)]
    policy = HijackPolicy(mode=HijackMode.LIMIT, recipients=100)
    assert sum(taken(two_front_ends(policy, sizes), sizes)) <= 100
    assert table().add(attempt(0, 1), NOW, HOUR).recipients <= 101
    left = 100 - table().add(attempt(0, 0), NOW, HOUR).recipients
    watch = SendingWatch(table(), OneAccount())
    assert watch.take(attempt(1, max(1, left)), NOW, policy).outcome is (
        Outcome.ADMITTED if left > 0 else Outcome.LIMITED
    )


def test_every_addition_sees_another_sum() -> None:
    seen = at_once(lambda number: table().add(attempt(number), NOW, HOUR).messages)
    assert sorted(seen) == list(range(1, AT_ONCE + 1))


def test_a_message_costs_one_call_and_the_row_can_be_read_by_people(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    update = clients.dynamodb().update_item

    def counted(**given: Any) -> Any:
        calls.append("update")
        return update(**given)

    monkeypatch.setattr(clients.dynamodb(), "update_item", counted)
    table().add(attempt(1, 3), NOW, HOUR)
    usage = table().add(replace(attempt(2, 4), looked_at=4, unseen=3), NOW + timedelta(minutes=6), HOUR)
    assert calls == ["update"] * 2
    assert (usage.messages, usage.recipients, usage.looked_at, usage.unseen) == (2, 7, 4, 3)
    found = row()
    assert found.pop("expires_at") > NOW.timestamp()
    assert [found.pop(name) for name in list(found) if name.startswith("client#")] == [
        "203.0.113.9 2026-11-22T18:07:00Z"
    ]
    assert found == {
        "subject": f"sending:{ANN}",
        "counter": "window",
        "2026-11-22T18:00:00Z first": "t1 2026-11-22T18:01:00Z",
        "2026-11-22T18:00:00Z messages": 1,
        "2026-11-22T18:00:00Z recipients": 3,
        "2026-11-22T18:06:00Z first": "t2 2026-11-22T18:07:00Z",
        "2026-11-22T18:06:00Z messages": 1,
        "2026-11-22T18:06:00Z recipients": 4,
        "2026-11-22T18:06:00Z looked_at": 4,
        "2026-11-22T18:06:00Z unseen": 3,
        "last": "t2 2026-11-22T18:07:00Z",
    }


def test_a_row_of_an_account_that_never_rests_stays_small() -> None:
    for number in range(120):
        table().add(attempt(number, client_ip=f"198.51.100.{number}"), NOW + number * timedelta(minutes=6), HOUR)
    assert len(row()) < MAX_OUTLIVED + 80
    assert table().add(attempt(0), NOW + 119 * timedelta(minutes=6), HOUR).messages == 11


def test_one_of_many_tells_within_the_quiet_time() -> None:
    claims = at_once(lambda _: table().claim_notice(ANN, NOW, HOUR), 60)
    assert claims.count(True) == 1
    assert table().claim_notice(ANN, NOW + HOUR, HOUR)


def test_networks_are_remembered_since_they_were_first_used_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MAX_NETWORKS", 20)
    for day in range(3):
        table().note_network(ANN, "203.0.113.0/24", NOW + timedelta(days=day))
    for third in range(30):
        table().note_network(ANN, f"198.51.{third}.0/24", NOW + HOUR)
    found = table().networks(ANN)
    assert found["203.0.113.0/24"] == NOW
    assert len(found) == 20


def test_a_reset_forgets_what_was_sent_and_not_from_where() -> None:
    table().add(attempt(1), NOW, HOUR)
    table().note_network(ANN, "203.0.113.0/24", NOW)
    table().reset(ANN)
    assert row() == {}
    assert table().networks(ANN) == {"203.0.113.0/24": NOW}
    assert table().add(attempt(2), NOW, HOUR).messages == 1


def test_a_table_that_cannot_be_used_is_unavailable() -> None:
    missing = table("Missing")
    for call in (
        lambda: missing.add(attempt(1), NOW, HOUR),
        lambda: missing.give_back(attempt(1), NOW, HOUR),
        lambda: missing.claim_notice(ANN, NOW, HOUR),
        lambda: missing.note_network(ANN, "203.0.113.0/24", NOW),
        lambda: missing.networks(ANN),
        lambda: missing.reset(ANN),
    ):
        with pytest.raises(Unavailable):
            call()
