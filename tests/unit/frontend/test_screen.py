"""The screen of a front end: what it reads, writes and tells, and what it never does."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable, Iterator

import pytest

from postern import replies
from postern.model import Decision, Disposition, HeaderField, Points, RecipientDecision
from postern.session import marks, subjects
from postern.session.bans import Ban, BanKind
from postern.session.counters import Counter, CounterKind, MailProtocol, window
from postern.session.screening_policy import ScreeningMode, ScreeningPolicy
from postern_frontend.screening import pending
from postern_frontend.screening.decisions import note_spf_pass
from postern_frontend.screening.known_bans import MAX_KNOWN, KnownBans
from postern_frontend.screening.refusal import Refusal
from postern_frontend.screening.session import SessionScreen
from postern_frontend.session_log import AUTHENTICATION_LOG, configure_logging
from tests.screens import START, Screened
from tests.transactions import make_transaction

CLIENT, NEIGHBOUR, LOCAL = "203.0.113.9", "203.0.113.10", "127.0.0.1"
ANN = "ann@example.com"
SMTP, IMAP = MailProtocol.SMTP, MailProtocol.IMAP


def scenario(work: Callable[[Screened], Awaitable[None]], world: Screened | None = None) -> Screened:
    """Let a scenario happen; the world it leaves."""
    it = world or Screened()

    async def happen() -> None:
        await work(it)
        await it.screen.stop()

    asyncio.run(happen())
    return it


async def connect(it: Screened, times: int, client_ip: str = CLIENT) -> None:
    for _ in range(times):
        it.screen.connected(client_ip, SMTP)
    await it.screen.report()


def row(it: Screened, kind: CounterKind, part: str = "", client_ip: str = CLIENT) -> dict[str, int]:
    found = it.table.rows.get(Counter(subjects.address(client_ip), kind, part), {})
    return marks.totals(found, it.now, window(kind, it.policy))


def test_a_banned_client_is_refused_and_asked_about_once_a_minute() -> None:
    async def work(it: Screened) -> None:
        await connect(it, 61)
        it.table.reads.clear()
        for _ in range(100):
            assert it.screen.connected(CLIENT, SMTP) is Refusal.FOR_NOW
            assert await it.screen.look_up(CLIENT) is Refusal.FOR_NOW
        assert it.table.reads == []
        it.pass_time(seconds=61)
        for _ in range(100):
            assert await it.screen.look_up(CLIENT) is Refusal.FOR_NOW
        assert len(it.table.reads) == 1
        it.pass_time(minutes=60)
        assert await it.screen.look_up(CLIENT) is None

    scenario(work)


def test_an_innocent_client_is_asked_about_once_a_minute() -> None:
    async def work(it: Screened) -> None:
        for _ in range(100):
            assert await it.screen.look_up(CLIENT) is None
        assert len(it.table.reads) == 1
        it.pass_time(seconds=61)
        assert await it.screen.look_up(CLIENT) is None
        assert len(it.table.reads) == 2

    scenario(work)


def test_connections_at_once_wait_for_one_look_up() -> None:
    async def work(it: Screened) -> None:
        answers = await asyncio.gather(*(it.screen.look_up(CLIENT) for _ in range(50)))
        assert set(answers) == {None}
        assert len(it.table.reads) == 1

    scenario(work)


def test_a_ban_of_another_front_end_counts_within_a_minute() -> None:
    async def work(it: Screened) -> None:
        other = it.another()
        assert await other.look_up(CLIENT) is None
        await connect(it, 61)
        assert other.refusal(CLIENT) is None
        it.pass_time(seconds=61)
        assert await other.look_up(CLIENT) is Refusal.FOR_NOW

    scenario(work)


def test_connections_of_several_front_ends_are_added() -> None:
    async def work(it: Screened) -> None:
        other = it.another()
        for _ in range(31):
            it.screen.connected(CLIENT, SMTP)
            other.connected(CLIENT, SMTP)
            await it.screen.report()
            await other.report()
        await connect(it, 4)
        it.pass_time(seconds=61)
        assert await other.look_up(CLIENT) is Refusal.FOR_NOW

    scenario(work)


def test_a_flood_costs_few_writes_and_is_told_once() -> None:
    async def work(it: Screened) -> None:
        it.screen.start()
        for _ in range(5_000):
            it.screen.connected(CLIENT, SMTP)
            await asyncio.sleep(0)
        assert it.screen.refusal(CLIENT) is Refusal.FOR_NOW

    it = scenario(work)
    assert len(it.notices) == 1
    (told,) = it.table.rows[Counter(subjects.address(CLIENT), CounterKind.CONNECTIONS, "smtp")].values()
    assert 61 <= told < 200


def test_a_quiet_client_costs_no_write() -> None:
    it = scenario(lambda it: connect(it, 4))
    assert row(it, CounterKind.CONNECTIONS, "smtp") == {}


@pytest.mark.parametrize(
    ("client_ip", "policy", "trusted"),
    [
        (LOCAL, ScreeningPolicy(), ()),
        ("10.0.0.1", ScreeningPolicy(), ()),
        (CLIENT, ScreeningPolicy(allow=("203.0.113.0/24",)), ()),
        (CLIENT, ScreeningPolicy(), ("203.0.113.9/32",)),
        (CLIENT, ScreeningPolicy(mode=ScreeningMode.OFF), ()),
    ],
)
def test_who_is_exempt_is_not_counted(client_ip: str, policy: ScreeningPolicy, trusted: tuple[str, ...]) -> None:
    async def work(it: Screened) -> None:
        await connect(it, 500, client_ip)
        session = SessionScreen(it.screen, SMTP, client_ip)
        assert not any(session.recipient_given(unknown=True) for _ in range(50))
        assert await it.screen.look_up(client_ip) is None

    it = scenario(work, Screened(policy, trusted))
    assert not [counter for counter in it.table.rows if counter.subject.name == client_ip]
    assert it.table.reads == []


def test_the_list_of_policy_shuts_out_without_a_read() -> None:
    async def work(it: Screened) -> None:
        assert it.screen.connected(CLIENT, SMTP) is Refusal.FOR_GOOD
        it.policy = ScreeningPolicy()
        assert it.screen.connected(CLIENT, SMTP) is None

    it = scenario(work, Screened(ScreeningPolicy(ban=("203.0.0.0/16",))))
    assert it.table.reads == []


def test_observing_tells_and_turns_nobody_away_but_by_hand() -> None:
    async def work(it: Screened) -> None:
        await connect(it, 61)
        assert it.screen.connected(CLIENT, SMTP) is None
        session = SessionScreen(it.screen, SMTP, NEIGHBOUR)
        assert not any(session.recipient_given(unknown=True) for _ in range(9))
        await it.screen.report()
        it.pass_time(seconds=61)
        it.table.banned[subjects.address(NEIGHBOUR)] = Ban(
            subject=subjects.address(NEIGHBOUR), since=START, until=None, kind=BanKind.MANUAL
        )
        assert await it.screen.look_up(NEIGHBOUR) is Refusal.FOR_GOOD

    it = scenario(work, Screened(ScreeningPolicy(mode=ScreeningMode.OBSERVE)))
    assert [notice.event for notice in it.notices] == ["client_banned", "client_banned"]


def test_when_the_table_cannot_be_asked_everybody_may_come_in() -> None:
    async def work(it: Screened) -> None:
        it.broken = True
        await connect(it, 100)
        assert await it.screen.look_up(CLIENT) is None
        it.broken = False
        await it.screen.report()
        it.pass_time(seconds=11)
        assert await it.screen.look_up(CLIENT) is Refusal.FOR_NOW

    scenario(work)


def test_a_session_ends_with_its_fourth_unknown_recipient() -> None:
    async def work(it: Screened) -> None:
        session = SessionScreen(it.screen, SMTP, CLIENT)
        assert [session.recipient_given(unknown=True) for _ in range(4)] == [False, False, False, True]
        await it.screen.report()
        assert session.is_banned

    it = scenario(work)
    assert row(it, CounterKind.RECIPIENTS, "smtp") == {"unknown": 4, "session": 1}


def test_known_recipients_wait_for_an_unknown_one() -> None:
    async def work(it: Screened) -> None:
        session = SessionScreen(it.screen, SMTP, CLIENT)
        for _ in range(20):
            session.recipient_given(unknown=False)
        await it.screen.report()
        assert row(it, CounterKind.RECIPIENTS, "smtp") == {}
        session.recipient_given(unknown=True)
        await it.screen.report()
        assert row(it, CounterKind.RECIPIENTS, "smtp") == {"known": 20, "unknown": 1}

    scenario(work)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a front end writes to its standard output."""
    root, authentication = logging.getLogger(), logging.getLogger(AUTHENTICATION_LOG)
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    configure_logging("INFO", stream)
    yield stream
    root.handlers[:], root.level = before
    authentication.handlers.clear()
    authentication.propagate = True


