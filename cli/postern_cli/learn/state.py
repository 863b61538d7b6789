"""A directory that holds what was learnt, without any service: `--state DIR`.

lock              held by the process that writes
journal.sqlite    lessons that no snapshot has yet
snapshots/        the last ten snapshots: the learnt set and its model
current           the version in use
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from postern.bayes.codec import SnapshotError, load_model
from postern.bayes.compaction import Compaction, snapshot_version
from postern.bayes.model import Model
from postern.bayes.seed import seed_model
from postern.given_effects import GivenSiteModel
from postern.ports import Unavailable
from postern_cli.learn.journal import SqliteJournal
from postern_cli.learn.snapshot_folder import SnapshotFolder


@dataclass
class LearntState:
    """The directory. It is made when something is first written."""

    path: Path

    @cached_property
    def journal(self) -> SqliteJournal:
        """What waits for the next snapshot. Raises `Unavailable`."""
        self._make()
        return SqliteJournal(self.path / "journal.sqlite")

    @property
    def snapshots(self) -> SnapshotFolder:
        """The snapshots."""
        return SnapshotFolder(self.path)

    @property
    def has_journal(self) -> bool:
        """Whether anything was ever written."""
        return (self.path / "journal.sqlite").exists()

    def site_model(self) -> GivenSiteModel:
        """What scans judge by. Raises `Unavailable` when nothing was ever learnt here, or it cannot be read."""
        if not self.has_journal:
            raise Unavailable(f"nothing has been learnt in {self.path}")
        current = self.snapshots.current()
        if current is None or not current.about.has_model:
            return GivenSiteModel()
        try:
            return GivenSiteModel(load_model(self.snapshots.model(current.about.version)))
        except SnapshotError as damage:
            raise Unavailable(f"{self.path}: {damage}") from damage

    def compaction(self) -> Compaction:
        """Takes what waits into the learnt set."""
        return Compaction(self.journal, self.snapshots, _seed, now, _version)

    @contextmanager
    def locked(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Be the only process that writes; `waiting` is called when another one does. Raises `Unavailable`."""
        self._make()
        with (self.path / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as trouble:
            raise Unavailable(f"{self.path} cannot be made: {trouble.strerror}") from trouble


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def milliseconds() -> int:
    """The time as lessons have it."""
    return round(now().timestamp() * 1000)


def _seed() -> Model | None:
    return seed_model()


def _version(made_at: datetime) -> str:
    return snapshot_version(made_at, os.urandom(2).hex())
