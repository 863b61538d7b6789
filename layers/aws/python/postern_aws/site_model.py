"""The site's own model, as scans have it: read once per process, and asked for anew once a minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from postern.bayes.codec import SnapshotError, load_model
from postern.bayes.model import Model
from postern.ports import Unavailable
from postern_aws.learnt_snapshots import S3LearntSnapshots

FRESH_SECONDS = 60
RETRY_SECONDS = 5
"""How long a failed read is not repeated: S3 in trouble is not asked by every message."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read last. `token` is that of the pointer, empty while nothing has been learnt."""

    model: Model | None = None
    token: str = ""


class S3SiteModel:
    """Implements `ports.SiteModel`. What was read once is used for as long as S3 cannot be read."""

    def __init__(self, snapshots: S3LearntSnapshots, seconds: Callable[[], float] = time.monotonic) -> None:
        self._snapshots = snapshots
        self._seconds = seconds
        self._reading = Lock()
        self._known: _Known | None = None
        self._trouble = ""
        self._next_read = float("-inf")

    def model(self) -> Model | None:
        """The model in use, a minute old at most if S3 can be read. Raises `Unavailable` when none was ever read."""
        if self._seconds() >= self._next_read:
            self._refresh()
        if self._known is None:
            raise Unavailable(self._trouble or "what was learnt has not been read yet")
        return self._known.model

    def _refresh(self) -> None:
        """Read again; meanwhile other threads go on with what there is, unless there is nothing yet."""
        if not self._reading.acquire(blocking=self._known is None):
            return
        try:
            if self._seconds() < self._next_read:
                return
            self._next_read = self._seconds() + RETRY_SECONDS
            self._known = self._read(self._known or _Known())
            self._next_read = self._seconds() + FRESH_SECONDS
        except (Unavailable, SnapshotError) as trouble:
            self._trouble = str(trouble)
        finally:
            self._reading.release()

    def _read(self, known: _Known) -> _Known:
        current = self._snapshots.current(unless=known.token)
        if current is None:
            return known
        about = current.about
        return _Known(load_model(self._snapshots.model(about.version)) if about.has_model else None, current.token)
