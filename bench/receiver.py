"""The SMTP receiver beside aiosmtpd, in the same run: CPU and messages a second, and memory under many sessions.

    python -m bench.receiver            the table
    python -m bench.receiver --json     the same numbers for docs/benchmarks.md

The load is Postfix's smtp-source; for memory, sessions that are all in the middle of their message at once. Our
receiver finds recipients, checks and hashes every octet and spools it, then asks effects that do nothing: once on
the event loop (`postern`), once through its thread pools as in production (`postern, pools`). aiosmtpd joins the
message in memory and hands it to a handler that does nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from postern import replies
from postern.model import Decision, MessageReference, Site, Transaction
from postern.recipients import DomainEntry
from postern.replies import Reply
from postern_frontend.connections import Connections
from postern_frontend.envelope_rules import InboundRules
from postern_frontend.listener import Endpoint
from postern_frontend.pools import BoundedPool, Runner
from postern_frontend.receiver_service import ReceiverService
from postern_frontend.recipient_lookup import RecipientLookup
from postern_frontend.server import Server
from postern_frontend.session_log import configure_logging
from postern_frontend.smtp.profile import receiver_profile
from postern_frontend.spool import SpoolBudget
from postern_frontend.tls import Certificates
from postern_frontend.transaction import Acceptance, Effects, FilterLimits

RECIPIENT = "ann@example.com"
SESSIONS = 20
ROUNDS = 3
MEMORY_SESSIONS, MEMORY_OCTETS, MEMORY_PARTS = 500, 1_000_000, 20
TICKS = os.sysconf("SC_CLK_TCK")
KINDS = ("postern", "postern, pools", "aiosmtpd")


class NothingBehind:
    """Every effect of the receiver, done by doing nothing."""

    def put(self, transaction_id: str, body: IO[bytes], *, size: int, sha256: str) -> MessageReference:
        del body
        return MessageReference(transaction_id, size, sha256)

    def decide(self, transaction: Transaction) -> Decision:
        return Decision(transaction.transaction_id, replies.accepted(transaction.transaction_id), ())

    def find_duplicate(self, fingerprint: str, now: datetime) -> Reply | None:
        del fingerprint, now
        return None

    def commit(self, transaction: Transaction, decision: Decision, fingerprint: str) -> Reply:
        del transaction, fingerprint
        return decision.reply

    def is_committed(self, fingerprint: str, transaction_id: str) -> bool:
        del fingerprint, transaction_id
        return False

    def site(self) -> Site:
        return Site("mx.example.com", "mx.example.com", ("example.com",))

    def domain(self, name: str) -> DomainEntry | None:
        return DomainEntry(name) if name == "example.com" else None

    def has_account(self, address: str) -> bool:
        return address == RECIPIENT

    def alias(self, address: str) -> tuple[str, ...]:
        del address
        return ()


class Directly:
    """Runs effects that do not block where they are."""

    async def __call__(self, work):  # type: ignore[no-untyped-def] # see Runner
        return work()


async def serve_postern(pools: bool) -> None:
    """Our receiver, until it is killed."""
    nothing = NothingBehind()
    storage: Runner = BoundedPool("storage", threads=32, waiting=1_000) if pools else Directly()
    filtering: Runner = BoundedPool("filter", threads=64, waiting=1_000) if pools else Directly()
    effects = Effects(
        messages=nothing,
        filter=nothing,
        outbox=nothing,
        sites=nothing,
        on_storage=storage,
        on_filter=filtering,
    )
    server = Server(Connections(total=2_000, per_client=2_000, per_network=2_000), Certificates(None))
    await server.start()
    service = ReceiverService(
        profile=receiver_profile("mx.example.com", max_message_octets=52_428_800, starttls=False),
        rules=InboundRules(nothing),
        lookup=RecipientLookup(nothing, storage, time.monotonic),
        acceptance=Acceptance(effects, FilterLimits(per_network=1_000)),
        sites=nothing,
        spool_budget=SpoolBudget(2_000_000_000),
    )
    print(server.listen_for_mail([Endpoint(0, "127.0.0.1")], service)[0], flush=True)
    await asyncio.Event().wait()


async def serve_aiosmtpd() -> None:
    """Run aiosmtpd with a handler that does nothing, until it is killed."""
    from aiosmtpd.smtp import SMTP, Envelope, Session  # noqa: PLC0415 - only this process needs it

    class Handler:
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
            del server, session, envelope
            return "250 2.0.0 Accepted"

    logging.getLogger("mail.log").setLevel(logging.ERROR)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Handler(), data_size_limit=52_428_800, enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


class Subject:
    """A server in a process of its own, and what the system says about that process."""

    def __init__(self, kind: str) -> None:
        with Path(os.devnull).open("w") as nowhere:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.receiver", "--serve", kind],
                stdout=subprocess.PIPE,
                stderr=nowhere,
                text=True,
            )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def cpu_seconds(self) -> float:
        words = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / TICKS

    def peak_mebibytes(self) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@dataclass(frozen=True)
class Speed:
    """The median round of one server at one message size."""

    server: str
    octets: int
    cpu_seconds_per_1000: float
    messages_per_second: float


@dataclass(frozen=True)
class Memory:
    """Peak resident memory with many sessions at once."""

    server: str
    sessions: int
    octets: int
    peak_mebibytes: float
    seconds: float


def send(port: int, *, sessions: int, messages: int, octets: int) -> float:
    """Send messages with smtp-source; seconds taken."""
    command = ["smtp-source", "-s", str(sessions), "-m", str(messages), "-l", str(octets), "-t", RECIPIENT]
    started = time.perf_counter()
    subprocess.run([*command, "-f", "ben@example.org", f"127.0.0.1:{port}"], check=True)
    return time.perf_counter() - started


def measure_speed(messages: int) -> list[Speed]:
    """All servers in turn, several rounds, so that a busy moment of the machine meets each of them."""
    rounds: dict[tuple[str, int], list[Speed]] = {}
    for _ in range(ROUNDS):
        for kind in KINDS:
            for octets in (5_000, 50_000):
                rounds.setdefault((kind, octets), []).append(_one_round(kind, octets, messages))
    return [
        sorted(results, key=lambda item: item.cpu_seconds_per_1000)[len(results) // 2] for results in rounds.values()
    ]


def _one_round(kind: str, octets: int, messages: int) -> Speed:
    subject = Subject(kind)
    try:
        send(subject.port, sessions=SESSIONS, messages=200, octets=octets)
        before = subject.cpu_seconds()
        seconds = send(subject.port, sessions=SESSIONS, messages=messages, octets=octets)
        cpu = subject.cpu_seconds() - before
        return Speed(kind, octets, cpu * 1000 / messages, messages / seconds)
    finally:
        subject.stop()


async def send_together(port: int) -> None:
    """Many sessions in step: all are in the middle of their message at the same time."""
    line = b"x" * 98 + b"\r\n"
    part = line * (MEMORY_OCTETS // MEMORY_PARTS // len(line))
    clients = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MEMORY_SESSIONS)]
    envelope = f"HELO x\r\nMAIL FROM:<ben@example.org>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n".encode()
    for reader, writer in clients:
        await reader.readline()
        for command in envelope.splitlines(keepends=True):
            writer.write(command)
            await reader.readline()
    for _ in range(MEMORY_PARTS):
        for _, writer in clients:
            writer.write(part)
            await writer.drain()
    for reader, writer in clients:
        writer.write(b".\r\n")
        assert (await reader.readline()).startswith(b"250")
        writer.close()


def measure_memory(kind: str) -> Memory:
    """Many sessions with a large message each."""
    subject = Subject(kind)
    try:
        started = time.perf_counter()
        asyncio.run(send_together(subject.port))
        seconds = time.perf_counter() - started
        return Memory(kind, MEMORY_SESSIONS, MEMORY_OCTETS, subject.peak_mebibytes(), seconds)
    finally:
        subject.stop()


def report(speeds: list[Speed], memories: list[Memory]) -> None:
    """The tables for people."""
    print(f"\n{SESSIONS} sessions      octets   CPU s / 1,000 messages   messages / s")
    for item in sorted(speeds, key=lambda item: (item.octets, item.server)):
        print(f"{item.server:15} {item.octets:9,} {item.cpu_seconds_per_1000:24.2f} {item.messages_per_second:14.0f}")
    print(f"\n{MEMORY_SESSIONS} sessions of {MEMORY_OCTETS:,} octets   peak RSS MiB   seconds")
    for memory in memories:
        print(f"{memory.server:33} {memory.peak_mebibytes:12.0f} {memory.seconds:9.1f}")


def main() -> None:
    """Measure, or be one of the servers that are measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    if options.serve:
        with Path(os.devnull).open("w") as nowhere:
            configure_logging("INFO", nowhere)
            asyncio.run(serve_aiosmtpd() if options.serve == "aiosmtpd" else serve_postern("pools" in options.serve))
        return
    speeds = measure_speed(options.messages)
    memories = [measure_memory(kind) for kind in KINDS]
    if options.json:
        print(json.dumps({"speed": [asdict(i) for i in speeds], "memory": [asdict(i) for i in memories]}, indent=1))
    else:
        report(speeds, memories)


if __name__ == "__main__":
    main()
