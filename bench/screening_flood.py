"""A flood of connections from one address, and how long another client waits meanwhile.

    python -m bench.screening_flood           the table
    python -m bench.screening_flood --json    the same numbers for docs/benchmarks.md

The receiver runs in a process of its own behind the PROXY protocol, so that clients have addresses of the Internet; a
second process floods it with 5,000 connections from one of them. The third, this one, greets, says EHLO and QUIT, each
time from an address that was not seen before, so that it must be looked up, and measures from connecting to the last
reply. So that the load which the flood puts on this machine is not taken for the receiver's, one case floods a second
receiver, in its own process. The table is in memory behind the same pool of threads as in production, and each call
takes as long as one of DynamoDB's.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from bench.receiver import Directly, NothingBehind
from postern.session.bans import Ban
from postern.session.counters import Counter, Totals
from postern.session.memory import MemoryScreening
from postern.session.screening import Screener
from postern.session.screening_notices import ScreeningNotice
from postern.session.screening_policy import ScreeningMode, ScreeningPolicy
from postern.session.subjects import Subject
from postern_frontend.connections import Connections
from postern_frontend.envelope_rules import InboundRules
from postern_frontend.listener import Endpoint
from postern_frontend.pools import BoundedPool
from postern_frontend.receiver_service import ReceiverService
from postern_frontend.recipient_lookup import RecipientLookup
from postern_frontend.screening.screen import Screen, ScreeningEffects
from postern_frontend.server import Server
from postern_frontend.session_log import configure_logging
from postern_frontend.smtp.profile import receiver_profile
from postern_frontend.spool import SpoolBudget
from postern_frontend.tls import Certificates
from postern_frontend.transaction import Acceptance, Effects, FilterLimits

T = TypeVar("T")
FLOODER = "203.0.113.9"
FLOOD = 5_000
AT_ONCE = 200
CALL_SECONDS = 0.005
PAUSE_SECONDS = 0.02
QUIET_SECONDS = 4.0
FLOOD_SECONDS = 90.0
"""A flood that the receiver takes longer for is cut off; the table says how many connections there were."""


class SlowTable:
    """Counts and bans in memory, one call at a time, at the pace of a table elsewhere."""

    def __init__(self) -> None:
        self.reads = self.writes = self.notices = 0
        self._memory = MemoryScreening()
        self._one_at_a_time = threading.Lock()

    def _call(self, work: Callable[[], T]) -> T:
        time.sleep(CALL_SECONDS)
        with self._one_at_a_time:
            return work()

    def add(self, counter: Counter, words: Mapping[str, int], now: datetime, window: timedelta) -> Totals:
        self.writes += 1
        return self._call(lambda: self._memory.add(counter, words, now, window))

    def totals(self, counter: Counter, now: datetime, window: timedelta) -> Totals:
        self.reads += 1
        return self._call(lambda: self._memory.totals(counter, now, window))

    def clear(self, counter: Counter) -> bool:
        self.writes += 1
        return self._call(lambda: self._memory.clear(counter))

    def bans(self, subjects: Iterable[Subject]) -> tuple[Ban, ...]:
        self.reads += 1
        return self._call(lambda: self._memory.bans(subjects))

    def impose(self, ban: Ban, replacing: Ban | None, forget_at: datetime | None) -> bool:
        self.writes += 1
        return self._call(lambda: self._memory.impose(ban, replacing, forget_at))

    def tell(self, notice: ScreeningNotice) -> None:
        self.notices += 1


async def serve(mode: ScreeningMode) -> None:
    """The receiver, until its standard input ends; then it says what the table was asked."""
    nothing, table = NothingBehind(), SlowTable()
    screen = Screen(
        ScreeningEffects(
            screener=Screener(table),
            notices=table,
            policy=lambda: policy,
            sites=nothing,
            run=BoundedPool("screening", threads=8, waiting=600),
            secret=lambda: b"a secret",
        )
    )
    policy = ScreeningPolicy(mode=mode)
    effects = Effects(
        messages=nothing, filter=nothing, outbox=nothing, sites=nothing, on_storage=Directly(), on_filter=Directly()
    )
    service = ReceiverService(
        profile=receiver_profile("mx.example.com", max_message_octets=52_428_800, starttls=False),
        rules=InboundRules(nothing),
        lookup=RecipientLookup(nothing, Directly(), time.monotonic),
        acceptance=Acceptance(effects, FilterLimits()),
        sites=nothing,
        spool_budget=SpoolBudget(2_000_000_000),
        screen=screen,
    )
    server = Server(Connections(total=1_000, per_client=50, per_network=200), Certificates(None))
    await server.start()
    screen.start()
    (port,) = server.listen_for_mail([Endpoint(0, "127.0.0.1", proxy=True)], service)
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps({"reads": table.reads, "writes": table.writes, "notices": table.notices}), flush=True)
    os._exit(0)


async def flood(port: int) -> None:
    """So many connections, as fast as they are taken; what they hear is counted."""
    heard: dict[str, int] = {}
    places = asyncio.Semaphore(AT_ONCE)

    async def connect() -> None:
        async with places:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(_header(FLOODER))
            line = await reader.readline()
            writer.close()
            word = line.split(b" ")[0].decode() or "closed"
            heard[word] = heard.get(word, 0) + 1

    started = time.perf_counter()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FLOOD_SECONDS):
            await asyncio.gather(*(connect() for _ in range(FLOOD)), return_exceptions=True)
    print(json.dumps({"seconds": time.perf_counter() - started, "heard": heard}))


def visit(port: int, number: int) -> float:
    """One short session of another client; its milliseconds."""
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection, connection.makefile("rb") as replies:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(_header(f"198.51.{number // 250}.{number % 250}"))
        assert replies.readline().startswith(b"220 ")
        connection.sendall(b"EHLO client.example.org\r\n")
        while not replies.readline().startswith(b"250 "):
            pass
        connection.sendall(b"QUIT\r\n")
        assert replies.readline().startswith(b"221 ")
    return (time.perf_counter() - started) * 1000


def _header(client_ip: str) -> bytes:
    return f"PROXY TCP4 {client_ip} 192.0.2.1 40000 25\r\n".encode()


@dataclass(frozen=True)
class Result:
    """What the other client waited in milliseconds, and what the flood heard and cost."""

    case: str
    visits: int
    median: float
    p95: float
    slowest: float
    flood_seconds: float
    flood_heard: dict[str, int]
    table: dict[str, int]


class Receiver:
    """A receiver in a process of its own."""

    def __init__(self, mode: ScreeningMode) -> None:
        self._process = _child("--serve", mode.value)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def stop(self) -> dict[str, int]:
        """What its table was asked."""
        asked: dict[str, int] = json.loads(self._process.communicate()[0])
        return asked


def measure(case: str, visited: Receiver, flooded: Receiver | None) -> Result:
    """One case: visits to a receiver while it, or another one, or none is flooded."""
    port = visited.port
    for number in range(5):
        visit(port, number)
    flooder = _child("--flood", str(flooded.port)) if flooded else None
    until = time.monotonic() + QUIET_SECONDS
    times: list[float] = []
    while flooder.poll() is None if flooder else time.monotonic() < until:
        times.append(visit(port, len(times) + 5))
        time.sleep(PAUSE_SECONDS)
    told: dict[str, Any] = {"seconds": 0.0, "heard": {}}
    if flooder is not None:
        told = json.loads(flooder.communicate()[0])
    table = flooded.stop() if flooded else {}
    if visited is not flooded:
        visited.stop()
    ordered = sorted(times)
    return Result(
        case,
        len(times),
        statistics.median(times),
        ordered[int(len(ordered) * 0.95)],
        ordered[-1],
        told["seconds"],
        told["heard"],
        table,
    )


def _child(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.screening_flood", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def report(results: list[Result]) -> None:
    """The table for people."""
    print("\nother clients' sessions, ms       median     p95  slowest   flood s   it heard")
    for item in results:
        heard = ", ".join(f"{number} x {word}" for word, number in sorted(item.flood_heard.items()))
        print(
            f"{item.case:30} {item.median:8.1f} {item.p95:7.1f} {item.slowest:8.1f} {item.flood_seconds:9.1f}   {heard}"
        )
        if item.flood_heard:
            print(
                f"{'':33}the table: {item.table['reads']} reads, {item.table['writes']} writes; "
                f"{item.table['notices']} notices"
            )


def main() -> None:
    """Measure, or be one of the processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", choices=list(ScreeningMode), help=argparse.SUPPRESS)
    parser.add_argument("--flood", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    if options.serve:
        with Path(os.devnull).open("w") as nowhere:
            configure_logging("INFO", nowhere)
            asyncio.run(serve(ScreeningMode(options.serve)))
    elif options.flood:
        asyncio.run(flood(options.flood))
    else:
        on, off = Receiver(ScreeningMode.ENFORCE), Receiver(ScreeningMode.OFF)
        results = [
            measure("no flood", Receiver(ScreeningMode.ENFORCE), None),
            measure("flood at another receiver", Receiver(ScreeningMode.ENFORCE), Receiver(ScreeningMode.ENFORCE)),
            measure("flood, screening", on, on),
            measure("flood, screening off", off, off),
        ]
        if options.json:
            print(json.dumps([asdict(one) for one in results], indent=1))
        else:
            report(results)


if __name__ == "__main__":
    main()
