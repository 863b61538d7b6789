"""Submission over a socket: who may log in, what an account may send, what its messages become."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from postern.model import Direction, Route
from postern.submission.policy import OwnAddress, SubmissionPolicy
from tests.dialogue.submitting import ANN, APP_PASSWORD, BOB, IDA, PASSWORD, Office, Ports, Streams, ask, logged_in
from tests.dialogue.submitting import hear_reply, plain, send, submitting, under_tls

GOOD = f"From: Ann <{ANN}>\r\nDate: Sun, 22 Nov 2026 18:00:00 +0000\r\nMessage-ID: <1@pc.example>\r\n\r\nHello"
EHLO = "EHLO pc.example.com"
WRONG = "535 5.7.8 Name or password is wrong"


def hold(office: Office, talk: Callable[[Ports], Awaitable[None]]) -> None:
    async def session() -> None:
        async with submitting(office) as ports:
            await talk(ports)

    asyncio.run(session())


def converse(office: Office, talk: Callable[[Streams], Awaitable[None]]) -> None:
    """One client under TLS."""

    async def session(ports: Ports) -> None:
        async with under_tls(ports.implicit) as streams:
            await talk(streams)

    hold(office, session)


def test_a_message_goes_out_as_the_account_that_logged_in() -> None:
    async def talk(streams: Streams) -> None:
        await logged_in(streams)
        reply = await send(streams, GOOD, to=("bob@example.com", "carla@elsewhere.example"))
        assert reply.startswith("250 2.0.0 Accepted")

    office = Office()
    converse(office, talk)
    (sent,) = office.world.ledger.transactions
    assert sent.direction is Direction.OUTBOUND
    assert sent.session is not None
    assert sent.session.authenticated_as == ANN
    assert [(one.address, one.route) for one in sent.recipients] == [
        (BOB, Route.MAILBOX),
        ("carla@elsewhere.example", Route.REMOTE),
    ]
    assert office.world.stored == [f"{GOOD}\r\n".encode()]
    assert sent.observations == ()
