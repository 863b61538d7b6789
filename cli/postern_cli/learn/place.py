"""Where learning is kept: in a directory or by the service, seen alike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from postern.bayes.archive import load_lessons
from postern.bayes.compaction import Outcome
from postern.bayes.learning import LearntMessages
from postern.bayes.stores import Journal, Snapshots
from postern.ports import Unavailable
from postern_aws.learning_journal import DynamoJournal
from postern_aws.learnt_snapshots import S3LearntSnapshots
from postern_cli.console import err
from postern_cli.learn.state import LearntState
from postern_cli.service import Output, Service


class Place(Protocol):
    """The journal and the snapshots of one site."""

    @property
    def journal(self) -> Journal:
        """What waits for the next snapshot, and what is held."""
        ...

    @property
    def snapshots(self) -> Snapshots:
        """What was learnt."""
        ...

    @property
    def name(self) -> str:
        """For people."""
        ...

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be allowed to write. Raises `Unavailable`."""
        ...

    def take(self, lessons: int) -> Outcome | None:
        """Take what waits, so many lessons of it ours, into the learnt set; `None` when the service does so later."""
        ...


@dataclass(frozen=True, slots=True)
class StatePlace:
    """A directory. Implements `Place`."""

    state: LearntState

    @property
    def journal(self) -> Journal:
        """The directory's journal."""
        return self.state.journal

    @property
    def snapshots(self) -> Snapshots:
        """The directory's snapshots."""
        return self.state.snapshots

    @property
    def name(self) -> str:
        """The directory."""
        return str(self.state.path)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock."""
        with self.state.locked(lambda: err.print("Another process learns into this directory; waiting for it.")):
            yield

    def take(self, lessons: int) -> Outcome | None:
        """At once."""
        del lessons
        return self.state.compaction().run()


@dataclass(frozen=True, slots=True)
class ServicePlace:
    """The service. Implements `Place`."""

    service: Service

    @property
    def journal(self) -> DynamoJournal:
        """The table of Bayes' tokens."""
        return DynamoJournal(self.service.dynamodb, self.service.output(Output.BAYES_TOKENS_TABLE), time.time)

    @property
    def snapshots(self) -> S3LearntSnapshots:
        """The snapshots in the message bucket."""
        return S3LearntSnapshots(self.service.s3, self.service.output(Output.MESSAGE_BUCKET))

    @property
    def name(self) -> str:
        """The service."""
        return self.service.name

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Learners of the service cannot lose each other's work."""
        yield

    def take(self, lessons: int) -> Outcome | None:
        """Have the function do it, now."""
        self.journal.count(lessons)
        try:
            self.service.make_client("lambda").invoke(
                FunctionName=self.service.output(Output.LEARN_FUNCTION),
                InvocationType="Event",
                Payload=b'{"now": true}',
            )
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the learn function cannot be called; it learns what waits within the hour") from trouble
        return None


def place(service: Service, state: Path | None, *, new: bool = False) -> Place:
    """Where learning is kept. Raises `Unavailable` for a directory without any, unless a `new` one is welcome."""
    if state is None:
        return ServicePlace(service)
    kept = LearntState(state)
    if not new and not kept.has_journal:
        raise Unavailable(f"nothing has been learnt in {state}")
    return StatePlace(kept)


def learnt(where: Place) -> LearntMessages:
    """What was learnt, what waits included. Raises `Unavailable`, `SnapshotError`."""
    current = where.snapshots.current()
    known = LearntMessages(load_lessons(where.snapshots.lessons(current.about.version)) if current else ())
    for lesson in where.journal.waiting():
        known.take(lesson)
    return known
