"""Clients that behave as mail servers do: they try again after 4yz and lost connections, give up after 5yz.

What a client knows about a message is its `Fate`; what it may expect follows from that.
"""

from __future__ import annotations

import heapq
import random
import re
import smtplib
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from postern_local.samples import ProxiedSmtp

SECONDS = 30
PAUSES = (0.5, 2.0)
MARK = "X-Mark"


class Manner(StrEnum):
    """How a client behaves."""

    PATIENT = "patient"
    """Tries again until it has an answer for good."""
    IMPATIENT = "impatient"
    """Never tries again, whatever happens."""
    HASTY = "hasty"
    """Leaves its first attempt right after the final dot, without waiting for the answer, and tries again."""


class Fate(StrEnum):
    """What the client knows at the end."""

    ACCEPTED = "accepted"
    """It got a 250."""
    REFUSED = "refused"
    """Every attempt ended with a 4yz or 5yz, or before the final dot."""
    UNKNOWN = "unknown"
    """Some attempt ended without an answer after the final dot, and none with a 250."""


@dataclass(slots=True)
class Letter:
    """One message, from whom, for whom, and what became of it."""

    mark: str
    client_ip: str
    helo: str
    reverse_path: str
    forward_paths: tuple[str, ...]
    text: bytes
    manner: Manner = Manner.PATIENT
    fate: Fate = Fate.REFUSED
    replies: list[str] = field(default_factory=list)
    attempts: int = 0
    done: bool = False

    @property
    def octets(self) -> bytes:
        """The message, with the mark that finds it again."""
        return f"{MARK}: {self.mark}\r\n".encode() + self.text


@dataclass(slots=True)
class Ledger:
    """What the clients saw, counted."""

    codes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str, seconds: float | None = None) -> None:
        """Count an outcome; `seconds` is how long an accepted message took."""
        with self._lock:
            self.codes[what] += 1
            if seconds is not None:
                self.seconds.append(seconds)


class Clients:
    """Several clients that share a pile of letters. `start`, then `finish`."""

    def __init__(self, port: int, letters: list[Letter], *, connections: int, chance: random.Random) -> None:
        self.letters = letters
        self.ledger = Ledger()
        self._port = port
        self._chance = chance
        self._pile: list[tuple[float, int, Letter]] = [(0.0, at, one) for at, one in enumerate(letters)]
        self._left = len(letters)
        self._changed = threading.Condition()
        self._stopping = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(connections)]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def finish(self, seconds: float) -> bool:
        """Wait until every letter has its answer for good, at most so long; whether that came to be."""
        with self._changed:
            came = self._changed.wait_for(lambda: self._left == 0, seconds)
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(2 * SECONDS)
        return came

    @property
    def left(self) -> int:
        """How many letters have no answer for good yet."""
        return self._left

    def _work(self) -> None:
        while (letter := self._next()) is not None:
            self._attempt(letter)
            with self._changed:
                if letter.done:
                    self._left -= 1
                else:
                    when = time.monotonic() + self._chance.uniform(*PAUSES)
                    heapq.heappush(self._pile, (when, id(letter), letter))
                self._changed.notify_all()

    def _next(self) -> Letter | None:
        with self._changed:
            while not self._stopping and self._left:
                wait = self._pile[0][0] - time.monotonic() if self._pile else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._pile)[2]
                self._changed.wait(wait)
        return None

    def _attempt(self, letter: Letter) -> None:
        letter.attempts += 1
        attempt = Attempt(self._port, letter)
        started = time.monotonic()
        try:
            code = attempt.make()
        except smtplib.SMTPResponseException as refusal:  # the greeting
            code, attempt.words = refusal.smtp_code, _text(refusal.smtp_error)
        except (OSError, smtplib.SMTPException) as trouble:
            self._lost(letter, attempt, trouble)
            return
        letter.replies.append(f"{code} {attempt.words}")
        if code == 250:
            letter.fate = Fate.ACCEPTED
        letter.done = code == 250 or code >= 500 or letter.manner is Manner.IMPATIENT
        self.ledger.note(str(code), time.monotonic() - started if code == 250 else None)

    def _lost(self, letter: Letter, attempt: Attempt, trouble: Exception) -> None:
        if attempt.is_sent:
            letter.fate = Fate.UNKNOWN
        letter.replies.append(type(trouble).__name__)
        letter.done = letter.manner is Manner.IMPATIENT
        self.ledger.note("lost after the final dot" if attempt.is_sent else "lost before the final dot")


class Attempt:
    """One connection and one transaction."""

    def __init__(self, port: int, letter: Letter) -> None:
        self._port = port
        self._letter = letter
        self.is_sent = False
        self.words = ""

    def make(self) -> int:
        """The code that decided: the first refusal, or that of the end of DATA. Raises what smtplib raises."""
        letter = self._letter
        with _closing(ProxiedSmtp(self._port, letter.client_ip, letter.helo)) as client:
            client.ehlo()
            commands: list[Any] = [lambda: client.mail(letter.reverse_path)]
            commands += [lambda path=path: client.rcpt(path) for path in letter.forward_paths]
            commands += [lambda: client.docmd("DATA"), lambda: self._send(client)]
            code = 0
            for command in commands:
                code, text = command()
                self.words = _text(text)
                if code >= 400:
                    break
            return code

    def _send(self, client: smtplib.SMTP) -> Any:
        self.is_sent = True
        client.send(re.sub(rb"(?m)^\.", b"..", self._letter.octets) + b".\r\n")
        if self._letter.manner is Manner.HASTY and self._letter.attempts == 1:
            raise ConnectionAbortedError("left without waiting")
        return client.getreply()


def _text(words: str | bytes) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words


class _closing:  # noqa: N801 - used as a word
    def __init__(self, client: smtplib.SMTP) -> None:
        self._client = client

    def __enter__(self) -> smtplib.SMTP:
        return self._client

    def __exit__(self, *_: object) -> None:
        self._client.close()
