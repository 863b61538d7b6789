"""The whole local service: messages a second and how long each takes, for one and for several connections.

    python -m bench.service                        one Lambda per check
    python -m bench.service --packing stage        one per stage
    python -m bench.service --json                 the same numbers for docs/benchmarks.md

Everything runs on this machine: SMTP, the embedded AWS over HTTP, the state machine, every check, commit. The time of a
message is from its connection to its 250. It says how the whole holds together, and what a trial run is like; AWS's
own times are others.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.corpus_smtp import p95
from postern.workflow import Packing
from tests.e2e.durability import FRIEND, POLICY
from tests.e2e.local_service import Service, eventually, local_service
from tests.e2e.mail_clients import Clients, Letter

OCTETS = 5_000
WARM_UP = 10
SECONDS = 900


@dataclass(frozen=True)
class Speed:
    """One run."""

    packing: str
    connections: int
    messages: int
    messages_per_second: float
    median_seconds: float
    p95_seconds: float


def letters(count: int, run: str) -> list[Letter]:
    """Messages of one size, each different."""
    client_ip, helo, reverse_path = FRIEND
    line = b"We could meet at four and look at the photographs from the lake.\r\n"
    return [
        Letter(
            f"{run}-{number}",
            client_ip,
            helo,
            reverse_path,
            ("ann@example.com",),
            f"From: <{reverse_path}>\r\nTo: <ann@example.com>\r\nSubject: Tea {run} {number}\r\n\r\n".encode()
            + line * (OCTETS // len(line)),
        )
        for number in range(count)
    ]


def measure(service: Service, packing: Packing, connections: int, messages: int) -> Speed:
    """Send so many messages; the deliveries of the run before are done by then."""
    clients = Clients(
        service.proxy_port,
        letters(messages, f"{connections}-{messages}"),
        connections=connections,
        chance=random.Random(1),
    )
    started = time.monotonic()
    clients.start()
    assert clients.finish(SECONDS)
    seconds = time.monotonic() - started
    assert clients.ledger.codes == {"250": messages}, clients.ledger.codes
    assert eventually(lambda: not service.due(), SECONDS)
    taken = clients.ledger.seconds
    return Speed(packing.value, connections, messages, messages / seconds, statistics.median(taken), p95(taken))


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packing", type=Packing, choices=list(Packing), default=Packing.CHECK)
    parser.add_argument("--messages", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, local_service(Path(directory), options.packing) as service:
        service.set_policy(**POLICY)
        measure(service, options.packing, 1, WARM_UP)
        speeds = [measure(service, options.packing, connections, options.messages) for connections in (1, 4)]
    if options.json:
        print(json.dumps([asdict(speed) for speed in speeds], indent=1))
        return
    print("packing  connections  messages/s  median s   p95 s")
    for one in speeds:
        print(
            f"{one.packing:8}{one.connections:12}{one.messages_per_second:12.1f}"
            f"{one.median_seconds:10.2f}{one.p95_seconds:8.2f}"
        )


if __name__ == "__main__":
    main()
