r"""SMTP dialogues as text, and two ways to hold them: with the protocol object alone, and over a socket.

# what the dialogue proves
% option            see OPTIONS
S: 220 mx.example   a line the server must send; `…` at its end matches the rest; `<closed>` the end
C: EHLO client      a line of the client; lines in a row are sent in one write. `\r`, `\x00` are escapes,
                    `{x*3000}` repeats
C| octets           the same without CRLF
M: text             a line of the message that is stored then; lines in a row are one message
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from postern import replies
from postern.recipients import is_known_reverse_path, resolve
from postern.session.smtp_policy import BareLineEnds, SmtpPolicy
from postern_frontend.smtp.events import (
    Closed,
    Event,
    MessageReceived,
    RecipientGiven,
    ReversePathGiven,
    TextReceived,
    TlsRequested,
    TransactionEnded,
)
from postern_frontend.smtp.protocol import SmtpProtocol
from tests.dialogue.harness import TABLES, Facts, World, running

CLOSED = "<closed>"
ANY_ID = re.compile(r"Accepted as \w+")
_REPEAT = re.compile(rb"\{(.+?)\*(\d+)\}", re.DOTALL)
_PATIENCE_SECONDS = 10


def trusted(world: World) -> None:
    world.facts = Facts(("127.0.0.0/8",))


def reject_bare(world: World) -> None:
    world.manners = SmtpPolicy(bare_newline=BareLineEnds.REJECT)


def small(world: World) -> None:
    world.max_message_octets = 1_000


OPTIONS: dict[str, Callable[[World], None]] = {
    "trusted": trusted,
    "reject bare line ends": reject_bare,
    "messages of 1000 octets": small,
}


@dataclass(frozen=True)
class Step:
    """What one side says, or a message that must have been stored by then."""

    who: str
    lines: tuple[str, ...]

    def octets(self) -> bytes:
        """What the client sends."""
        return b"".join(_unescape(line[2:].removeprefix(" ")) + b"\r\n" * (line[1] == ":") for line in self.lines)

    def texts(self) -> list[str]:
        """The lines without their mark."""
        return [line[2:].removeprefix(" ") for line in self.lines]


@dataclass(frozen=True)
class Transcript:
    """A dialogue."""

    name: str
    options: tuple[str, ...]
    steps: tuple[Step, ...]

    def world(self) -> World:
        """The world it takes place in."""
        world = World()
        for option in self.options:
            OPTIONS[option](world)
        return world


def _unescape(text: str) -> bytes:
    octets = text.encode()
    if "\\" in text:
        octets = octets.decode("latin-1").encode("latin-1").decode("unicode_escape").encode("latin-1")
    return _REPEAT.sub(lambda found: found[1] * int(found[2]), octets)


def read(path: Path) -> Transcript:
    """Read a transcript."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    options = tuple(line[1:].strip() for line in lines if line.startswith("%"))
    spoken = [line for line in lines if not line.startswith("%")]
    turns = groupby(spoken, key=lambda line: "-" if line == "M-" else line[0])
    steps = tuple(Step(who, tuple(group)) for who, group in turns if who != "-")
    assert {step.who for step in steps} <= set("SCM"), path
    return Transcript(path.stem, options, steps)


def matches(expected: str, seen: str) -> bool:
    """Whether the server said what it should."""
    seen = ANY_ID.sub("Accepted as ID", seen)
    return seen.startswith(expected[:-1]) if expected.endswith("…") else seen == expected


@dataclass
class Alone:
    """The protocol object, answered by the pure rules: no socket, no event loop."""

    world: World
    stored: list[bytes] = field(default_factory=list)
    closed: bool = False

    def __post_init__(self) -> None:
        self.protocol = SmtpProtocol(self.world.service(starttls=False).profile)
        self.protocol.bare_line_ends = self.world.manners.bare_newline
        self.protocol.greet()
        self._text = b""

    def say(self, octets: bytes) -> None:
        self.protocol.receive(octets)
        while event := self.protocol.next_event():
            self._carry_out(event)

    def hear(self) -> list[str]:
        return self.protocol.take_output().decode("ascii").split("\r\n")[:-1]

    def _carry_out(self, event: Event) -> None:
        match event:
            case TextReceived(text):
                self._text += text
            case TransactionEnded():
                self._text = b""
            case Closed():
                self.closed = True
            case TlsRequested():
                self.protocol.answer(replies.TLS_UNAVAILABLE)
            case MessageReceived():
                self.stored.append(self._text)
                self.protocol.answer(replies.accepted("ID"))
            case ReversePathGiven(path):
                known = path is None or self._trusted or is_known_reverse_path(path, TABLES)
                self.protocol.answer(replies.REVERSE_PATH_OK if known else replies.REVERSE_PATH_UNKNOWN)
            case RecipientGiven(path):
                smtputf8 = self.protocol.envelope is not None and self.protocol.envelope.smtputf8
                found = resolve(path, TABLES, default_domain="example.com", may_relay=self._trusted, smtputf8=smtputf8)
                self.protocol.answer(found.refusal or replies.RECIPIENT_OK)

    @property
    def _trusted(self) -> bool:
        return bool(self.world.facts.trusted_networks)


def hold_alone(transcript: Transcript) -> None:
    """Hold the dialogue with the protocol object."""
    server = Alone(transcript.world())
    heard = server.hear()
    stored = 0
    for step in transcript.steps:
        if step.who == "C":
            assert not heard, heard
            server.say(step.octets())
            heard = server.hear()
        elif step.who == "S":
            compare(step.texts(), [*heard, CLOSED] if server.closed else heard)
            heard = []
        else:
            compare_message(step, server.stored[stored])
            stored += 1
    assert stored == len(server.stored)


async def hold_over_socket(transcript: Transcript, *, in_threads: bool) -> None:
    """Hold the dialogue with a running receiver, whose effects answer at once or from threads."""
    world = transcript.world()
    world.in_threads = in_threads
    async with running(world) as receiver:
        stored = 0
        async with connected(receiver.port) as (reader, writer):
            for step in transcript.steps:
                if step.who == "C":
                    writer.write(step.octets())
                elif step.who == "S":
                    compare(step.texts(), [await hear_line(reader) for _ in step.lines])
                else:
                    compare_message(step, world.stored[stored])
                    stored += 1
    assert stored == len(world.stored)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client's end of a connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def hear_line(reader: asyncio.StreamReader) -> str:
    """A line of the server without CRLF, or `<closed>`."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        try:
            line = await reader.readline()
        except ConnectionResetError:
            return CLOSED
    assert line.endswith(b"\r\n") or not line
    return line[:-2].decode("ascii") if line else CLOSED


def compare(expected: list[str], seen: list[str]) -> None:
    """Fail unless the server said what it should."""
    fits = len(expected) == len(seen) and all(map(matches, expected, seen))
    assert fits, "\n".join(["expected:", *expected, "seen:", *seen])


def compare_message(step: Step, message: bytes) -> None:
    """Fail unless this is what was stored."""
    assert message == b"".join(_unescape(text) + b"\r\n" for text in step.texts())
