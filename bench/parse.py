"""CPU milliseconds per message for taking real mail apart, beside CPython's `email` with the policy compat32.

python bench/parse.py ../shared/corpora/spamassassin-dev.tar.gz
python bench/parse.py DIRECTORY_OF_MESSAGES --rounds 5
"""

from __future__ import annotations

import argparse
import statistics
import tarfile
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message as PeerMessage
from pathlib import Path

from postern.author import extract_author
from postern.message import parse_message

Work = Callable[[bytes], object]


def read_messages(path: Path) -> Iterator[bytes]:
    """The files of a tar archive or below a directory."""
    if path.is_dir():
        yield from (file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file())
        return
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None:
                yield file.read()


def structure(raw: bytes) -> object:
    """Fields and parts."""
    return parse_message(raw)


def structure_and_text(raw: bytes) -> object:
    """And every text, decoded."""
    return sum(len(part.text()) for part in parse_message(raw).text_parts)


def structure_text_and_all_fields(raw: bytes) -> object:
    """And every field, decoded."""
    message = parse_message(raw)
    texts = sum(len(part.text()) for part in message.text_parts)
    return texts + sum(len(field.value) for field in message.header_fields)


def structure_and_author(raw: bytes) -> object:
    """Fields, parts and the author."""
    return extract_author(parse_message(raw))


def peer_structure(raw: bytes) -> object:
    """The same by `email`."""
    return message_from_bytes(raw)


def peer_structure_and_text(raw: bytes) -> object:
    """And every text, decoded by `email`."""
    leaves = (part for part in message_from_bytes(raw).walk() if not part.is_multipart())
    return sum(len(_peer_text(part)) for part in leaves if part.get_content_maintype() == "text")


def _peer_text(part: PeerMessage) -> str:
    content = part.get_payload(decode=True)
    octets = content if isinstance(content, bytes) else b""
    try:
        return octets.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return octets.decode("latin-1")


WORKS: tuple[Work, ...] = (
    structure,
    structure_and_text,
    structure_text_and_all_fields,
    structure_and_author,
    peer_structure,
    peer_structure_and_text,
)


def milliseconds(work: Work, messages: list[bytes]) -> list[float]:
    """CPU time of each message."""
    taken = []
    for raw in messages:
        started = time.process_time_ns()
        work(raw)
        taken.append((time.process_time_ns() - started) / 1e6)
    return taken


def best_round(work: Work, messages: list[bytes], rounds: int) -> list[float]:
    """The round with the least sum, since other programs on the machine only ever add."""
    return min((milliseconds(work, messages) for _ in range(rounds)), key=sum)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("messages", type=Path, help="a tar archive or a directory of messages")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    messages = list(read_messages(arguments.messages))
    print(f"{len(messages)} messages, {statistics.fmean(map(len, messages)) / 1000:.1f} kB each on average")
    results = {work: sorted(best_round(work, messages, arguments.rounds)) for work in WORKS}
    base = statistics.fmean(results[peer_structure_and_text])
    print(f"{'CPU ms per message':32}{'mean':>8}{'median':>8}{'p95':>8}{'of email':>10}")
    for work, taken in results.items():
        mean, middle, late = statistics.fmean(taken), statistics.median(taken), taken[int(len(taken) * 0.95)]
        name = work.__name__.replace("_", " ").replace("peer", "email:")
        print(f"{name:32}{mean:8.3f}{middle:8.3f}{late:8.3f}{mean / base:10.2f}")


if __name__ == "__main__":
    main()
