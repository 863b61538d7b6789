"""Ten thousand guesses, whoever makes them: each is a line in the log, a handful are notices, and rows stay small."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from postern.session import marks
from postern.session.counters import MailProtocol
from postern_frontend.screening.session import SessionScreen
from postern_frontend.session_log import AUTHENTICATION_LOG
from tests.screens import Screened

GUESSES = 10_000
AT_ONCE = 50
"""Guesses between two reports, as a front end gathers them for half a second."""

Guess = tuple[str, str, str]
"""A client, an account and a password."""


def from_one_client(number: int) -> Guess:
    return "203.0.113.9", "ann@example.com", f"guess {number}"


def from_everywhere_at_one_account(number: int) -> Guess:
    return f"198.{18 + number // 62_500}.{number // 250 % 250}.{number % 250}", "ann@example.com", f"guess {number}"


def from_one_client_at_every_account(number: int) -> Guess:
    return "203.0.113.9", f"user{number}@example.com", "password"


def from_everywhere_at_every_account(number: int) -> Guess:
    client_ip, _, password = from_everywhere_at_one_account(number // 8)
    return client_ip, f"user{number % 500}@example.com", f"{password} {number}"


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What programs that watch the log see."""
    found: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    handler, log = Handler(), logging.getLogger(AUTHENTICATION_LOG)
    log.addHandler(handler)
    yield found
    log.removeHandler(handler)


@pytest.mark.parametrize(
    ("guess", "most"),
    [
        (from_one_client, {"client_banned": 1, "account_failures": 1}),
        (from_everywhere_at_one_account, {"account_failures": 1}),
        (from_one_client_at_every_account, {"client_banned": 1}),
        (from_everywhere_at_every_account, {"client_banned": 6, "network_banned": 6, "account_failures": 6}),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_ten_thousand_guesses_make_a_handful_of_notices(
    guess: Callable[[int], Guess], most: dict[str, int], lines: list[str]
) -> None:
    it = Screened()

    async def flood() -> None:
        for number in range(GUESSES):
            client_ip, account, password = guess(number)
            SessionScreen(it.screen, MailProtocol.SMTP, client_ip).login_failed(account, password)
            if number % AT_ONCE == AT_ONCE - 1:
                await it.screen.report()
                it.pass_time(milliseconds=500)
        await it.screen.stop()

    asyncio.run(flood())
    assert len(lines) == GUESSES
    assert all(line.startswith("Failed SMTP authentication attempt from ") for line in lines)
    told = Counter(notice.event for notice in it.notices)
    assert (
        told == Counter(most) if sum(most.values()) < 10 else all(told[event] <= most.get(event, 0) for event in told)
    )
    assert all(len(row) <= marks.MAX_MARKS + marks.MAX_WORDS for row in it.table.rows.values())
