"""Limits, time and early talkers on a running receiver."""

from __future__ import annotations

import asyncio
import time

import pytest

from postern.session.smtp_policy import EarlyTalk, SmtpPolicy
from postern_frontend.client_address import Client as Peer
from postern_frontend.connections import Connections, Crowded, Place
from postern_frontend.incoming import Observed
from postern_frontend.receiver_service import Timing
from tests.dialogue.client import (
    BANNER,
    ENVELOPE,
    drip,
    hear_until,
    hold,
    send_message,
    until,
)
from tests.dialogue.harness import World, running
from tests.dialogue.transcript import connected, hear_line


def test_one_client_cannot_take_all_connections() -> None:
    async def session() -> None:
        async with running(World(per_client=2)) as receiver:
            async with connected(receiver.port) as (one, _), connected(receiver.port) as (two, _):
                assert await hear_line(one) == await hear_line(two) == BANNER
                async with connected(receiver.port) as (three, _):
                    assert await hear_line(three) == "421 Too many connections from your address; try again later"
                    assert await hear_line(three) == "<closed>"
            await until(lambda: len(receiver.server.connections) == 0)
            async with connected(receiver.port) as (again, _):
                assert await hear_line(again) == BANNER

    asyncio.run(session())


def test_a_full_server_says_so() -> None:
    async def session() -> None:
        async with running(World(total=1)) as receiver, connected(receiver.port) as (one, _):
            assert await hear_line(one) == BANNER
            async with connected(receiver.port) as (two, _):
                assert await hear_line(two) == "421 Too many connections; try again later"

    asyncio.run(session())


def test_networks_share_a_limit() -> None:
    async def session() -> None:
        connections = Connections(total=10, per_client=2, per_network=3)
        places = [connections.take_place(Peer(f"203.0.113.{n}")) for n in (1, 1, 2)]
        assert all(isinstance(place, Place) for place in places)
        assert connections.take_place(Peer("203.0.113.99")) is Crowded.FULL_FOR_CLIENT
        assert isinstance(connections.take_place(Peer("203.0.114.1")), Place)
        first = places[0]
        assert isinstance(first, Place)
        first.leave()
        first.leave()
        assert isinstance(connections.take_place(Peer("203.0.113.99")), Place)

    asyncio.run(session())


def test_octets_that_drip_into_a_command_do_not_extend_its_time() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hear_line(reader)
        dripping = asyncio.create_task(drip(writer))
        started = time.monotonic()
        assert await hear_line(reader) == "421 4.4.2 Timed out"
        assert time.monotonic() - started < 3
        assert await hear_line(reader) == "<closed>"
        dripping.cancel()

    hold(World(timing=Timing(command=0.5)), client)


def test_data_that_stops_times_out() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVELOPE + b"text")
        await hear_until(reader, "354")
        assert await hear_line(reader) == "421 4.4.2 Timed out"

    world = World(timing=Timing(text=0.3))
    hold(world, client)
    assert world.stored == []


def test_data_that_drips_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postern_frontend.connection.PACE_SECONDS", 0.6)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVELOPE)
        await hear_until(reader, "354")
        dripping = asyncio.create_task(drip(writer))
        assert await hear_line(reader) == "421 4.4.2 Data arrives too slowly"
        dripping.cancel()

    hold(World(timing=Timing(slow_octets_per_minute=1_000)), client)


def test_a_full_spool_asks_to_come_back() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVELOPE)
        await hear_until(reader, "354")
        writer.write(b"x" * 3_000 + b"\r\n.\r\n")
        assert await hear_line(reader) == "452 4.3.1 Insufficient storage; try again later"
        writer.write(b"MAIL FROM:<ben@example.org> SIZE=3000\r\n")
        assert await hear_line(reader) == "452 4.3.1 Insufficient storage; try again later"
        assert (await send_message(reader, writer)).startswith("250 2.0.0 Accepted")

    hold(World(spool_octets=2_000), client)


def test_a_client_that_does_not_read_its_answers_is_not_read_either() -> None:
    async def session() -> None:
        async with running(World()) as receiver, connected(receiver.port) as (reader, writer):
            await hear_line(reader)
            writer.write(b"HELP " + b"x" * 900 + b"\r\n")
            for _ in range(2_000):
                writer.write(b"HELP\r\n" * 100)
            await asyncio.sleep(0.2)
            # The session ends by its limit of commands; nobody waited for the reader.
            assert await hear_until(reader, "421") == "421 4.7.0 Too many commands without a message"
            assert receiver.port

    asyncio.run(session())


def test_who_speaks_before_the_greeting_is_refused() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"EHLO client.example.org\r\n")
        assert await hear_line(reader) == "554 Wait for the greeting before you speak"
        assert await hear_line(reader) == "<closed>"

    hold(World(manners=SmtpPolicy(greeting_milliseconds=300)), client)


def test_who_speaks_before_the_greeting_is_noticed() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVELOPE)
        assert await hear_line(reader) == BANNER
        await hear_until(reader, "354")
        writer.write(b"a\nb\0\r\n" + b"c" * 999 + b"\r\n.\r\n")
        assert (await hear_line(reader)).startswith("250 2.0.0 Accepted")

    world = World(manners=SmtpPolicy(greeting_milliseconds=200, early_talk=EarlyTalk.OBSERVE))
    hold(world, client)
    assert world.ledger.transactions[0].observations == tuple(Observed)


def test_who_waits_for_the_greeting_is_served() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await hear_line(reader) == BANNER
        assert (await send_message(reader, writer)).startswith("250 2.0.0 Accepted")

    world = World(manners=SmtpPolicy(greeting_milliseconds=100))
    hold(world, client)
    assert world.ledger.transactions[0].observations == ()
