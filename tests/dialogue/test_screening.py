"""What banned clients and guessers hear. The PROXY protocol gives them addresses of the Internet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from postern import replies
from postern.session import subjects
from postern.session.bans import Ban, BanKind
from postern.session.counters import MailProtocol
from postern.session.screening_policy import ScreeningPolicy
from postern_frontend.listener import Endpoint
from tests.dialogue.client import BANNER, hear_until, until
from tests.dialogue.harness import World, running
from tests.dialogue.transcript import CLOSED, connected, hear_line
from tests.screens import START, Screened

BEHIND_BALANCER = Endpoint(0, "127.0.0.1", proxy=True)
CLIENT, NEIGHBOUR = "203.0.113.9", "203.0.113.10"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def hold(it: Screened, talk: Callable[[int], Awaitable[None]]) -> None:
    """Let clients talk to a receiver behind a balancer."""

    async def session() -> None:
        async with running(World(screen=it.screen), BEHIND_BALANCER) as receiver:
            await talk(receiver.port)

    asyncio.run(session())


@asynccontextmanager
async def client(port: int, client_ip: str = CLIENT) -> AsyncIterator[Streams]:
    async with connected(port) as (reader, writer):
        writer.write(f"PROXY TCP4 {client_ip} 192.0.2.1 40000 25\r\n".encode())
        yield reader, writer


def ban(it: Screened, *, manual: bool = False) -> None:
    subject = subjects.address(CLIENT)
    it.table.banned[subject] = Ban(
        subject=subject,
        since=START,
        until=None if manual else it.now.replace(hour=13),
        kind=BanKind.MANUAL if manual else BanKind.AUTOMATIC,
    )


def test_a_banned_client_is_put_off_at_the_banner() -> None:
    it = Screened()
    ban(it)

    async def talk(port: int) -> None:
        for _ in range(3):
            async with client(port) as (reader, _):
                assert await hear_line(reader) == "421 Your address is blocked for now; try again later"
                assert await hear_line(reader) == CLOSED
        async with client(port, NEIGHBOUR) as (reader, _):
            assert await hear_line(reader) == BANNER
        assert len(it.table.reads) == 2

    hold(it, talk)


def test_a_client_that_a_person_banned_is_refused_and_heard_out() -> None:
    it = Screened()
    ban(it, manual=True)

    async def talk(port: int) -> None:
        for _ in range(2):
            async with client(port) as (reader, writer):
                assert await hear_line(reader) == replies.BANNED.encode().decode().strip()
                writer.write(b"EHLO client.example.org\r\nQUIT\r\n")
                assert await hear_line(reader) == "503 Nothing but QUIT is taken here"
                assert await hear_line(reader) == "221 2.0.0 Goodbye"
                assert await hear_line(reader) == CLOSED

    hold(it, talk)


def test_whoever_is_refused_and_does_not_stop_talking_is_cut_off() -> None:
    it = Screened()
    ban(it, manual=True)

    async def talk(port: int) -> None:
        async with client(port) as (reader, writer):
            assert (await hear_line(reader)).startswith("554 ")
            writer.write(b"x" * 5_000)
            assert await hear_line(reader) == CLOSED

    hold(it, talk)


def test_the_list_of_policy_bans_too() -> None:
    it = Screened(ScreeningPolicy(ban=("203.0.113.8/30",)))

    async def talk(port: int) -> None:
        async with client(port) as (reader, _):
            assert (await hear_line(reader)).startswith("554 ")

    hold(it, talk)


def test_the_fourth_unknown_recipient_ends_the_session_and_bans() -> None:
    it = Screened()

    async def talk(port: int) -> None:
        async with client(port) as (reader, writer):
            assert await hear_line(reader) == BANNER
            writer.write(b"HELO client.example.org\r\nMAIL FROM:<ben@example.org>\r\n")
            await hear_until(reader, "250 2.1.0")
            for number in range(3):
                writer.write(f"RCPT TO:<nobody{number}@example.com>\r\n".encode())
                assert await hear_line(reader) == "550 5.1.1 No such recipient here"
            writer.write(b"RCPT TO:<nobody@example.com>\r\n")
            assert await hear_line(reader) == "421 4.7.0 Too many unknown recipients; try again later"
            assert await hear_line(reader) == CLOSED
        await until(lambda: it.table.banned)
        async with client(port) as (reader, _):
            assert (await hear_line(reader)).startswith("421 Your address")
        await until(lambda: it.notices)

    hold(it, talk)
    assert [notice.event for notice in it.notices] == ["client_banned"]


def test_sessions_that_are_open_end_with_their_next_mail() -> None:
    it = Screened()

    async def talk(port: int) -> None:
        async with client(port) as (reader, writer):
            assert await hear_line(reader) == BANNER
            for _ in range(61):
                it.screen.connected(CLIENT, MailProtocol.SMTP)
            await until(lambda: it.table.banned)
            writer.write(b"HELO client.example.org\r\n")
            await hear_until(reader, "250 ")
            writer.write(b"MAIL FROM:<ben@example.org>\r\n")
            assert await hear_line(reader) == "421 4.7.0 Your address is blocked for now; try again later"
            assert await hear_line(reader) == CLOSED

    hold(it, talk)


def test_sixty_one_connections_are_too_many() -> None:
    it = Screened()

    async def talk(port: int) -> None:
        heard = []
        for _ in range(80):
            async with client(port) as (reader, _):
                heard.append(await hear_line(reader))
            await asyncio.sleep(0)
        assert heard[:61] == [BANNER] * 61
        assert heard[-1].startswith("421 Your address")
        async with client(port, NEIGHBOUR) as (reader, _):
            assert await hear_line(reader) == BANNER

    hold(it, talk)


def test_a_table_that_cannot_be_asked_holds_nobody_up() -> None:
    it = Screened(broken=True)
    ban(it)

    async def talk(port: int) -> None:
        async with client(port) as (reader, _):
            assert await hear_line(reader) == BANNER

    hold(it, talk)


def test_loopback_is_never_banned() -> None:
    it = Screened()

    async def talk(port: int) -> None:
        for _ in range(100):
            async with client(port, "127.0.0.1") as (reader, _):
                assert await hear_line(reader) == BANNER

    hold(it, talk)
    assert not it.table.banned
