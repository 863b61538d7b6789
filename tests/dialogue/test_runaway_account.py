"""An account that sends too much, from its first message to its thaw, over real listeners."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from postern import replies
from postern.model import Transaction
from postern.ports import Correspondence, Unavailable
from postern.replies import Reply
from postern.session.hijack import SendingWatch
from postern.session.hijack_policy import HijackMode, HijackPolicy
from postern.session.screening_notices import Audience, ScreeningNotice
from postern.session.sending_memory import MemorySending
from postern.session.thaw_link import read
from postern.session.thawing import Thawing
from postern_frontend import sending_alarms
from postern_frontend.sending_alarms import AlarmEffects, SendingAlarms
from postern_frontend.submission_guard import GuardEffects, SendingGuard
from tests.dialogue.harness import World, run_directly
from tests.dialogue.submitting import ANN, Office, Ports, Streams, ask, logged_in, plain, send, submitting, under_tls
from tests.dialogue.transcript import hear_line

TEXT = "From: ann@example.com\r\nTo: bob@example.com\r\nSubject: number {}\r\n\r\ntext"
KEY = b"a key of its own"


@dataclass
class Behind:
    """What stands behind the guard. `broken` names what cannot be done now."""

    held: int = 0
    told: list[ScreeningNotice] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def hold_account(self, account: str) -> int:
        self._fail("hold")
        assert account == ANN
        self.held = 7
        return self.held

    def release_account(self, account: str) -> int:
        assert account == ANN
        released, self.held = self.held, 0
        return released

    def tell(self, notice: ScreeningNotice) -> None:
        self._fail(notice.audience.value)
        self.told.append(notice)

    def known(self, mailboxes: object, addresses: object, now: datetime) -> tuple[Correspondence, ...]:
        del mailboxes, addresses
        return (Correspondence(ANN, "user0@example.com", now),)

    def remember(self, correspondences: object) -> None:
        raise AssertionError(correspondences)

    def _fail(self, what: str) -> None:
        if what in self.broken:
            self.broken.discard(what)
            raise Unavailable("broken by a test")


@dataclass
class Guarded:
    """An office whose accounts may send ten messages, or to 25 recipients."""

    policy: HijackPolicy = field(default_factory=lambda: HijackPolicy(messages=10, recipients=25))
    behind: Behind = field(default_factory=Behind)
    store: MemorySending = field(default_factory=MemorySending)
    office: Office = field(default_factory=Office)

    def __post_init__(self) -> None:
        self.watch = SendingWatch(self.store, self.office.accounts)
        self.alarms = SendingAlarms(
            AlarmEffects(
                watch=self.watch,
                mail=self.behind,
                notices=self.behind,
                sites=self.office.world.facts,
                run=run_directly,
                thaw_url="https://thaw.example/",
                thaw_key=lambda: KEY,
            )
        )
        self.guard = SendingGuard(
            GuardEffects(
                watch=self.watch,
                policy=lambda: self.policy,
                alarms=self.alarms,
                run=run_directly,
                correspondents=self.behind,
            )
        )
        self.office.world.guard = self.guard

    def forget(self) -> None:
        """As another front end: nothing is remembered of what happened here."""
        self.guard._refused.clear()

    def hold(self, work: Callable[[Ports], Awaitable[None]]) -> None:
        """Do something with running listeners, and wait for what follows."""

        async def run() -> None:
            async with submitting(self.office, proxy=True) as ports:
                await work(ports)
                await self.alarms.stop()

        asyncio.run(run())

    @property
    def accepted(self) -> int:
        return len(self.office.world.ledger.transactions)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending_alarms, "PAUSES", (0.0, 0.0, 0.0))


async def run_away(ports: Ports, client_ip: str = "203.0.113.9") -> list[str]:
    """Log in and send until something stops us; the replies."""
    async with under_tls(ports.implicit, client_ip) as streams:
        await logged_in(streams)
        heard = []
        for number in range(15):
            heard.append(await send(streams, TEXT.format(number), to=(f"user{number}@example.com",)))
            if not heard[-1].startswith("250"):
                return heard
    return heard


async def is_over(streams: Streams) -> bool:
    return await hear_line(streams[0]) == "<closed>"


def test_a_runaway_account_is_frozen_dropped_held_and_told_of_once() -> None:
    guarded = Guarded()

    async def work(ports: Ports) -> None:
        async with under_tls(ports.implicit, "203.0.113.9") as streams:
            await logged_in(streams)
            for number in range(10):
                assert (await send(streams, TEXT.format(number))).startswith("250")
            assert await send(streams, TEXT.format(10)) == replies.ACCOUNT_FROZEN.encode().decode().strip()
            assert await is_over(streams)
        async with under_tls(ports.implicit, "203.0.113.9") as streams:
            await hear_line(streams[0])
            heard = await ask(streams, "EHLO pc.example.com", f"AUTH PLAIN {plain(ANN, 'open-sesame')}")
            assert heard[-1].startswith("525 5.7.13")

    guarded.hold(work)
    assert guarded.accepted == 10
    assert guarded.behind.held == 7
    assert [one.audience for one in guarded.behind.told] == [Audience.POSTMASTER, Audience.SECURITY]
    first, second = guarded.behind.told
    assert "messages:   11 within 60 minutes; 10 are not too many" in first.text
    assert "clients:    203.0.113.9" in first.text
    assert "held:       7 copies wait" in first.text
    assert "postern accounts thaw ann@example.com" in first.text
    assert "https://thaw.example/" in first.text
    assert "https://" not in second.text
    assert first.event == "account_frozen"
    assert first.attributes["account"] == ANN


def test_the_link_in_the_notice_thaws_and_then_mail_flows_again() -> None:
    guarded = Guarded()

    async def work(ports: Ports) -> None:
        await run_away(ports)
        await guarded.alarms.stop()
        url = re.search(r"https://\S+", guarded.behind.told[0].text)
        assert url is not None
        (token,) = parse_qs(urlsplit(url[0]).query)["t"]
        ticket = read(token, KEY, guarded.office.world.ledger.transactions[0].received_at)
        assert ticket is not None
        account = guarded.office.accounts.account(ANN)
        assert account is not None
        assert ticket.is_for(account.frozen)
        assert Thawing(guarded.office.accounts, guarded.store, guarded.behind).thaw(ANN).released == 7
        assert (await run_away(ports))[0].startswith("250")

    guarded.hold(work)
    assert guarded.accepted > 10


def test_another_session_of_the_account_ends_at_its_next_message() -> None:
    guarded = Guarded()

    async def work(ports: Ports) -> None:
        async with under_tls(ports.implicit, "198.51.100.3") as other:
            await logged_in(other)
            await run_away(ports)
            assert (await ask(other, "MAIL FROM:<ann@example.com>"))[0].startswith("552 5.7.13")
            assert await is_over(other)

    guarded.hold(work)


def test_a_session_elsewhere_is_ended_when_it_hands_its_message_over() -> None:
    """Another front end remembers nothing of it: the shared store and the account's row tell it."""
    guarded = Guarded()

    async def work(ports: Ports) -> None:
        async with under_tls(ports.implicit, "198.51.100.3") as other:
            await logged_in(other)
            await run_away(ports)
            guarded.forget()
            assert (await send(other, TEXT.format(99))).startswith("552 5.7.13")
            assert await is_over(other)

    guarded.hold(work)
    assert guarded.accepted == 10
    assert len(guarded.behind.told) == 2


