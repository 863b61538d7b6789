"""CPU milliseconds per message for a whole verdict, as `postern scan --batch` gives it, over real mail.

    python -m bench.scan                          ../shared/corpora/spamassassin-dev.tar.gz
    python -m bench.scan MESSAGES --rounds 5      a tar archive or a directory of messages
    python -m bench.scan --json                   the same numbers for docs/benchmarks.md

Every message has a session and a zone in which its domains answer, so that all checks run; DNS takes no time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.parse import read_messages
from postern.catalog import CHECKS
from postern.policy_book import PolicyBook
from postern.zone import ZoneResolver
from postern_cli.scan.answer import answer
from postern_cli.scan.case import ScanCase
from postern_cli.scan.judging import judge_case

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpora" / "spamassassin-dev.tar.gz"
SENDER = "sender.example"
ZONE = ZoneResolver(
    {
        SENDER: {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"], "A": ["192.0.2.1"], "MX": ["10 mx.sender.example"]},
        "mx.sender.example": {"A": ["192.0.2.1"]},
        "1.2.0.192.in-addr.arpa": {"PTR": ["mx.sender.example"]},
    }
)
RECEIVED = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
BOUNDS = (2_000, 5_000, 20_000, 1_000_000_000)


@dataclass(frozen=True, slots=True)
class Row:
    """CPU milliseconds of the messages of one size."""

    size: str
    messages: int
    mean: float
    median: float
    p95: float
    longest: float


def judge(raw: bytes) -> None:
    """One verdict, with the answer as it is printed."""
    case = ScanCase(
        raw,
        client_ip="192.0.2.1",
        helo="mx.sender.example",
        mail_from=f"bob@{SENDER}",
        rcpt_to=("ann@receiver.example",),
        resolver=ZONE,
        now=RECEIVED,
    )
    json.dumps(answer(judge_case(case, PolicyBook(), ZONE)))


def milliseconds(messages: Sequence[bytes], rounds: int) -> list[float]:
    """CPU time of each message, the least of several rounds: other programs only ever add."""
    judge(messages[0])
    taken = [float("inf")] * len(messages)
    for _ in range(rounds):
        for at, raw in enumerate(messages):
            started = time.process_time_ns()
            judge(raw)
            taken[at] = min(taken[at], (time.process_time_ns() - started) / 1e6)
    return taken


def rows(messages: Sequence[bytes], taken: Sequence[float]) -> list[Row]:
    """A row per range of sizes, and one for all."""
    found, lower = [], 0
    for upper in BOUNDS:
        chosen = sorted(ms for raw, ms in zip(messages, taken, strict=True) if lower <= len(raw) < upper)
        name = f"{lower // 1000} to {upper // 1000} kB" if upper < BOUNDS[-1] else f"over {lower // 1000} kB"
        found += [row(name, chosen)] if chosen else []
        lower = upper
    return [*found, row("all", sorted(taken))]


def row(size: str, taken: list[float]) -> Row:
    """The row of these times, which are sorted."""
    late = taken[min(len(taken) - 1, int(len(taken) * 0.95))]
    return Row(size, len(taken), statistics.fmean(taken), statistics.median(taken), late, taken[-1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("messages", type=Path, nargs="?", default=CORPUS, help="a tar archive or a directory")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=None, help="only so many messages, spread over all")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    messages = list(read_messages(arguments.messages))
    messages = messages[:: max(1, len(messages) // arguments.limit)] if arguments.limit else messages
    found = rows(messages, milliseconds(messages, arguments.rounds))
    if arguments.json:
        print(json.dumps({"checks": list(CHECKS), "rows": [asdict(one) for one in found]}, indent=2))
        return
    print(f"CPU ms per message, {len(CHECKS)} checks, best of {arguments.rounds} rounds")
    print(f"{'size':16}{'messages':>9}{'mean':>9}{'median':>9}{'p95':>9}{'longest':>9}")
    for one in found:
        print(f"{one.size:16}{one.messages:9}{one.mean:9.2f}{one.median:9.2f}{one.p95:9.2f}{one.longest:9.2f}")


if __name__ == "__main__":
    main()
