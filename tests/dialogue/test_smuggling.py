"""SMTP smuggling: no sequence but CRLF.CRLF ends DATA, and what is stored holds no bare CR or LF."""

from __future__ import annotations

import ast
import asyncio
import json
import re

import pytest

from postern.session.smtp_policy import BareLineEnds, SmtpPolicy
from tests.dialogue.harness import World, running
from tests.dialogue.transcript import Alone, connected, hear_line
from tests.material import vectors

BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
ENVELOPE = b"HELO client.example.org\r\nMAIL FROM:<ben@example.org>\r\nRCPT TO:<ann@example.com>\r\nDATA\r\n"
SMUGGLED = b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\nsmuggled\r\n"
LISTS = ("inbound", "outbound", "hannob_extra", "mox_must_550")


def sequences(*lists: str) -> list[bytes]:
    data = json.loads(vectors("smtp", "smuggling-sequences.json").read_text())
    texts = dict.fromkeys(text for name in lists for text in data[name])
    return [ast.literal_eval(text).encode("latin-1") for text in texts]


@pytest.fixture(params=sequences(*LISTS), ids=repr)
def text(request: pytest.FixtureRequest) -> bytes:
    sequence: bytes = request.param
    return b"first" + sequence + SMUGGLED


def test_the_sequence_is_text(text: bytes) -> None:
    server = Alone(World())
    server.say(ENVELOPE + text + b"\r\n.\r\n")
    assert len(server.stored) == 1
    assert b"smuggled\r\n" in server.stored[0]
    assert not BARE.search(server.stored[0])
    assert server.hear()[-1].startswith("250 2.0.0 Accepted")


def test_the_sequence_is_text_wherever_the_stream_is_cut(text: bytes) -> None:
    whole = Alone(World())
    whole.say(ENVELOPE + text + b"\r\n.\r\n")
    stream = text + b"\r\n.\r\n"
    for first in range(len(stream)):
        server = Alone(World())
        for part in (ENVELOPE, stream[:first], stream[first : first + 1], stream[first + 1 :]):
            server.say(part)
        assert server.stored == whole.stored


def test_the_sequence_is_text_for_the_running_receiver(text: bytes) -> None:
    async def send() -> World:
        world = World()
        async with running(world) as receiver, connected(receiver.port) as (reader, writer):
            writer.write(ENVELOPE)
            while not (await hear_line(reader)).startswith("354"):
                pass
            writer.write(text + b"\r\n.\r\nQUIT\r\n")
            assert (await hear_line(reader)).startswith("250 2.0.0 Accepted")
            assert (await hear_line(reader)).startswith("221")
        return world

    world = asyncio.run(send())
    assert len(world.stored) == 1
    assert not BARE.search(world.stored[0])


def test_a_strict_receiver_refuses_what_holds_a_bare_line_end(text: bytes) -> None:
    server = Alone(World(manners=SmtpPolicy(bare_newline=BareLineEnds.REJECT)))
    server.say(ENVELOPE + text + b"\r\n.\r\n")
    last = server.hear()[-1]
    assert last.startswith("550 5.6.11" if BARE.search(text) else "250 2.0.0 Accepted")
    assert all(not BARE.search(message) for message in server.stored)


@pytest.mark.parametrize("sequence", sequences("mox_must_550"), ids=repr)
def test_a_strict_receiver_refuses_the_known_attacks(sequence: bytes) -> None:
    server = Alone(World(manners=SmtpPolicy(bare_newline=BareLineEnds.REJECT)))
    server.say(ENVELOPE + b"first" + sequence + SMUGGLED + b"\r\n.\r\n")
    assert server.hear()[-1].startswith("550 5.6.11")
    assert server.stored == []
