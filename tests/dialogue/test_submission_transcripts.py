"""Dialogues of submission as text (see `tests.dialogue.transcript`), held over sockets.

% under TLS            on the port where a conversation begins with the handshake; else on the one with STARTTLS
% logged in            EHLO and a login go before
{plain:NAME:PASSWORD}  the response of PLAIN; `{base64:TEXT}` is any text
"""

from __future__ import annotations

import asyncio
import base64
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.dialogue.client import BANNER, hear_until, trusting
from tests.dialogue.submitting import EHLO, Office, Streams, ask, logged_in, plain, submitting, under_tls
from tests.dialogue.transcript import Step, Transcript, compare, compare_message, connected, hear_line, read

TRANSCRIPTS = [read(path) for path in sorted((Path(__file__).parent / "submission").glob("*.txt"))]
UNDER_TLS, LOGGED_IN = "under TLS", "logged in"
_WORD = re.compile(r"\{(plain|base64):([^:}]*)(?::([^}]*))?\}")


def encoded(found: re.Match[str]) -> str:
    return plain(found[2], found[3]) if found[1] == "plain" else base64.b64encode(found[2].encode()).decode()


def spoken(step: Step) -> Step:
    return replace(step, lines=tuple(_WORD.sub(encoded, line) for line in step.lines))


async def hold(transcript: Transcript) -> None:
    assert set(transcript.options) <= {UNDER_TLS, LOGGED_IN}
    office = Office()
    async with submitting(office) as ports:
        implicit = UNDER_TLS in transcript.options
        async with under_tls(ports.implicit) if implicit else connected(ports.starttls) as streams:
            if LOGGED_IN in transcript.options:
                await logged_in(streams)
            await talk(streams, transcript, office)


async def talk(streams: Streams, transcript: Transcript, office: Office) -> None:
    reader, writer = streams
    stored = 0
    for step in transcript.steps:
        if step.who == "C":
            writer.write(spoken(step).octets())
        elif step.who == "S":
            compare(step.texts(), [await hear_line(reader) for _ in step.lines])
        else:
            compare_message(step, office.world.stored[stored])
            stored += 1
    assert stored == len(office.world.stored)


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda transcript: transcript.name)
def test_submission_holds_the_dialogue(transcript: Transcript) -> None:
    asyncio.run(hold(transcript))


@pytest.mark.parametrize("smuggled", [b"MAIL FROM:<ann@example.com>\r\n", b"EHLO x\r\nAUTH PLAIN AA==\r\n"])
def test_nothing_that_was_said_before_the_handshake_counts_after_it(smuggled: bytes) -> None:
    async def session() -> None:
        async with submitting(Office()) as ports, connected(ports.starttls) as (reader, writer):
            assert await hear_line(reader) == BANNER
            writer.write(b"EHLO pc.example.com\r\nSTARTTLS\r\n" + smuggled)
            await hear_until(reader, "220 2.0.0")
            await writer.start_tls(trusting())
            heard = await ask((reader, writer), "MAIL FROM:<ann@example.com>", EHLO)
            assert heard == ["530 5.7.0 Log in first", "250 AUTH PLAIN LOGIN"]

    asyncio.run(session())