def test_limiting_puts_off_and_keeps_the_session() -> None:
    guarded = Guarded(HijackPolicy(mode=HijackMode.LIMIT, messages=3))

    async def work(ports: Ports) -> None:
        async with under_tls(ports.implicit, "203.0.113.9") as streams:
            await logged_in(streams)
            heard = [await send(streams, TEXT.format(number)) for number in range(6)]
            assert [one[:9] for one in heard] == ["250 2.0.0"] * 3 + ["452 4.7.1"] * 3
            assert (await ask(streams, "RSET", "NOOP"))[-1].startswith("250")

    guarded.hold(work)
    assert guarded.accepted == 3
    assert guarded.behind.held == 0
    assert [one.event for one in guarded.behind.told] == ["account_limited"] * 2


def test_recipients_count_when_the_message_is_taken_and_not_before() -> None:
    guarded = Guarded()
    many = tuple(f"user{number}@example.com" for number in range(20))

    async def work(ports: Ports) -> None:
        async with under_tls(ports.implicit, "203.0.113.9") as streams:
            await logged_in(streams)
            for _ in range(5):
                await ask(streams, f"MAIL FROM:<{ANN}>", *(f"RCPT TO:<{one}>" for one in many), "RSET")
            assert (await send(streams, TEXT.format(1), to=many)).startswith("250")
            assert (await send(streams, TEXT.format(2), to=many)).startswith("552")

    guarded.hold(work)


