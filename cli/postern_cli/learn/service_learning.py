"""Learning by the service: messages go into its bucket, and requests to learn them into its queue."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from postern.bayes.requests import UPLOADS, Label, LearnRequest
from postern.model import MessageReference
from postern_aws.learn_queue import LearnQueue
from postern_cli.learn.state_learning import SOURCE, Labelled
from postern_cli.service import Output, Service

AT_ONCE = 8
MESSAGES_OF_A_REQUEST = 50


class Progress:
    """What was sent by a command that was interrupted: a line for each message, until a command comes to its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._sent = set(path.read_text(encoding="ascii").split())
        except FileNotFoundError:
            self._sent = set()

    def __contains__(self, mark: str) -> bool:
        return mark in self._sent

    def add(self, marks: Iterable[str]) -> None:
        """Keep these, at once."""
        new = list(marks)
        self._sent.update(new)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="ascii") as file:
            file.write("".join(f"{mark}\n" for mark in new))

    def end(self) -> None:
        """Everything is sent."""
        self._path.unlink(missing_ok=True)


@dataclass
class ServiceLearning:
    """Learning by one service. `sent` counts messages, `skipped` those that an interrupted command had sent."""

    service: Service
    force: bool = False
    sent: int = 0
    skipped: int = 0
    _started: int = field(default_factory=lambda: round(time.time() * 1000))

    def send(self, mail: Iterable[Labelled]) -> Iterator[int]:
        """Send messages; yields with each step how many were dealt with. Raises `Unavailable`."""
        progress = Progress(_progress_file(self.service.output(Output.LEARN_QUEUE_URL)))
        queue = LearnQueue(self.service.sqs, self.service.output(Output.LEARN_QUEUE_URL))
        remaining = iter(mail)
        with ThreadPoolExecutor(AT_ONCE, "upload") as pool:
            while batch := list(islice(remaining, MESSAGES_OF_A_REQUEST)):
                new = [one for one in map(_Upload.of, batch) if one.mark not in progress]
                self._ask(
                    queue,
                    [(one.label, reference) for one, reference in zip(new, pool.map(self._put, new), strict=True)],
                )
                progress.add(one.mark for one in new)
                self.sent += len(new)
                self.skipped += len(batch) - len(new)
                yield len(batch)
        progress.end()

    def _ask(self, queue: LearnQueue, stored: list[tuple[Label, MessageReference]]) -> None:
        for label in Label:
            references = tuple(reference for one, reference in stored if one is label)
            if references:
                queue.send([LearnRequest(label, references, self._started, SOURCE, forced=self.force)])

    def _put(self, one: _Upload) -> MessageReference:
        return self.service.messages.put_copy(f"{UPLOADS}{one.digest}", one.raw)


@dataclass(frozen=True, slots=True)
class _Upload:
    """A message to be sent, and the SHA-256 by which it is known."""

    raw: bytes
    label: Label
    digest: str

    @classmethod
    def of(cls, one: Labelled) -> _Upload:
        return cls(one.raw, one.label, hashlib.sha256(one.raw).hexdigest())

    @property
    def mark(self) -> str:
        return f"{self.label}:{self.digest}"


def _progress_file(queue_url: str) -> Path:
    """One file for each service, where programs keep their state (XDG Base Directory)."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "postern" / f"learn-{hashlib.sha256(queue_url.encode()).hexdigest()[:12]}"
