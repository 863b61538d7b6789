"""Submission for tests: listeners as on 587 and 465, accounts as data, passwords verified for real."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache

from postern.accounts import Account, AppPassword, Freeze
from postern.ports import Unavailable
from postern.submission.policy import SubmissionPolicy
from postern_frontend.listener import Endpoint
from postern_frontend.login import VERIFIED_AT_ONCE, WAITING, Logins
from postern_frontend.passwords import PasswordVerifier, hash_password
from postern_frontend.pools import BoundedPool
from postern_frontend.receiver_service import ReceiverService
from postern_frontend.smtp.submission import submission_profile
from postern_frontend.submission import Submission
from tests.dialogue.client import CERTIFICATE, trusting
from tests.dialogue.harness import HOSTNAME, Running, World, run_directly, run_in_thread, running
from tests.dialogue.transcript import hear_line

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
ANN, BOB, IDA = "ann@example.com", "bob@example.com", "ida@example.com"
EHLO = "EHLO pc.example.com"
PASSWORD, APP_PASSWORD = "open-sesame", "tele-phone-words"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@cache
def hashed(password: str) -> str:
    return hash_password(password)


def accounts() -> dict[str, Account]:
    """Ann has two passwords, Bob is frozen, Ida only receives."""
    phone = AppPassword("phone", hashed(APP_PASSWORD), "tele")
    return {
        ANN: Account(ANN, hashed(PASSWORD), (phone,), ("sales@example.com", "*@shop.example")),
        BOB: Account(BOB, hashed(PASSWORD), frozen=Freeze(NOW, "runaway")),
        IDA: Account(IDA),
    }


@dataclass
class Accounts:
    """A store of accounts as data. Implements `ports.AccountStore`."""

    known: dict[str, Account] = field(default_factory=accounts)
    broken: bool = False
    used: list[tuple[str, str]] = field(default_factory=list)

    def account(self, address: str) -> Account | None:
        self._fail()
        return self.known.get(address)

    def freeze(self, address: str, freeze: Freeze) -> bool:
        self._fail()
        self.known[address] = replace(self.known[address], frozen=freeze)
        return True

    def thaw(self, address: str) -> bool:
        self._fail()
        self.known[address] = replace(self.known[address], frozen=None)
        return True

    def note_use(self, address: str, label: str, now: datetime) -> None:
        del now
        self._fail()
        self.used.append((address, label))

    def _fail(self) -> None:
        if self.broken:
            raise Unavailable("broken by a test")


@dataclass
class Office:
    """Submission over a world: the ports, and what stands behind them."""

    world: World = field(default_factory=World)
    accounts: Accounts = field(default_factory=Accounts)
    policy: SubmissionPolicy = field(default_factory=SubmissionPolicy)
    verifying: BoundedPool | None = None

    def service(self) -> ReceiverService:
        """The service of submission listeners."""
        if self.verifying is None:
            self.verifying = BoundedPool("passwords", threads=VERIFIED_AT_ONCE, waiting=WAITING)
        facts = self.world.facts
        return replace(
            self.world.service(starttls=True),
            profile=submission_profile(HOSTNAME, max_message_octets=self.world.max_message_octets),
            submission=Submission(
                logins=Logins(self.accounts, PasswordVerifier(), run_directly, self.verifying),
                run=run_in_thread,
                policy=lambda: self.policy,
                sites=facts,
                now=lambda: NOW,
            ),
        )


@dataclass(frozen=True)
class Ports:
    """Where the listeners are."""

    starttls: int
    implicit: int
    receiver: Running


@asynccontextmanager
async def submitting(office: Office, *, proxy: bool = False) -> AsyncIterator[Ports]:
    """Run both submission listeners beside a receiver."""
    endpoint = Endpoint(0, "127.0.0.1", proxy=proxy)
    async with running(office.world, endpoint, material=CERTIFICATE) as receiver:
        service = office.service()
        endpoints = (endpoint, replace(endpoint, implicit_tls=True))
        starttls, implicit = receiver.server.listen_for_mail(endpoints, service)
        try:
            yield Ports(starttls, implicit, receiver)
        finally:
            if office.verifying is not None:
                office.verifying.close()
                office.verifying = None


@asynccontextmanager
async def under_tls(port: int, client_ip: str = "") -> AsyncIterator[Streams]:
    """A client's end of a connection that begins with the handshake, after a PROXY header if it has an address."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    if client_ip:
        writer.write(f"PROXY TCP4 {client_ip} 192.0.2.1 40000 465\r\n".encode())
    await writer.start_tls(trusting())
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError, ssl.SSLError):
            await writer.wait_closed()


def plain(name: str, password: str, authorization: str = "") -> str:
    """The response of PLAIN (RFC 4616 §2)."""
    return base64.b64encode(f"{authorization}\0{name}\0{password}".encode()).decode()


async def hear_reply(reader: asyncio.StreamReader) -> str:
    """The last line of a reply."""
    while (line := await hear_line(reader))[3:4] == "-":
        pass
    return line


async def ask(streams: Streams, *commands: str) -> list[str]:
    """Send commands one at a time; the last line of each reply."""
    reader, writer = streams
    heard = []
    for command in commands:
        writer.write(f"{command}\r\n".encode())
        heard.append(await hear_reply(reader))
    return heard


async def logged_in(streams: Streams, name: str = ANN, password: str = PASSWORD) -> None:
    """Say hello and log in."""
    await hear_reply(streams[0])
    heard = await ask(streams, "EHLO pc.example.com", f"AUTH PLAIN {plain(name, password)}")
    assert heard[1] == "235 2.7.0 Logged in", heard


async def send(streams: Streams, text: str, *, to: tuple[str, ...] = (BOB,), reverse_path: str = ANN) -> str:
    """Send a message after logging in; the reply that decided."""
    commands = [f"MAIL FROM:<{reverse_path}>", *(f"RCPT TO:<{one}>" for one in to), "DATA"]
    for heard in await ask(streams, *commands):
        if heard[0] in "45":
            return heard
    return (await ask(streams, f"{text}\r\n."))[0]
