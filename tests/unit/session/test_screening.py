"""From reports to bans and events; the clock is a value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from postern.session import screening, subjects
from postern.session.bans import Ban, BanKind, BanReason, weightiest
from postern.session.counters import MailProtocol
from postern.session.memory import MemoryScreening
from postern.session.screening import Event, EventKind, Report, Screener
from postern.session.screening_policy import ScreeningPolicy

NOW = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
CLIENT = "203.0.113.9"
ANN = "ann@example.com"
POLICY = ScreeningPolicy()
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SMTP = MailProtocol.SMTP


class World:
    """A screener over memory, and what it made known."""

    def __init__(self, policy: ScreeningPolicy = POLICY) -> None:
        self.store = MemoryScreening()
        self.screener = Screener(self.store)
        self.policy = policy

    def report(self, *reports: Report, at: datetime = NOW) -> list[Event]:
        return [event for report in reports for event in self.screener.record(report, at, self.policy)]

    def ban(self, client_ip: str, at: datetime = NOW) -> list[Event]:
        """Have a client banned."""
        return self.report(screening.connections_report(client_ip, SMTP, 61), at=at)

    def ban_of(self, client_ip: str, at: datetime = NOW) -> Ban | None:
        return self.screener.ban_of((subjects.address(client_ip), subjects.network(client_ip)), at)

    def guess(self, account: str, password: str, client_ip: str | None = CLIENT, at: datetime = NOW) -> list[Event]:
        return self.report(*screening.failed_login_reports(client_ip, SMTP, account, password), at=at)


def kinds(events: list[Event]) -> list[EventKind]:
    return [event.kind for event in events]


def test_a_client_is_banned_once_for_its_61st_connection() -> None:
    world = World()
    assert world.report(screening.connections_report(CLIENT, SMTP, 60)) == []
    (event,) = world.report(screening.connections_report(CLIENT, SMTP, 1))
    assert (event.kind, event.client_ip, event.protocol, event.count) == (EventKind.BANNED, CLIENT, "smtp", 61)
    assert world.report(screening.connections_report(CLIENT, SMTP, 1)) == []
    ban = world.ban_of(CLIENT)
    assert ban is not None
    assert (ban.reason, ban.until, ban.repeats) == (BanReason.CONNECTIONS, NOW + HOUR, 0)


def test_each_protocol_counts_by_itself_and_the_ban_counts_for_all() -> None:
    world = World()
    for protocol in MailProtocol:
        assert world.report(screening.connections_report(CLIENT, protocol, 60)) == []
    assert kinds(world.report(screening.connections_report(CLIENT, MailProtocol.POP3, 241))) == [EventKind.BANNED]
    assert world.ban_of(CLIENT) is not None


def test_who_logged_in_may_connect_often_but_not_guess() -> None:
    world = World()
    world.report(screening.login_report(CLIENT, SMTP))
    assert world.report(screening.connections_report(CLIENT, SMTP, 500)) == []
    later = NOW + 6 * MINUTE
    assert kinds(world.report(screening.connections_report(CLIENT, SMTP, 61), at=later)) == [EventKind.BANNED]
    other = World()
    other.report(screening.login_report(CLIENT, SMTP))
    events = [event for number in range(5) for event in other.guess(ANN, f"{number:012x}")]
    assert kinds(events) == [EventKind.BANNED]


@pytest.mark.parametrize(
    ("ban_number", "minutes"),
    [(1, 60), (2, 120), (3, 240), (4, 480), (5, 960), (6, 1920), (7, 3840), (8, 7680), (9, 10080), (10, 10080)],
)
def test_each_repeat_doubles_the_ban_up_to_a_week(ban_number: int, minutes: int) -> None:
    world, at = World(), NOW
    for _ in range(ban_number - 1):
        world.ban(CLIENT, at)
        ban = world.ban_of(CLIENT, at)
        assert ban is not None
        assert ban.until is not None
        at = ban.until + HOUR
    (event,) = world.ban(CLIENT, at)
    assert event.ban is not None
    assert event.ban.until == at + minutes * MINUTE
    assert event.ban.repeats == ban_number - 1


def test_an_old_ban_is_forgotten() -> None:
    world = World()
    world.ban(CLIENT)
    (event,) = world.ban(CLIENT, NOW + HOUR + timedelta(days=30))
    assert event.ban is not None
    assert event.ban.repeats == 0


def test_a_ban_ends_by_itself() -> None:
    world = World()
    world.ban(CLIENT)
    assert world.ban_of(CLIENT, NOW + HOUR - timedelta(seconds=1)) is not None
    assert world.ban_of(CLIENT, NOW + HOUR) is None
    (ban,) = world.store.banned.values()
    assert not world.screener.is_over(ban, NOW + HOUR - timedelta(seconds=1))
    assert world.screener.is_over(ban, NOW + HOUR)


def test_four_banned_neighbours_ban_their_network_once() -> None:
    world = World()
    for number in range(1, 4):
        assert kinds(world.ban(f"203.0.113.{number}")) == [EventKind.BANNED]
    assert world.ban_of("203.0.113.200") is None
    events = world.ban("203.0.113.4")
    assert kinds(events) == [EventKind.BANNED, EventKind.NETWORK_BANNED]
    assert str(events[1].subject) == "net:203.0.113.0/24"
    assert kinds(world.ban("203.0.113.5")) == [EventKind.BANNED]
    ban = world.ban_of("203.0.113.200")
    assert ban is not None
    assert ban.reason is BanReason.NEIGHBOURS
    assert world.ban_of("203.0.112.200") is None


def test_the_same_neighbour_counts_once_and_old_ones_not_at_all() -> None:
    world = World()
    for repeat in range(4):
        world.ban(CLIENT, NOW + repeat * timedelta(hours=5))
    assert world.ban_of("203.0.113.200", NOW + timedelta(hours=15)) is None
    spread = World()
    for number in range(1, 6):
        spread.ban(f"203.0.113.{number}", NOW + number * timedelta(hours=12))
    assert spread.ban_of("203.0.113.200", NOW + timedelta(hours=60)) is None


def test_neighbours_of_ipv6_share_a_64() -> None:
    world = World()
    events = [event for number in range(1, 5) for event in world.ban(f"2001:db8:0:1::{number}")]
    assert str(events[-1].subject) == "net:2001:db8:0:1::/64"


def test_a_network_whose_mail_passes_spf_is_never_banned_whole() -> None:
    world = World()
    world.report(screening.spf_pass_report("203.0.113.250"), at=NOW - timedelta(days=20))
    events = [event for number in range(1, 9) for event in world.ban(f"203.0.113.{number}")]
    assert set(kinds(events)) == {EventKind.BANNED}
    assert world.ban_of("203.0.113.200") is None


def test_the_same_wrong_password_counts_once() -> None:
    world = World()
    for number in range(100):
        assert world.guess(ANN, "0123456789ab", at=NOW + number * timedelta(seconds=1)) == []
    for number in range(3):
        assert world.guess(ANN, f"{number:012x}", at=NOW + 2 * MINUTE) == []
    assert kinds(world.guess(ANN, f"{9:012x}", at=NOW + 2 * MINUTE)) == [EventKind.BANNED]


def test_failed_logins_that_are_far_apart_do_not_ban() -> None:
    world = World()
    for number in range(20):
        assert EventKind.BANNED not in kinds(world.guess(ANN, f"{number:012x}", at=NOW + number * 3 * MINUTE))


def test_the_postmaster_is_told_once_of_ten_failures_in_a_row() -> None:
    """Each guess comes from another client, as a botnet's do."""
    world = World()
    told = [
        event
        for number in range(40)
        for event in world.guess(ANN, f"{number:012x}", f"198.51.{number}.7", NOW + number * MINUTE)
    ]
    (event,) = told
    assert (event.kind, event.account, event.count) == (EventKind.ACCOUNT_FAILURES, ANN, 10)
    assert event.client_ip == "198.51.9.7"
    assert event.ban is None


