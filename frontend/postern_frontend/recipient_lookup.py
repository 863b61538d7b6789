"""A directory that is remembered for a minute, so that most recipients are resolved on the event loop.

A question is one of the pure rules of `postern.recipients` that still lacks its directory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from postern.recipients import Directory, DomainEntry
from postern_frontend.pools import Runner

T = TypeVar("T")

REMEMBER_SECONDS = 60.0
REMEMBER_ABSENCE_SECONDS = 10.0
"""Short, because somebody who has just made a mailbox will try it at once."""

MAX_REMEMBERED = 20_000

_Key = tuple[str, str]


class _NotRemembered(Exception):  # noqa: N818 - it never leaves this module
    """The directory itself must be asked."""


class _Memory:
    """Answers of the directory with the time until which they are believed; the oldest make room for new ones."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._answers: dict[_Key, tuple[float, object]] = {}
        self._changing = threading.Lock()

    def recall(self, key: _Key) -> object:
        believed_until, answer = self._answers.get(key, (0.0, None))
        if believed_until <= self._clock():
            raise _NotRemembered
        return answer

    def keep(self, key: _Key, answer: object) -> None:
        seconds = REMEMBER_SECONDS if answer else REMEMBER_ABSENCE_SECONDS
        with self._changing:
            self._answers.pop(key, None)
            self._answers[key] = (self._clock() + seconds, answer)
            if len(self._answers) > MAX_REMEMBERED:
                del self._answers[next(iter(self._answers))]


class _RememberedDirectory:
    """A `Directory` of what is remembered; the rest is asked of `source`, or refused when there is none."""

    def __init__(self, memory: _Memory, source: Directory | None) -> None:
        self._memory = memory
        self._source = source

    def domain(self, name: str) -> DomainEntry | None:
        return self._answer(("domain", name), lambda source: source.domain(name))

    def has_account(self, address: str) -> bool:
        return self._answer(("account", address), lambda source: source.has_account(address))

    def alias(self, address: str) -> tuple[str, ...]:
        return self._answer(("alias", address), lambda source: source.alias(address))

    def _answer(self, key: _Key, ask: Callable[[Directory], T]) -> T:
        try:
            return self._memory.recall(key)  # type: ignore[return-value] # kept below under the same key
        except _NotRemembered:
            if self._source is None:
                raise
        answer = ask(self._source)
        self._memory.keep(key, answer)
        return answer


class RecipientLookup:
    """Answers questions about recipients: at once when everything is remembered, otherwise in the storage pool."""

    def __init__(self, directory: Directory, run: Runner, clock: Callable[[], float]) -> None:
        memory = _Memory(clock)
        self._remembered = _RememberedDirectory(memory, None)
        self._asked = _RememberedDirectory(memory, directory)
        self._run = run

    def recall(self, question: Callable[[Directory], T]) -> T | None:
        """The answer, or `None` when the directory must be asked for it."""
        try:
            return question(self._remembered)
        except _NotRemembered:
            return None

    async def ask(self, question: Callable[[Directory], T]) -> T:
        """The answer. Raises `Unavailable`."""
        return await self._run(lambda: question(self._asked))
