"""Real mail through the whole local service by SMTP: replies, the reason of every refusal, and the time.

    python -m bench.corpus_smtp                             ../shared/corpora/spamassassin-dev.tar.gz
    python -m bench.corpus_smtp ARCHIVE --packing stage --connections 4 --limit 500
    python -m bench.corpus_smtp --json                      the same for docs/benchmarks.md

The messages come from a client whose names and SPF are in order and which is not counted, and greylisting only looks
on, so that what becomes of them is due to their content.
They are sent as they are but for line ends, an mbox separator in front, and one field that tells them apart. Deferred
messages are not sent again: each 4yz is in the table with its reason, from the receipt.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tarfile import open as open_archive

from postern.disposition import points_text
from postern.workflow import Packing
from tests.e2e.local_service import Service, eventually, local_service
from tests.e2e.mail_clients import Clients, Letter, Manner

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpora" / "spamassassin-dev.tar.gz"
CLIENT_IP, HELO, REVERSE_PATH = "198.51.100.10", "mail.friend.example", "carla@friend.example"
RECIPIENT = "ann@example.com"
SECONDS = 3600
SETTLE_SECONDS = 300
SYMBOLS_NAMED = 12

_TRANSACTION = re.compile(r"(?:\bas |\()(?P<id>[0-9a-z-]{8,64})")
_NUMBER = re.compile(r"-?[0-9]+\.[0-9]+")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that was not accepted, and why."""

    label: str
    name: str
    reply: str
    reasons: tuple[str, ...]
    score: str
    symbols: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The reason without the numbers that differ."""
        first = self.reasons[0] if self.reasons else self.reply
        return re.sub(rf"score {_NUMBER.pattern}", "score", first)


def letters(archive: Path, limit: int) -> Iterator[Letter]:
    """The messages of a tar archive; the folder of each says whether it is ham or spam."""
    with open_archive(archive) as opened:
        members = [member for member in opened if member.isfile()]
        chosen = random.Random(1).sample(members, limit) if 0 < limit < len(members) else members
        for member in chosen:
            file = opened.extractfile(member)
            assert file is not None
            label, name = Path(member.name).parts[-2:]
            yield Letter(
                f"{label}-{name}", CLIENT_IP, HELO, REVERSE_PATH, (RECIPIENT,), as_sent(file.read()), Manner.IMPATIENT
            )


def as_sent(raw: bytes) -> bytes:
    """A stored message as a client sends it: no mbox separator, lines end in CRLF."""
    if raw.startswith(b"From "):
        raw = raw.partition(b"\n")[2]
    lines = raw.replace(b"\r\n", b"\n").rstrip(b"\n")
    return lines.replace(b"\n", b"\r\n") + b"\r\n"


def explain(letter: Letter, service: Service) -> Refusal:
    """Why a message was refused, from its receipt."""
    label, _, name = letter.mark.partition("-")
    reply = letter.replies[-1]
    found = _TRANSACTION.search(reply)
    receipt = service.receipt(found["id"]) if found else None
    if receipt is None:
        return Refusal(label, name, reply, (), "", ())
    decided = receipt.decision.recipients[0]
    findings = [one for result in receipt.results.values() for one in result.get("findings", ())]
    symbols = tuple(str(one["symbol"]) for one in findings if (one.get("score") or 0) > 0)
    return Refusal(label, name, reply, decided.reasons, points_text(decided.score), symbols)


def report(sent: list[Letter], refusals: list[Refusal], seconds: float, latencies: list[float]) -> None:
    """The tables for people."""
    print(f"{len(sent)} messages in {seconds:.0f} s: {len(sent) / seconds:.1f} messages/s")
    print(f"accepted in: median {statistics.median(latencies):.2f} s, p95 {p95(latencies):.2f} s\n\nReplies")
    for (label, code), count in sorted(Counter((label_of(one), one.replies[-1][:3]) for one in sent).items()):
        print(f"{label:6}{code:>5}{count:7}")
    print("\nReasons of what was not accepted\n  ham  spam  reply      reason")
    kinds = Counter((one.reply.split(" (")[0][:9], one.kind) for one in refusals)
    labels = Counter((one.reply.split(" (")[0][:9], one.kind, one.label) for one in refusals)
    for (reply, kind), _ in kinds.most_common():
        print(f"{labels[reply, kind, 'ham']:5}{labels[reply, kind, 'spam']:6}  {reply:10} {kind}")
    for label in ("ham", "spam"):
        symbols = Counter(symbol for one in refusals if one.label == label for symbol in one.symbols)
        print(f"\nPoints in refused {label}: " + ", ".join(f"{s} {n}" for s, n in symbols.most_common(SYMBOLS_NAMED)))
    print("\nWithout an explanation: " + str(sum(not one.reasons for one in refusals)))


def label_of(letter: Letter) -> str:
    """Ham or spam."""
    return letter.mark.partition("-")[0]


def p95(values: list[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


def main() -> None:
    """Send everything and explain."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, nargs="?", default=CORPUS)
    parser.add_argument("--packing", type=Packing, choices=list(Packing), default=Packing.STAGE)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--limit", type=int, default=0, help="only so many, chosen by a fixed seed")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    pile = list(letters(options.archive, options.limit))
    with tempfile.TemporaryDirectory() as directory, local_service(Path(directory), options.packing) as service:
        service.set_policy(greylisting={"mode": "observe"}, screening={"allow": [f"{CLIENT_IP}/32"]})
        clients = Clients(service.proxy_port, pile, connections=options.connections, chance=random.Random(1))
        started = time.monotonic()
        clients.start()
        assert clients.finish(SECONDS), f"{clients.left} messages have no answer"
        seconds = time.monotonic() - started
        refusals = [explain(one, service) for one in pile if not one.replies[-1].startswith("250")]
        assert eventually(lambda: not service.due(), SETTLE_SECONDS), "some accepted message is not delivered"
        kept = sum(str(row["item"]).startswith("uid#") for row in service.rows("MailboxesTable"))
    print(f"delivered: {kept}")
    if options.json:
        print(json.dumps([{**vars_of(one), "kind": one.kind} for one in refusals], indent=1))
    report(pile, refusals, seconds, clients.ledger.seconds)


def vars_of(refusal: Refusal) -> dict[str, object]:
    """A refusal for JSON."""
    return {name: getattr(refusal, name) for name in Refusal.__slots__}


if __name__ == "__main__":
    main()