def test_what_we_put_off_ourselves_does_not_count() -> None:
    guarded = Guarded()

    def defer(transaction: Transaction) -> Reply:
        del transaction
        return replies.LOCAL_TROUBLE

    async def work(ports: Ports) -> None:
        accept, guarded.office.world.judge.verdict = guarded.office.world.judge.verdict, defer
        async with under_tls(ports.implicit, "203.0.113.9") as streams:
            await logged_in(streams)
            for number in range(12):
                assert (await send(streams, TEXT.format(number))).startswith("451")
            guarded.office.world.judge.verdict = accept
            assert (await send(streams, TEXT.format(20))).startswith("250")

    guarded.hold(work)


def test_a_store_that_cannot_be_asked_puts_mail_off() -> None:
    guarded = Guarded()

    async def work(ports: Ports) -> None:
        async with under_tls(ports.implicit, "203.0.113.9") as streams:
            await logged_in(streams)
            guarded.office.accounts.broken = True
            assert (await send(streams, TEXT.format(1))).startswith("451 4.3.0")
            guarded.office.accounts.broken = False
            assert (await send(streams, TEXT.format(1))).startswith("250")

    guarded.hold(work)


@pytest.mark.parametrize("broken", ["hold", "postmaster", "security"])
def test_what_cannot_be_done_at_once_is_done_a_little_later_and_once(broken: str) -> None:
    guarded = Guarded()
    guarded.behind.broken.add(broken)

    async def work(ports: Ports) -> None:
        await run_away(ports)
        await asyncio.sleep(0.05)

    guarded.hold(work)
    assert [one.audience for one in guarded.behind.told] == [Audience.POSTMASTER, Audience.SECURITY]
    assert guarded.behind.held == 7


def test_the_evidence_names_strangers_and_new_networks() -> None:
    guarded = Guarded()
    guarded.store.note_network(ANN, "198.51.100.0/24", datetime.fromisoformat("2026-01-01T00:00:00Z"))

    async def work(ports: Ports) -> None:
        await run_away(ports)

    guarded.hold(work)
    (text, _) = (one.text for one in guarded.behind.told)
    assert "It was never used from 203.0.113.0/24 before the last 24 hours; 1 other network was." in text
    assert re.search(r"\d of the last \d recipients \(\d+ %\) had never been written to", text)


def test_mail_that_nobody_logged_in_for_is_not_counted() -> None:
    guarded = Guarded(replace(HijackPolicy(), messages=1))

    async def work(ports: Ports) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", ports.receiver.port)
        writer.write(b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 25\r\n")
        await hear_line(reader)
        for number in range(5):
            await ask((reader, writer), "HELO client.example.org")
            text = f"Subject: {number}\r\n\r\ntext"
            assert (await send((reader, writer), text, reverse_path="x@other.example")).startswith("250")
        writer.close()

    guarded.hold(work)
    assert guarded.store.rows == {}


def test_a_world_without_a_guard_lets_everything_pass() -> None:
    async def run() -> None:
        async with submitting(Office(World())) as ports, under_tls(ports.implicit) as streams:
            await logged_in(streams)
            assert (await send(streams, TEXT.format(1))).startswith("250")

    asyncio.run(run())
