from __future__ import annotations

import asyncio
from collections.abc import Callable

from postern.model import Route
from postern.recipients import Directory, DomainEntry, MailPath, Resolution, resolve
from postern_frontend import recipient_lookup
from postern_frontend.recipient_lookup import REMEMBER_ABSENCE_SECONDS, REMEMBER_SECONDS, RecipientLookup
from tests.dialogue.harness import run_directly


class Counting:
    """A directory that counts what it is asked and can change its mind."""

    def __init__(self) -> None:
        self.asked = 0
        self.accounts = {"ann@example.com"}

    def domain(self, name: str) -> DomainEntry | None:
        self.asked += 1
        return DomainEntry(name, Route.MAILBOX) if name == "example.com" else None

    def has_account(self, address: str) -> bool:
        self.asked += 1
        return address in self.accounts

    def alias(self, address: str) -> tuple[str, ...]:
        self.asked += 1
        return ()


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def question(local_part: str) -> Callable[[Directory], Resolution]:
    return lambda directory: resolve(MailPath(local_part, "example.com"), directory, default_domain="example.com")


def test_what_was_asked_once_is_recalled_for_a_minute() -> None:
    directory, clock = Counting(), Clock()
    lookup = RecipientLookup(directory, run_directly, clock)
    assert lookup.recall(question("ann")) is None
    assert directory.asked == 0
    found = asyncio.run(lookup.ask(question("ann")))
    assert [item.address for item in found.recipients] == ["ann@example.com"]
    asked = directory.asked
    clock.now += REMEMBER_ABSENCE_SECONDS - 1
    assert lookup.recall(question("ann")) == found
    clock.now += REMEMBER_SECONDS
    assert lookup.recall(question("ann")) is None
    assert directory.asked == asked


def test_a_new_mailbox_is_found_soon() -> None:
    directory, clock = Counting(), Clock()
    lookup = RecipientLookup(directory, run_directly, clock)
    assert asyncio.run(lookup.ask(question("bob"))).refusal is not None
    directory.accounts.add("bob@example.com")
    refused = lookup.recall(question("bob"))
    assert refused is not None
    assert refused.refusal is not None
    clock.now += REMEMBER_ABSENCE_SECONDS + 1
    assert asyncio.run(lookup.ask(question("bob"))).recipients


def test_guessing_addresses_does_not_fill_the_memory() -> None:
    directory, clock = Counting(), Clock()
    lookup = RecipientLookup(directory, run_directly, clock)

    async def guess() -> None:
        for number in range(12_000):
            await lookup.ask(question(f"guess{number}"))

    asyncio.run(guess())
    assert len(lookup._asked._memory._answers) <= recipient_lookup.MAX_REMEMBERED
    assert lookup.recall(question("guess0")) is None
    assert lookup.recall(question("guess11999")) is not None
