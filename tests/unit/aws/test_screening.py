"""The table of screening: hundreds of updates at once lose nothing, and of bans at once exactly one is made."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from postern.ports import Unavailable
from postern.session import marks, screening, subjects
from postern.session.bans import Ban, BanKind, BanReason
from postern.session.counters import Counter, CounterKind, MailProtocol
from postern.session.screening import Event, EventKind, Screener
from postern.session.screening_policy import ScreeningPolicy
from postern_aws import clients
from postern_aws.items import epoch, from_item, to_item
from postern_aws.screening import DynamoScreening

pytestmark = pytest.mark.usefixtures("aws")

T = TypeVar("T")
NOW = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
MINUTES, HOUR = timedelta(minutes=5), timedelta(hours=1)
CLIENT = "203.0.113.9"
ADDRESS = subjects.address(CLIENT)
CONNECTIONS = Counter(ADDRESS, CounterKind.CONNECTIONS, "smtp")
FAILURES = Counter(subjects.account("ann@example.com"), CounterKind.ACCOUNT_FAILURES)
BAN = Ban(
    subject=ADDRESS, since=NOW, until=NOW + HOUR, reason=BanReason.CONNECTIONS, count=61, protocol="smtp", note="why"
)
POLICY = ScreeningPolicy()
AT_ONCE = 300


def table(name: str = "Screening") -> DynamoScreening:
    return DynamoScreening(clients.dynamodb(), name)


def at_once(work: Callable[[int], T], number: int = AT_ONCE) -> list[T]:
    with ThreadPoolExecutor(32) as pool:
        return list(pool.map(work, range(number)))


def row(subject: str, counter: str) -> dict[str, Any]:
    key = to_item({"subject": subject, "counter": counter})
    return from_item(clients.dynamodb().get_item(TableName="Screening", Key=key, ConsistentRead=True)["Item"])


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the calls to DynamoDB."""
    made: list[str] = []

    def counted(name: str) -> None:
        call = getattr(clients.dynamodb(), name)

        def counting(**arguments: Any) -> Any:
            made.append(name)
            return call(**arguments)

        monkeypatch.setattr(clients.dynamodb(), name, counting)

    for name in ("update_item", "put_item", "get_item", "delete_item", "batch_get_item"):
        counted(name)
    return made


def test_an_addition_is_one_call_and_readable(calls: list[str]) -> None:
    assert table().add(CONNECTIONS, {"taken": 3}, NOW, MINUTES) == {"taken": 3}
    assert table().add(CONNECTIONS, {"taken": 2}, NOW + timedelta(minutes=1), MINUTES) == {"taken": 5}
    assert calls == ["update_item"] * 2
    assert row("ip:203.0.113.9", "connections#smtp") == {
        "subject": "ip:203.0.113.9",
        "counter": "connections#smtp",
        "2026-10-01T12:00:00Z taken": 3,
        "2026-10-01T12:01:00Z taken": 2,
        "additions": 2,
        "expires_at": epoch(NOW + timedelta(minutes=6)),
    }


def test_additions_at_once_are_all_counted() -> None:
    seen = at_once(lambda number: table().add(CONNECTIONS, {"taken": 1 + number % 3}, NOW, MINUTES)["taken"])
    assert len(set(seen)) == AT_ONCE
    assert max(seen) == sum(1 + number % 3 for number in range(AT_ONCE))


def test_a_row_that_was_not_removed_yet_counts_no_more() -> None:
    table().add(CONNECTIONS, {"taken": 60}, NOW, MINUTES)
    assert table().totals(CONNECTIONS, NOW + MINUTES, MINUTES) == {}
    assert table().add(CONNECTIONS, {"taken": 1}, NOW + MINUTES, MINUTES) == {"taken": 1}


def test_a_row_is_tidied_when_it_is_full_also_by_many_at_once() -> None:
    for number in range(marks.MAX_MARKS):
        table().add(CONNECTIONS, {"taken": 1}, NOW + number * timedelta(seconds=30), MINUTES)
    later = NOW + timedelta(hours=5)
    seen = at_once(lambda _: table().add(CONNECTIONS, {"taken": 1}, later, MINUTES)["taken"], 60)
    assert sorted(seen) == list(range(1, 61))
    assert len(row("ip:203.0.113.9", "connections#smtp")) < marks.MAX_MARKS


def test_a_row_full_of_what_counts_takes_no_more() -> None:
    found = [
        table().add(FAILURES, {f"{start + number:012x}": 1 for number in range(50)}, NOW, timedelta(hours=24))
        for start in range(0, 400, 50)
    ]
    assert len(found[-1]) == marks.MAX_MARKS
    assert len(row("account:ann@example.com", "failures")) == marks.MAX_MARKS + 4


def test_a_counter_is_cleared_with_a_write_only_when_there_was_something(calls: list[str]) -> None:
    assert table().clear(FAILURES) is False
    assert calls == ["get_item"]
    table().add(FAILURES, {"0" * 12: 1}, NOW, MINUTES)
    assert table().clear(FAILURES) is True
    assert table().totals(FAILURES, NOW, MINUTES) == {}