def test_failed_logins_end_in_a_ban_a_line_each_and_one_notice(log: io.StringIO) -> None:
    async def work(it: Screened) -> None:
        session = SessionScreen(it.screen, SMTP, CLIENT)
        for number in range(5):
            assert await session.may_log_in(ANN)
            session.login_failed(ANN, f"guess {number}")
            await it.screen.report()
        assert not await session.may_log_in(ANN)

    it = scenario(work)
    lines = [line for line in log.getvalue().splitlines() if line.startswith("Failed")]
    assert lines == ['Failed SMTP authentication attempt from 203.0.113.9 for "ann@example.com"'] * 5
    assert [notice.event for notice in it.notices] == ["client_banned"]
    assert "guess" not in log.getvalue()
    assert "guess" not in repr(it.table.rows)


def test_the_same_wrong_password_does_not_ban() -> None:
    async def work(it: Screened) -> None:
        for _ in range(100):
            SessionScreen(it.screen, IMAP, CLIENT).login_failed(ANN, "the old one")
            await it.screen.report()
        assert it.screen.refusal(CLIENT) is None

    it = scenario(work)
    assert it.notices == []


def test_ten_thousand_attempts_make_a_handful_of_notices() -> None:
    """From 2,500 addresses in 25 networks, on 100 accounts."""

    async def work(it: Screened) -> None:
        for number in range(10_000):
            client_ip = f"198.51.{number % 25}.{number // 25 % 100 + 1}"
            session = SessionScreen(it.screen, SMTP, client_ip)
            if await session.may_log_in(f"user{number % 100}@example.com"):
                session.login_failed(f"user{number % 100}@example.com", f"guess {number}")
            if number % 50 == 0:
                await it.screen.report()

    it = scenario(work)
    assert {notice.event for notice in it.notices} <= {"client_banned", "network_banned", "account_failures"}
    assert 1 <= len(it.notices) <= 18


