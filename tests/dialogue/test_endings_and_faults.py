"""How sessions end, and what becomes of faults, on a running receiver."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from postern import replies
from postern.model import Transaction
from postern.replies import Reply
from postern_frontend.transaction import FilterLimits
from tests.dialogue.client import (
    ENVELOPE,
    MESSAGE,
    gated,
    hear_until,
    hold,
    send_message,
    until,
)
from tests.dialogue.harness import Running, World, running
from tests.dialogue.transcript import connected, hear_line


def test_draining_ends_idle_sessions_and_lets_a_transaction_finish() -> None:
    async def session() -> None:
        world = World()
        async with (
            running(world) as receiver,
            connected(receiver.port) as (idle, _),
            connected(receiver.port) as (busy, writer),
        ):
            await hear_line(idle)
            writer.write(ENVELOPE)
            await hear_until(busy, "354")
            drained = asyncio.create_task(receiver.server.drain(5))
            assert await hear_line(idle) == "421 4.3.2 Service is restarting; try again"
            assert await hear_line(idle) == "<closed>"
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", receiver.port)
            writer.write(MESSAGE)
            assert (await hear_line(busy)).startswith("250 2.0.0 Accepted")
            assert await hear_line(busy) == "421 4.3.2 Service is restarting; try again"
            assert await hear_line(busy) == "<closed>"
            await drained
        assert len(world.stored) == 1

    asyncio.run(session())


def test_draining_waits_for_a_message_in_the_filter() -> None:
    async def session() -> None:
        world, gate = gated()
        async with running(world) as receiver, connected(receiver.port) as (reader, writer):
            writer.write(ENVELOPE)
            await hear_until(reader, "354")
            writer.write(MESSAGE)
            await asyncio.to_thread(gate.entered.wait, 5)
            drained = asyncio.create_task(receiver.server.drain(5))
            await asyncio.sleep(0.1)
            assert not drained.done()
            gate.opened.set()
            assert (await hear_line(reader)).startswith("250 2.0.0 Accepted")
            assert (await hear_line(reader)).startswith("421")
            await drained
        assert len(world.stored) == 1

    asyncio.run(session())


def test_draining_gives_up_on_who_does_not_finish() -> None:
    async def session() -> None:
        async with running(World()) as receiver, connected(receiver.port) as (reader, writer):
            writer.write(ENVELOPE)
            await hear_until(reader, "354")
            await receiver.server.drain(0.2)
            assert await hear_line(reader) == "<closed>"

    asyncio.run(session())


def test_a_client_that_leaves_during_the_filter_has_its_message_committed_once() -> None:
    async def session() -> None:
        world, gate = gated()
        async with running(world) as receiver:
            async with connected(receiver.port) as (reader, writer):
                writer.write(ENVELOPE)
                await hear_until(reader, "354")
                writer.write(MESSAGE)
                await asyncio.to_thread(gate.entered.wait, 5)
                writer.transport.abort()
            gate.opened.set()
            await until(lambda: world.stored)
            async with connected(receiver.port) as (reader, writer):
                await hear_line(reader)
                again = await send_message(reader, writer)
        assert again == f"250 2.0.0 Accepted as {world.ledger.transactions[0].transaction_id}"
        assert len(world.stored) == 1

    asyncio.run(session())


def test_a_half_closed_client_gets_its_answer() -> None:
    async def session() -> None:
        world, gate = gated()
        async with running(world) as receiver, connected(receiver.port) as (reader, writer):
            writer.write(ENVELOPE)
            await hear_until(reader, "354")
            writer.write(MESSAGE)
            writer.write_eof()
            await asyncio.to_thread(gate.entered.wait, 5)
            gate.opened.set()
            assert (await hear_line(reader)).startswith("250 2.0.0 Accepted")
            assert await hear_line(reader) == "<closed>"

    asyncio.run(session())


class Fault(Exception):  # noqa: N818 - it stands for any exception
    """Text that no client may see."""


def break_down(_transaction: Transaction) -> Reply:
    raise Fault("secret table name")


def test_the_unforeseen_is_temporary_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hear_line(reader)
        assert await send_message(reader, writer) == "451 4.3.0 Trouble on our side; try again later"
        world.judge.verdict = lambda transaction: replies.accepted(transaction.transaction_id)
        assert (await send_message(reader, writer)).startswith("250 2.0.0 Accepted")

    world = World()
    world.judge.verdict = break_down
    with caplog.at_level(logging.ERROR):
        hold(world, client)
    record = next(record for record in caplog.records if record.getMessage() == "unforeseen")
    assert record.exc_info is not None
    assert "session_id" in record.__dict__["postern_fields"]


def test_a_filter_that_does_not_answer_is_not_waited_for() -> None:
    async def session() -> None:
        world, gate = gated()
        world.filter_limits = FilterLimits(own_seconds=0.2)
        async with running(world) as receiver, connected(receiver.port) as (reader, writer):
            await hear_line(reader)
            assert await send_message(reader, writer) == "451 4.3.0 Trouble on our side; try again later"
            gate.opened.set()
        assert world.stored == []

    asyncio.run(session())


def test_one_network_has_so_many_filter_calls_at_once() -> None:
    async def one(receiver: Running) -> str:
        async with connected(receiver.port) as (reader, writer):
            await hear_line(reader)
            return await send_message(reader, writer)

    async def session() -> None:
        running_now: set[str] = set()
        most = 0

        def count(transaction: Transaction) -> Reply:
            nonlocal most
            running_now.add(transaction.transaction_id)
            most = max(most, len(running_now))
            time.sleep(0.05)
            running_now.discard(transaction.transaction_id)
            return replies.DMARC_FAILED

        world = World(in_threads=True, filter_limits=FilterLimits(per_network=2))
        world.judge.verdict = count
        async with running(world) as receiver:
            answers = await asyncio.gather(*(one(receiver) for _ in range(8)))
        assert all(answer.startswith("550 5.7.1") for answer in answers)
        assert most == 2

    asyncio.run(session())