def test_a_ban_comes_back_as_it_was_made() -> None:
    assert table().impose(BAN, None, NOW + timedelta(days=30))
    assert table().bans((ADDRESS, subjects.network(CLIENT))) == (BAN,)
    for_ever = replace(BAN, subject=subjects.network(CLIENT), until=None, kind=BanKind.MANUAL)
    table().put(for_ever, None)
    assert set(table().bans((ADDRESS, subjects.network(CLIENT)))) == {BAN, for_ever}
    assert "expires_at" not in row("net:203.0.113.0/24", "ban")


def test_bans_are_read_in_one_call(calls: list[str]) -> None:
    table().bans((ADDRESS, subjects.network(CLIENT)))
    assert calls == ["batch_get_item"]


def test_only_the_ban_that_was_seen_is_replaced() -> None:
    assert table().impose(BAN, None, None)
    assert not table().impose(BAN, None, None)
    again = replace(BAN, since=NOW + 2 * HOUR, until=NOW + 4 * HOUR, repeats=1)
    assert table().impose(again, BAN, None)
    assert not table().impose(replace(again, repeats=2), BAN, None)


def test_of_front_ends_that_ban_at_once_exactly_one_does(calls: list[str]) -> None:
    screener = Screener(table())

    def report(_: int) -> list[Event]:
        return list(screener.record(screening.connections_report(CLIENT, MailProtocol.SMTP, 1), NOW, POLICY))

    events = [event for found in at_once(report) for event in found]
    assert [event.kind for event in events] == [EventKind.BANNED]
    assert calls.count("put_item") < AT_ONCE


def test_repeats_at_once_double_once() -> None:
    screener = Screener(table())
    table().impose(BAN, None, None)
    later = NOW + 2 * HOUR

    def report(_: int) -> list[Event]:
        return list(screener.record(screening.connections_report(CLIENT, MailProtocol.SMTP, 61), later, POLICY))

    (event,) = [event for found in at_once(report, 100) for event in found]
    assert event.ban is not None
    assert (event.ban.repeats, event.ban.until) == (1, later + 2 * HOUR)


def test_failures_at_once_are_told_once() -> None:
    screener = Screener(table())

    def fail(number: int) -> list[Event]:
        (report, *_) = screening.failed_login_reports(
            None, MailProtocol.IMAP, "ann@example.com", f"{number % 100:012x}"
        )
        return list(screener.record(report, NOW, POLICY))

    events = [event for found in at_once(fail) for event in found]
    assert [event.kind for event in events] == [EventKind.ACCOUNT_FAILURES]
    assert events[0].count == 10


def test_neighbours_at_once_ban_their_network_once() -> None:
    screener = Screener(table())

    def report(number: int) -> list[Event]:
        client = f"203.0.113.{number}"
        return list(screener.record(screening.connections_report(client, MailProtocol.SMTP, 61), NOW, POLICY))

    kinds = [event.kind for found in at_once(report, 60) for event in found]
    assert kinds.count(EventKind.BANNED) == 60
    assert kinds.count(EventKind.NETWORK_BANNED) == 1


def test_a_ban_that_is_lifted_begins_anew() -> None:
    screener = Screener(table())
    for number in range(1, 4):
        client = f"203.0.113.{number}"
        screener.record(screening.connections_report(client, MailProtocol.SMTP, 61), NOW, POLICY)
    assert table().lift(subjects.address("203.0.113.1")) is True
    assert table().lift(subjects.address("203.0.113.1")) is False
    assert list(table().rows(subjects.address("203.0.113.1"))) == []
    events = screener.record(screening.connections_report("203.0.113.4", MailProtocol.SMTP, 61), NOW, POLICY)
    assert [event.kind for event in events] == [EventKind.BANNED]
    assert len(list(table().every_ban())) == 3


def test_a_row_that_a_person_spoilt_hinders_nobody() -> None:
    for name, attributes in {
        "ip:203.0.113.1": {"until": "soon"},
        "ip:203.0.113.2": {"repeats": "many"},
        "house:7": {},
        "ip:203.0.113.3": {},
    }.items():
        item = to_item({"subject": name, "counter": "ban", **attributes})
        clients.dynamodb().put_item(TableName="Screening", Item=item)
    (ban,) = table().every_ban()
    assert (str(ban.subject), ban.kind, ban.until) == ("ip:203.0.113.3", BanKind.MANUAL, None)


def test_trouble_is_unavailable() -> None:
    nowhere = table("Nowhere")
    for work in (
        lambda: nowhere.add(CONNECTIONS, {"taken": 1}, NOW, MINUTES),
        lambda: nowhere.totals(CONNECTIONS, NOW, MINUTES),
        lambda: nowhere.bans((ADDRESS,)),
        lambda: nowhere.impose(BAN, None, None),
        lambda: nowhere.lift(ADDRESS),
        lambda: list(nowhere.every_ban()),
    ):
        with pytest.raises(Unavailable):
            work()
