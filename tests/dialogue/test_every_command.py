"""Port 25: each command in each state, well-formed, malformed and too long.

What is refused changes nothing, is refused for good only when it is the client's fault, and says nothing of how this
program is made.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from dataclasses import dataclass

import pytest

from postern.model import Decision, Transaction
from postern_frontend.smtp.phase import Phase
from tests.dialogue.client import MESSAGE
from tests.dialogue.harness import World, running
from tests.dialogue.submitting import ask, hear_reply
from tests.dialogue.transcript import Alone, connected

HELLO, MAIL, RCPT = "EHLO client.example.org", "MAIL FROM:<ben@example.org>", "RCPT TO:<ann@example.com>"
STATES: dict[str, tuple[str, ...]] = {
    "new": (),
    "greeted": (HELLO,),
    "mail": (HELLO, MAIL),
    "refused": (HELLO, MAIL, "RCPT TO:<nobody@example.com>"),
    "recipients": (HELLO, MAIL, RCPT),
    "chunks": (HELLO, MAIL, RCPT, "BDAT 3\r\nabc"),
}
PHASES = {
    "new": Phase.NEW,
    "greeted": Phase.READY,
    "mail": Phase.MAIL,
    "refused": Phase.MAIL,
    "recipients": Phase.RECIPIENTS,
    "chunks": Phase.CHUNKS,
}

CODES: dict[str, dict[str, int]] = {
    "HELO client.example.org": dict.fromkeys(STATES, 250),
    HELLO: dict.fromkeys(STATES, 250),
    MAIL: {"new": 503, "greeted": 250, "mail": 503, "refused": 503, "recipients": 503, "chunks": 503},
    RCPT: {"new": 503, "greeted": 503, "mail": 250, "refused": 250, "recipients": 250, "chunks": 503},
    "DATA": {"new": 503, "greeted": 503, "mail": 503, "refused": 554, "recipients": 354, "chunks": 503},
    "BDAT 3 LAST\r\nxyz": {"new": 503, "greeted": 503, "mail": 503, "refused": 554, "recipients": 250, "chunks": 250},
    "RSET": dict.fromkeys(STATES, 250),
    "NOOP": dict.fromkeys(STATES, 250),
    "NOOP with words": dict.fromkeys(STATES, 250),
    "HELP": dict.fromkeys(STATES, 214),
    "HELP DATA": dict.fromkeys(STATES, 214),
    "VRFY ann": dict.fromkeys(STATES, 252),
    "EXPN team": dict.fromkeys(STATES, 502),
    # Nobody has a certificate here: STARTTLS is known and not offered.
    "STARTTLS": dict.fromkeys(STATES, 502),
    "QUIT": dict.fromkeys(STATES, 221),
    # Not commands of port 25.
    "AUTH PLAIN AGFubgBwdw==": dict.fromkeys(STATES, 500),
    "TURN": dict.fromkeys(STATES, 500),
    "ETRN example.com": dict.fromkeys(STATES, 500),
    "SEND FROM:<ben@example.org>": dict.fromkeys(STATES, 500),
    "XYZZY": dict.fromkeys(STATES, 500),
}
"""The code of each command in each state."""

MALFORMED: dict[str, int] = {
    "HELO": 501,
    "EHLO": 501,
    "EHLO two words": 501,
    "EHLO " + "x" * 300: 501,
    "EHLO \u00fcmlaut.example": 501,
    "MAIL": 501,
    "MAIL FROM": 501,
    "MAIL FROM:": 501,
    "MAIL FROM:ben@example.org": 501,
    "MAIL TO:<ben@example.org>": 501,
    "MAIL FROM:<ben@example.org": 501,
    "MAIL FROM:<ben@example.org>>": 501,
    "MAIL FROM:<ben@>": 501,
    "MAIL FROM:<@example.org>": 501,
    "MAIL FROM:<ben@example.org> SIZE=many": 501,
    "MAIL FROM:<ben@example.org> SIZE=1 SIZE=1": 501,
    "MAIL FROM:<ben@example.org> SIZE": 501,
    "MAIL FROM:<ben@example.org> BODY=TEXT": 555,
    "MAIL FROM:<ben@example.org> SMTPUTF8=yes": 501,
    "MAIL FROM:<ben@example.org> =": 501,
    "MAIL FROM:<ben@example.org> RET=FULL": 555,
    "MAIL FROM:<ben@example.org> NONSENSE=1": 555,
    "RCPT": 501,
    "RCPT TO:": 501,
    "RCPT TO:ann@example.com": 501,
    "RCPT FROM:<ann@example.com>": 501,
    "RCPT TO:<>": 501,
    "RCPT TO:<ann@example.com> NOTIFY=NEVER": 555,
    "RCPT TO:<a..b@example.com>": 501,
    "DATA now": 501,
    "BDAT": 501,
    "BDAT many": 501,
    "BDAT -1": 501,
    "BDAT 1 FIRST": 501,
    "BDAT 9999999999999": 501,
    "RSET all": 501,
    "QUIT now": 501,
    "VRFY": 501,
    "STARTTLS now": 501,
    "": 500,
    " NOOP": 500,
    "NOOP\0": 500,
    "NO\rOP": 500,
    "\u00fc": 500,
    "GET / HTTP/1.1": 500,
}
"""The code of each malformed command where it may come at all; elsewhere it may be out of order instead."""

VERBS = sorted({command.split(" ")[0] for command in CODES})
TOO_LONG = 20_000
REVEALING = re.compile(
    r"Traceback|Error:|File \"|line \d+|0x[0-9a-f]{4}|[a-z_]+\.py|postern_|asyncio|boto", re.IGNORECASE
)


def in_state(state: str, world: World | None = None) -> Alone:
    """A conversation that has come so far."""
    server = Alone(world or World())
    server.hear()
    for command in STATES[state]:
        server.say(command.encode() + (b"" if command.startswith("BDAT") else b"\r\n"))
    server.hear()
    assert server.protocol.phase is PHASES[state]
    return server


def say(server: Alone, command: str) -> str:
    """Say a command; the one reply to it, which is checked for what no reply may be."""
    # A chunk brings its octets, not a line end.
    server.say(command.encode() + (b"" if "\r\n" in command else b"\r\n"))
    lines = server.hear()
    assert {line[:3] for line in lines} == {lines[-1][:3]}, lines
    assert [line[3] for line in lines] == ["-"] * (len(lines) - 1) + [" "]
    assert not [line for line in lines if REVEALING.search(line) or len(line) > 510]
    return lines[-1]


def remembered(server: Alone) -> tuple[object, ...]:
    protocol = server.protocol
    return protocol.phase, protocol.envelope, protocol.recipients, protocol.helo_identity


@pytest.mark.parametrize(("command", "state"), list(itertools.product(CODES, STATES)))
def test_a_command_in_each_state(command: str, state: str) -> None:
    server = in_state(state)
    before = remembered(server)
    reply = say(server, command)
    assert int(reply[:3]) == CODES[command][state]
    if reply[0] == "5" and "BDAT" not in command:
        assert remembered(server) == before


@pytest.mark.parametrize(("command", "state"), list(itertools.product(MALFORMED, STATES)))
def test_a_malformed_command_in_each_state_changes_nothing(command: str, state: str) -> None:
    server = in_state(state)
    before = remembered(server)
    code = int(say(server, command)[:3])
    verb = command.split(" ", maxsplit=1)[0].upper()
    out_of_order = verb in ("MAIL", "RCPT", "DATA", "BDAT", "STARTTLS") and code in (502, 503, 554)
    assert code == MALFORMED[command] or out_of_order
    assert remembered(server) == before
    assert say(server, "NOOP").startswith("250")


@pytest.mark.parametrize(("verb", "state"), list(itertools.product([*VERBS, "NONSENSE", ""], STATES)))
def test_a_line_that_is_too_long_changes_nothing_and_costs_no_memory(verb: str, state: str) -> None:
    server = in_state(state)
    before = remembered(server)
    line = f"{verb} ".encode() + b"x" * TOO_LONG
    for at in range(0, len(line), 1_000):
        server.say(line[at : at + 1_000])
        assert server.protocol.buffered < 3_000
    server.say(b"\r\n")
    assert server.hear() == ["500 5.5.2 Line too long"]
    assert remembered(server) == before
    assert say(server, "NOOP").startswith("250")


@pytest.mark.parametrize("state", STATES)
def test_errors_are_counted_in_every_state_and_end_the_session_for_now(state: str) -> None:
    server = in_state(state)
    heard = [say(server, "XYZZY") for _ in range(10 - server.protocol.errors)]
    assert all(reply.startswith("500") for reply in heard)
    assert say(server, "XYZZY") == "421 4.7.0 Too many errors"
    assert server.closed


@pytest.mark.parametrize("state", [state for state in STATES if state not in ("new", "refused", "chunks")])
def test_a_message_follows_from_every_state_by_what_is_left_to_say(state: str) -> None:
    server = in_state(state)
    for command in (HELLO, MAIL, RCPT)[len(STATES[state]) :]:
        assert say(server, command).startswith("250")
    assert say(server, "DATA").startswith("354")
    server.say(MESSAGE)
    assert server.hear() == ["250 2.0.0 Accepted as ID"]


# --- our own trouble ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """Something of ours that fails with an exception nobody foresaw."""

    name: str
    at: str

    def world(self) -> World:
        world = World()
        match self.at:
            case "store":
                world.shelf.fault = self._fail
            case "commit":
                world.ledger.before = self._fail
            case "judge":
                world.judge.decide = self._judge  # type: ignore[method-assign]
            case "directory":
                world.tables = _Broken()  # type: ignore[assignment]
        return world

    def _fail(self) -> None:
        raise RuntimeError(f"secret detail of {self.name} in /srv/postern_frontend/transaction.py")

    def _judge(self, transaction: Transaction) -> Decision:
        del transaction
        self._fail()
        raise AssertionError


class _Broken:
    def __getattr__(self, name: str) -> object:
        raise KeyError(f"secret detail of {name}")


FAULTS = [Fault(f"the {part}", part) for part in ("store", "commit", "judge", "directory")]


async def _talk(port: int) -> list[str]:
    async with connected(port) as streams:
        await hear_reply(streams[0])
        heard = await ask(streams, HELLO, MAIL, RCPT, "DATA")
        if heard[-1].startswith("354"):
            heard += await ask(streams, MESSAGE.decode().removesuffix("\r\n"))
        return heard + await ask(streams, "QUIT")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.at)
def test_our_own_trouble_is_never_for_good_and_never_explained(fault: Fault) -> None:
    async def run() -> list[str]:
        async with running(fault.world()) as receiver:
            return await _talk(receiver.port)

    heard = asyncio.run(run())
    assert any(line.startswith("451 4.3.0") for line in heard), heard
    assert not [line for line in heard if "secret" in line or REVEALING.search(line)]
    blamed = [line for line in heard if line[0] == "5" and not line.startswith(("503", "554 5.5.1"))]
    assert blamed == []