def test_a_login_ends_the_row() -> None:
    world = World()
    for number in range(9):
        world.guess(ANN, f"{number:012x}", None)
    world.screener.logged_in(subjects.account(ANN))
    for number in range(9):
        assert world.guess(ANN, f"{number:012x}", None) == []
    assert kinds(world.guess(ANN, f"{99:012x}", None)) == [EventKind.ACCOUNT_FAILURES]


def test_an_account_can_be_banned_by_policy() -> None:
    world = World(ScreeningPolicy(ban_account=True))
    events = [event for number in range(12) for event in world.guess(ANN, f"{number:012x}", None)]
    assert kinds(events) == [EventKind.ACCOUNT_FAILURES, EventKind.ACCOUNT_BANNED]
    assert world.screener.ban_of((subjects.account("Ann@Example.com"),), NOW) is not None


def test_recipients_are_judged_over_ten_minutes_and_per_session() -> None:
    world = World()
    assert world.report(screening.recipients_report(CLIENT, known=10, unknown=10)) == []
    assert kinds(world.report(screening.recipients_report(CLIENT, unknown=1))) == [EventKind.BANNED]
    cut = World()
    assert kinds(cut.report(screening.recipients_report(CLIENT, known=50, unknown=4, session=True))) == [
        EventKind.BANNED
    ]
    assert screening.session_limit_passed(4, POLICY)
    assert not screening.session_limit_passed(3, POLICY)


def test_a_manual_ban_is_not_replaced_and_decides() -> None:
    world = World()
    manual = Ban(subject=subjects.address(CLIENT), since=NOW, until=None, kind=BanKind.MANUAL)
    world.store.banned[manual.subject] = manual
    assert world.ban(CLIENT) == []
    automatic = Ban(subject=subjects.network(CLIENT), since=NOW, until=NOW + 1000 * HOUR)
    assert weightiest((automatic, manual), NOW) is manual
    assert weightiest((), NOW) is None


def test_who_comes_too_late_makes_no_ban() -> None:
    class Overtaken(MemoryScreening):
        """Somebody else bans between our look and our ban."""

        def impose(self, ban: Ban, replacing: Ban | None, forget_at: datetime | None) -> bool:
            super().impose(ban, replacing, forget_at)
            return super().impose(ban, replacing, forget_at)

    world = World()
    world.screener = Screener(Overtaken())
    assert world.ban(CLIENT) == []


def test_a_flood_of_events_makes_a_handful_of_notices() -> None:
    world = World()
    told = []
    for number in range(2_000):
        for event in world.ban(f"198.{number // 250}.{number % 250}.1"):
            tell, last = world.screener.may_tell(event, NOW, POLICY)
            told.append((tell, last))
    assert told.count((True, False)) == 5
    assert told.count((True, True)) == 1
    assert sum(tell for tell, _ in told) == 6


def test_kinds_of_events_have_notices_of_their_own() -> None:
    world = World()
    (banned,) = world.ban(CLIENT)
    for _ in range(10):
        world.screener.may_tell(banned, NOW, POLICY)
    account = subjects.account(ANN)
    other = Event(kind=EventKind.ACCOUNT_FAILURES, at=NOW, subject=account, count=10, account=ANN)
    assert world.screener.may_tell(other, NOW, POLICY) == (True, False)
    assert world.screener.may_tell(banned, NOW + 2 * HOUR, POLICY) == (True, False)
