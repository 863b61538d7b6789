"""Logins: how many a second, at what CPU and memory; what idle sessions hold; what others wait while somebody guesses.

    python -m bench.authentication           the table
    python -m bench.authentication --json    the same numbers for docs/benchmarks.md

The listeners run in a process of their own, behind the PROXY protocol so that clients have addresses of the Internet,
and verify argon2id hashes as in production: two at once, off the event loop. Accounts and the mail behind them are data
in memory, screening is off: what is measured is what guessing costs while nobody is banned yet.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import ssl
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.dialogue.harness import World
from tests.dialogue.submitting import ANN, PASSWORD, Office, Streams, ask, hear_reply, plain, submitting

FILES = 8_192
IDLE_SESSIONS = 1_000
GUESSERS = 40
LOGIN_SECONDS = 8.0
WATCH_SECONDS = 10.0
PAUSE_SECONDS = 0.05
CLIENT_NAME = "pc.example.com"
TRUSTING = ssl.create_default_context()
TRUSTING.check_hostname = False
TRUSTING.verify_mode = ssl.CERT_NONE
TICKS = os.sysconf("SC_CLK_TCK")


# --- the listeners ----------------------------------------------------------------------------------------


async def serve() -> None:
    """Both listeners, until standard input ends."""
    office = Office(World(total=4_000, per_client=4_000))
    async with submitting(office, proxy=True) as ports:
        print(json.dumps({"mail": ports.receiver.port, "submission": ports.implicit}), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        os._exit(0)


@dataclass
class Listeners:
    """The process of the listeners."""

    process: subprocess.Popen[str]
    ports: dict[str, int]

    def cpu_seconds(self) -> float:
        """What it has computed so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, which: str = "VmRSS") -> float:
        """MiB it holds, or held at most (`VmHWM`)."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(which))


@contextmanager
def listening() -> Iterator[Listeners]:
    """The listeners for the time of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.authentication", "--serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a line for each wrong password
        text=True,
    )
    assert process.stdout is not None
    try:
        yield Listeners(process, json.loads(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()


# --- clients ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def introduced(port: int, client_ip: str) -> AsyncIterator[Streams]:
    """A session under TLS that has said EHLO."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"PROXY TCP4 {client_ip} 192.0.2.1 40000 465\r\n".encode())
    await writer.start_tls(TRUSTING)
    try:
        await hear_reply(reader)
        await ask((reader, writer), f"EHLO {CLIENT_NAME}")
        yield reader, writer
    finally:
        writer.transport.abort()


async def guess(port: int, client_ip: str, until: float, heard: Counter[str]) -> None:
    """Three wrong passwords a session, one session after the other."""
    while time.perf_counter() < until:
        with suppress(OSError, AssertionError):
            async with introduced(port, client_ip) as streams:
                for number in range(3):
                    (reply,) = await ask(streams, f"AUTH PLAIN {plain(ANN, f'wrong {number}')}")
                    heard[reply[:3]] += 1


async def guess_on(port: int, seconds: float, *, networks: int) -> Counter[str]:
    """Guessers of so many networks; what they heard."""
    heard: Counter[str] = Counter()
    until = time.perf_counter() + seconds
    addresses = (f"203.{number % networks}.113.{number}" for number in range(GUESSERS))
    await asyncio.gather(*(guess(port, address, until, heard) for address in addresses))
    return heard


@dataclass
class Waits:
    """Milliseconds that somebody waited."""

    taken: list[float] = field(default_factory=list)
    refused: int = 0

    def line(self) -> dict[str, float]:
        """What is told of them."""
        if not self.taken:
            return {"median": 0.0, "p95": 0.0, "count": 0, "refused": self.refused}
        ordered = sorted(self.taken)
        p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
        return {
            "median": round(statistics.median(ordered), 1),
            "p95": round(p95, 1),
            "count": len(ordered),
            "refused": self.refused,
        }


async def talk_on(port: int, seconds: float, waits: Waits) -> None:
    """A session of mail from the Internet that is open: how long each of its commands takes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"PROXY TCP4 198.51.100.7 192.0.2.1 40000 25\r\n")
    await hear_reply(reader)
    await ask((reader, writer), "EHLO client.example.org")
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.perf_counter()
        await ask((reader, writer), "MAIL FROM:<ben@example.org>", "RSET")
        waits.taken.append((time.perf_counter() - started) * 1000 / 2)
        await asyncio.sleep(PAUSE_SECONDS)
    writer.transport.abort()


async def log_in_on(port: int, seconds: float, waits: Waits) -> None:
    """Somebody who knows the password, from a network of his own: how long AUTH takes."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        async with introduced(port, "198.51.100.8") as streams:
            started = time.perf_counter()
            (reply,) = await ask(streams, f"AUTH PLAIN {plain(ANN, PASSWORD)}")
            if reply.startswith("235"):
                waits.taken.append((time.perf_counter() - started) * 1000)
            else:
                waits.refused += 1
        await asyncio.sleep(PAUSE_SECONDS)


# --- what is measured -------------------------------------------------------------------------------------


def logins(listeners: Listeners) -> dict[str, float]:
    """Verifications a second with as many waiting as may, and what they cost."""
    cpu, started = listeners.cpu_seconds(), time.perf_counter()
    heard = asyncio.run(guess_on(listeners.ports["submission"], LOGIN_SECONDS, networks=GUESSERS))
    seconds, spent = time.perf_counter() - started, listeners.cpu_seconds() - cpu
    return {
        "verified_a_second": round(heard["535"] / seconds, 1),
        "put_off_a_second": round(heard["454"] / seconds, 1),
        "cpu_ms_each": round(spent * 1000 / max(1, heard["535"]), 1),
        "peak_mib": round(listeners.memory("VmHWM"), 1),
    }


async def idle(listeners: Listeners) -> dict[str, float]:
    """What sessions hold that are logged in, or not yet, and say nothing."""
    before = listeners.memory()
    async with AsyncExitStack() as stack:
        for number in range(IDLE_SESSIONS):
            await stack.enter_async_context(
                introduced(listeners.ports["submission"], f"198.18.{number // 250}.{number % 250}")
            )
        after = listeners.memory()
    return {
        "sessions": IDLE_SESSIONS,
        "mib": round(after - before, 1),
        "kib_each": round((after - before) * 1024 / IDLE_SESSIONS, 1),
    }


async def watched(listeners: Listeners, *, networks: int) -> dict[str, object]:
    """What others wait while guessers of so many networks guess, or none do."""
    mail, submission = listeners.ports["mail"], listeners.ports["submission"]
    talking, logging_in = Waits(), Waits()
    flood = guess_on(submission, WATCH_SECONDS, networks=networks) if networks else asyncio.sleep(0, Counter[str]())
    heard, *_ = await asyncio.gather(
        flood, talk_on(mail, WATCH_SECONDS, talking), log_in_on(submission, WATCH_SECONDS, logging_in)
    )
    return {"command": talking.line(), "login": logging_in.line(), "guesser_heard": dict(heard)}


def measure() -> dict[str, object]:
    """Everything, each in a fresh process."""
    with listening() as one:
        results: dict[str, object] = {"logins": logins(one)}
    with listening() as one:
        results["idle"] = asyncio.run(idle(one))
    for case, networks in (("nobody guesses", 0), ("guessers of one network", 1), ("of 40 networks", GUESSERS)):
        with listening() as one:
            results[case] = asyncio.run(watched(one, networks=networks))
    return results


def print_table(results: dict[str, object]) -> None:
    """For people."""
    for case, numbers in results.items():
        assert isinstance(numbers, dict)
        print(case)
        for name, value in numbers.items():
            told = ", ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else value
            print(f"  {name:18} {told}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench.authentication")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, most), most))
    if arguments.serve:
        asyncio.run(serve())
        return
    results = measure()
    if arguments.json:
        print(json.dumps(results))
    else:
        print_table(results)


if __name__ == "__main__":
    main()
