"""A client's side of a dialogue with a running receiver."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable

from postern import replies
from postern.model import Transaction
from postern.ports import KeyMaterial
from postern.replies import Reply
from postern_frontend.listener import Endpoint
from tests.dialogue.harness import HOSTNAME, World, make_certificate, running
from tests.dialogue.transcript import connected, hear_line

CERTIFICATE = make_certificate()
BANNER = f"220 {HOSTNAME} ESMTP Postern"
ENVELOPE = b"HELO client.example.org\r\nMAIL FROM:<ben@example.org>\r\nRCPT TO:<ann@example.com>\r\nDATA\r\n"
MESSAGE = b"Subject: hello\r\n\r\ntext\r\n.\r\n"
LOCAL = Endpoint(0, "127.0.0.1")

Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=CERTIFICATE.certificate_chain.decode())
    context.check_hostname = False
    return context


def hold(
    world: World, client: Client, *endpoints: Endpoint, material: KeyMaterial | None = None, port: int = 0
) -> None:
    """Let one client talk to a running receiver."""

    async def session() -> None:
        async with (
            running(world, *endpoints, material=material) as receiver,
            connected(receiver.ports[port]) as (reader, writer),
        ):
            await client(reader, writer)

    asyncio.run(session())


async def hear_until(reader: asyncio.StreamReader, start: str) -> str:
    """Skip lines up to one that starts so."""
    while True:
        line = await hear_line(reader)
        if line.startswith(start):
            return line
        assert line != "<closed>", start


async def send_message(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Send a message; the last reply."""
    writer.write(ENVELOPE)
    await hear_until(reader, "354")
    writer.write(MESSAGE)
    return await hear_line(reader)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - a test looks at what it does not own
            await asyncio.sleep(0.01)


class Gate:
    """A verdict that waits until a test opens it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def verdict(self, transaction: Transaction) -> Reply:
        self.entered.set()
        assert self.opened.wait(10)
        return replies.accepted(transaction.transaction_id)


def gated() -> tuple[World, Gate]:
    gate = Gate()
    world = World(in_threads=True)
    world.judge.verdict = gate.verdict
    return world, gate


async def drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"N")
        await asyncio.sleep(0.1)