def test_failures_from_inside_are_told_and_ban_nobody() -> None:
    async def work(it: Screened) -> None:
        session = SessionScreen(it.screen, IMAP, LOCAL)
        for number in range(12):
            session.login_failed(ANN, f"guess {number}")
            await it.screen.report()
        assert await session.may_log_in(ANN)

    it = scenario(work)
    assert [notice.event for notice in it.notices] == ["account_failures"]


def test_a_login_clears_the_account_and_excuses_connections() -> None:
    async def work(it: Screened) -> None:
        session = SessionScreen(it.screen, IMAP, CLIENT)
        session.login_failed(ANN, "wrong")
        await it.screen.report()
        session.logged_in(ANN)
        await asyncio.sleep(0.01)
        await connect(it, 500)
        assert it.screen.refusal(CLIENT) is None
        assert Counter(subjects.account(ANN), CounterKind.ACCOUNT_FAILURES) not in it.table.rows

    scenario(work)


def test_an_account_can_be_banned_by_hand() -> None:
    async def work(it: Screened) -> None:
        account = subjects.account(ANN)
        it.table.banned[account] = Ban(subject=account, since=START, until=None, kind=BanKind.MANUAL)
        session = SessionScreen(it.screen, IMAP, CLIENT)
        assert not await session.may_log_in("Ann@Example.com")
        assert await session.may_log_in("ben@example.com")

    scenario(work)


def test_the_end_of_a_ban_is_told_when_policy_wants_it() -> None:
    async def work(it: Screened) -> None:
        it.screen.start()
        await connect(it, 61)
        await connect(it, 61, NEIGHBOUR)
        del it.table.banned[subjects.address(NEIGHBOUR)]
        it.pass_time(minutes=61)
        await asyncio.sleep(0.7)

    it = scenario(work, Screened(ScreeningPolicy(tell_ban_end=True)))
    assert [notice.event for notice in it.notices] == ["client_banned", "client_banned", "ban_ended"]


def decision(spf: str, disposition: Disposition, *, flagged: bool = False) -> Decision:
    copy = RecipientDecision(ANN, disposition, disposition, Points(0), flagged=flagged)
    field = HeaderField("Received-SPF", f"{spf} (of course) client-ip=203.0.113.9; identity=mailfrom")
    return Decision("id", replies.OK, (copy,), (field,))


@pytest.mark.parametrize(
    ("given", "proven"),
    [
        (decision("pass", Disposition.ACCEPT), True),
        (decision("pass", Disposition.ACCEPT, flagged=True), False),
        (decision("pass", Disposition.JUNK), False),
        (decision("fail", Disposition.ACCEPT), False),
    ],
)
def test_only_wanted_mail_that_passed_spf_proves_a_network(given: Decision, proven: bool) -> None:
    async def work(it: Screened) -> None:
        message = make_transaction(client_ip=CLIENT)
        for _ in range(10):
            note_spf_pass(it.screen, message, given)
            await it.screen.report()

    it = scenario(work)
    counter = Counter(subjects.network(CLIENT), CounterKind.SPF_PASSES)
    assert list(it.table.rows.get(counter, {}).values()) == ([1] if proven else [])


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MAX_PENDING", 100)

    async def work(it: Screened) -> None:
        for number in range(300):
            it.screen.connected(f"198.51.{number // 250}.{number % 250}", SMTP)
        assert len(it.screen._pending._gathered) == 100

    scenario(work)
    known = KnownBans()
    known.keep((subjects.account(f"user{number}") for number in range(MAX_KNOWN + 10)), (), START)
    assert len(known._known) == MAX_KNOWN
