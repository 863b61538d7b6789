"""CPU time of the rule engine: by phase and message, with many rules, and on large messages.

    python -m bench.engine [CORPUS.tar.gz [EVERY]]

The shipped rules are always measured, by their literals and with a database of hyperscan; SpamAssassin's stock rules
too when they are installed (or SPAMASSASSIN_RULES names their folder). Times are CPU milliseconds of a warm process.
"""

from __future__ import annotations

import resource
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

from postern.bayes.seed import seed_model
from postern.checks.bayes import judge_by
from postern.message import parse_message
from postern.rules.engine import CompiledRules, compile_rules
from postern.rules.inspection import Inspection, Settings
from postern.rules.parser import read_rules
from postern.rules.plan import build_database
from tests.conformance.spamassassin_rules import rule_files, rules_folder

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpora" / "spamassassin-dev.tar.gz"
RULE_COUNTS = (1_000, 10_000, 100_000)
SIZES = (10_000, 100_000, 1_000_000, 25_000_000)


def messages(corpus: Path, every: int) -> list[bytes]:
    """Every n-th message of the corpus."""
    with tarfile.open(corpus) as archive:
        members = [member for member in archive.getmembers() if member.isfile()][::every]
        found = (archive.extractfile(member) for member in members)
        return [one.read() for one in found if one is not None]


def timed(work: Callable[[bytes], object], raws: list[bytes]) -> str:
    """Mean, median and 95th percentile over the messages, after one round to warm up."""
    for raw in raws:
        work(raw)
    times = []
    for raw in raws:
        started = time.process_time()
        work(raw)
        times.append((time.process_time() - started) * 1000)
    times.sort()
    middle, late = times[len(times) // 2], times[int(len(times) * 0.95)]
    return f"mean {sum(times) / len(times):8.2f}  median {middle:8.2f}  p95 {late:8.2f}  max {times[-1]:8.1f}"


def texts(raw: bytes) -> None:
    """Parse, and make every text that rules look at."""
    inspection = Inspection(parse_message(raw), Settings())
    inspection.bodies.lines, inspection.bodies.chunks, inspection.uris.uris, inspection.headers.relays  # noqa: B018


def made(files: list[tuple[str, str]], *, database: bool = False) -> CompiledRules:
    """The rules, and what making them ready cost."""
    kept = None
    if database:
        started = time.process_time()
        kept = build_database(read_rules(files))
        print(f"  database of {len(kept):,} octets made in {time.process_time() - started:.1f} s")
    started, before = time.process_time(), resident()
    rules = compile_rules(read_rules(files), database=kept)
    took = (time.process_time() - started) * 1000
    print(f"  {len(rules.book.rules):,} rules made ready in {took:.0f} ms, {resident() - before:.0f} MB")
    return rules


def resident() -> float:
    """The memory of this process, in megabytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1_048_576


def whole_scan(rules: CompiledRules) -> Callable[[bytes], object]:
    """What reads the text of a message for a verdict: parser, rules, and the classifiers with the seed model."""
    model = seed_model()

    def scan(raw: bytes) -> object:
        message = parse_message(raw)
        return rules.evaluate(message), judge_by(model, message)

    return scan


def judging(rules: CompiledRules) -> Callable[[bytes], object]:
    """Parsing a message and evaluating the rules on it."""
    return lambda raw: rules.evaluate(parse_message(raw))


def shipped() -> list[tuple[str, str]]:
    """Our own rule files."""
    folder = resources.files("postern.rules") / "shipped"
    return sorted((item.name, item.read_text("utf-8")) for item in folder.iterdir())


def invented(count: int) -> list[tuple[str, str]]:
    """So many body rules with a word each that no message has."""
    return [("many.cf", "\n".join(f"body MANY_{number} /\\bqword{number}x(?:s|ed)?\\b/i" for number in range(count)))]


def large(size: int) -> Iterator[tuple[str, bytes]]:
    """Messages of that size, of the kinds that cost most."""
    head = b"From: a@example.com\r\nSubject: large\r\n"
    yield "text", head + b"\r\n" + (b"Lorem ipsum dolor sit amet, 12 units at www.example.com. " * (size // 57))
    html = b"<div style='color:red'>word <a href='http://example.com/x'>link</a></div>\r\n"
    yield "html", head + b"Content-Type: text/html\r\n\r\n" + html * (size // len(html))


def main(corpus: str = str(CORPUS), every: str = "15") -> None:
    """Print the tables."""
    raws = messages(Path(corpus), int(every))
    print(f"{len(raws)} messages, {sum(map(len, raws)) / len(raws):,.0f} octets on average")
    print("parsing        ", timed(parse_message, raws))
    print("all texts      ", timed(texts, raws))
    model = seed_model()
    print("classifiers    ", timed(lambda raw: judge_by(model, parse_message(raw)), raws))
    own = made(shipped())
    print("shipped rules  ", timed(judging(own), raws))
    fast = made(shipped(), database=True)
    print("with database  ", timed(judging(fast), raws))
    print("whole scan     ", timed(whole_scan(fast), raws))
    for size in SIZES:
        for kind, raw in large(size):
            print(f"  {size:>12,} octets of {kind}", timed(whole_scan(fast), [raw]))
    folder = rules_folder()
    if folder is not None:
        stock = made(rule_files(folder), database=True)
        print("stock rules    ", timed(judging(stock), raws))
        print("whole scan     ", timed(whole_scan(stock), raws))
        print(f"{resident():.0f} MB now")
    for count in RULE_COUNTS:
        many = made(invented(count))
        print(f"{count:>7,} rules  ", timed(judging(many), raws[:50]))
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")


if __name__ == "__main__":
    main(*sys.argv[1:])
