"""Guessing passwords over a real listener: counted, logged to the octet, told once, ended by a ban."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from postern.session import subjects
from postern.session.bans import Ban, BanKind
from postern.session.counters import MailProtocol
from postern.session.screening_policy import ScreeningPolicy
from postern_frontend.session_log import AUTHENTICATION_LOG
from tests.dialogue.client import BANNER, trusting, until
from tests.dialogue.harness import World
from tests.dialogue.submitting import ANN, BOB, PASSWORD, Office, Streams, ask, hear_reply, plain, submitting
from tests.dialogue.transcript import CLOSED, connected, hear_line
from tests.screens import START, Screened

GUESSER, OWNER = "203.0.113.9", "198.51.100.7"
WRONG = "535 5.7.8 Name or password is wrong"
GOOD = "235 2.7.0 Logged in"
PUT_OFF = "421 Your address is blocked for now; try again later"
EHLO = "EHLO pc.example.com"

Guess = Callable[[str, str, str], Awaitable[str]]
"""The reply to a password for a name, in a session of its own; or the banner that was no greeting."""


def hold(it: Screened, talk: Callable[[Guess], Awaitable[None]]) -> None:
    async def session() -> None:
        async with submitting(Office(World(screen=it.screen)), proxy=True) as ports:
            await talk(lambda client_ip, name, password: attempt(ports.starttls, client_ip, name, password))

    asyncio.run(session())


async def attempt(port: int, client_ip: str, name: str, password: str) -> str:
    async with connected(port) as streams:
        banner = await begin(streams, client_ip)
        if banner != BANNER:
            return banner
        return (await ask(streams, f"AUTH PLAIN {plain(name, password)}"))[0]


async def begin(streams: Streams, client_ip: str) -> str:
    """Up to EHLO under TLS; the banner."""
    reader, writer = streams
    writer.write(f"PROXY TCP4 {client_ip} 192.0.2.1 40000 587\r\n".encode())
    banner = await hear_reply(reader)
    if banner == BANNER:
        await ask(streams, EHLO, "STARTTLS")
        await writer.start_tls(trusting())
        await ask(streams, EHLO)
    return banner


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == AUTHENTICATION_LOG]


def test_guessing_ends_in_a_ban_one_notice_and_a_line_for_each_attempt(caplog: pytest.LogCaptureFixture) -> None:
    it = Screened()
    heard: list[str] = []

    async def talk(guess: Guess) -> None:
        heard.extend([await guess(GUESSER, ANN, f"guess {number}") for number in range(5)])
        await until(lambda: it.notices)
        heard.extend([await guess(GUESSER, ANN, f"guess {number}") for number in range(5, 25)])
        assert await guess(OWNER, ANN, PASSWORD) == GOOD

    with caplog.at_level(logging.WARNING):
        hold(it, talk)
    assert heard == [WRONG] * 5 + [PUT_OFF] * 20
    assert lines(caplog) == ['Failed SMTP authentication attempt from 203.0.113.9 for "ann@example.com"'] * 5
    assert [notice.event for notice in it.notices] == ["client_banned"]
    assert it.notices[0].attributes["ip"] == GUESSER


def test_one_old_password_again_and_again_bans_nobody(caplog: pytest.LogCaptureFixture) -> None:
    it = Screened()

    async def talk(guess: Guess) -> None:
        for _ in range(12):
            assert await guess(GUESSER, ANN, "the old one") == WRONG
        await it.screen.report()
        assert await guess(GUESSER, ANN, PASSWORD) == GOOD

    with caplog.at_level(logging.WARNING):
        hold(it, talk)
    assert not it.table.banned
    assert len(lines(caplog)) == 12


def test_the_account_of_a_botnet_is_told_once_after_ten_failures() -> None:
    it = Screened()

    async def talk(guess: Guess) -> None:
        for number in range(25):
            assert await guess(f"203.0.{number}.9", ANN, f"guess {number}") == WRONG
        await until(lambda: it.notices)

    hold(it, talk)
    assert [(one.event, one.attributes["account"]) for one in it.notices] == [("account_failures", ANN)]


def test_a_banned_account_is_a_temporary_trouble_for_everybody() -> None:
    it = Screened(ScreeningPolicy(ban_account=True))
    subject = subjects.account(ANN)
    it.table.banned[subject] = Ban(subject=subject, since=START, until=it.now.replace(hour=13), kind=BanKind.AUTOMATIC)

    async def talk(guess: Guess) -> None:
        assert (await guess(OWNER, ANN, PASSWORD)).startswith("454 4.7.0")
        assert (await guess(OWNER, ANN, "wrong")).startswith("454 4.7.0")

    hold(it, talk)


def test_who_knows_the_password_of_a_frozen_account_is_no_guesser(caplog: pytest.LogCaptureFixture) -> None:
    it = Screened()

    async def talk(guess: Guess) -> None:
        for _ in range(8):
            assert (await guess(OWNER, BOB, PASSWORD)).startswith("525 5.7.13")

    with caplog.at_level(logging.WARNING):
        hold(it, talk)
    assert lines(caplog) == []


def test_what_a_guesser_calls_himself_cannot_forge_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def talk(guess: Guess) -> None:
        name = 'x" from 198.51.100.7\r\nFailed SMTP authentication attempt from 198.51.100.7 for "ann@example.com'
        assert await guess(GUESSER, name, "wrong") == WRONG

    with caplog.at_level(logging.WARNING):
        hold(Screened(), talk)
    (line,) = lines(caplog)
    assert line == (
        "Failed SMTP authentication attempt from 203.0.113.9 for "
        '"x\\" from 198.51.100.7\\x0d\\x0aFailed SMTP authentication attempt from 198.51.100.7 for \\"ann@example.com"'
    )


def test_a_session_that_is_open_when_its_client_is_banned_ends_with_its_next_login() -> None:
    it = Screened()

    async def session() -> None:
        async with (
            submitting(Office(World(screen=it.screen)), proxy=True) as ports,
            connected(ports.starttls) as streams,
        ):
            await begin(streams, GUESSER)
            for number in range(5):
                it.screen.login_failed(GUESSER, MailProtocol.IMAP, ANN, str(number))
            await until(lambda: it.table.banned)
            assert (await ask(streams, f"AUTH PLAIN {plain(ANN, PASSWORD)}"))[0].startswith("421 4.7.0")
            assert await hear_line(streams[0]) == CLOSED

    asyncio.run(session())
