"""The journal of learning in a file: SQLite, so that a write is done or not done, whatever ends the process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from postern.bayes.lessons import Lesson
from postern.bayes.requests import Label
from postern.bayes.stores import HeldLesson
from postern.ports import Unavailable

SECONDS_TO_WAIT = 30.0

_TABLE = """
CREATE TABLE IF NOT EXISTS lessons (
    digest BLOB PRIMARY KEY, rank INTEGER NOT NULL, label TEXT NOT NULL, taught_at INTEGER NOT NULL,
    source TEXT NOT NULL, automatic INTEGER NOT NULL, forced INTEGER NOT NULL, packed BLOB NOT NULL, held TEXT
) WITHOUT ROWID
"""
_NOTE = """
INSERT INTO lessons VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)
ON CONFLICT (digest) DO UPDATE SET rank = excluded.rank, label = excluded.label, taught_at = excluded.taught_at,
    source = excluded.source, automatic = excluded.automatic, forced = excluded.forced, packed = excluded.packed,
    held = NULL
WHERE excluded.rank > lessons.rank
"""
_WAITING = "SELECT digest, label, taught_at, source, automatic, forced, packed FROM lessons WHERE held IS NULL"
_HELD = "SELECT digest, label, taught_at, source, automatic, forced, packed, held FROM lessons WHERE held IS NOT NULL"


class SqliteJournal:
    """Implements `stores.Journal`. Every call is one transaction."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises `Unavailable`."""
        with _told("the journal cannot be opened"):
            self._connection = sqlite3.connect(path, timeout=SECONDS_TO_WAIT)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute(_TABLE)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def note(self, lessons: Iterable[Lesson]) -> None:
        """Write lessons, except where one that outranks them is there. Raises `Unavailable`."""
        rows = [
            (one.digest, one.rank, one.label.value, one.taught_at, one.source, one.automatic, one.forced, one.packed)
            for one in lessons
        ]
        with _told("the journal cannot be written"), self._connection:
            self._connection.executemany(_NOTE, rows)

    def waiting(self) -> Iterator[Lesson]:
        """What no snapshot has yet. Raises `Unavailable`."""
        with _told("the journal cannot be read"):
            rows = self._connection.execute(_WAITING).fetchall()
        return map(_lesson, rows)

    def held(self) -> Iterator[HeldLesson]:
        """What the guard did not let through. Raises `Unavailable`."""
        with _told("the journal cannot be read"):
            rows = self._connection.execute(_HELD).fetchall()
        return (HeldLesson(_lesson(row[:-1]), row[-1]) for row in rows)

    def settle(self, lessons: Iterable[Lesson]) -> None:
        """Remove what is still as given. Raises `Unavailable`."""
        rows = [(one.digest, one.rank) for one in lessons]
        with _told("the journal cannot be written"), self._connection:
            self._connection.executemany("DELETE FROM lessons WHERE digest = ? AND rank = ?", rows)

    def hold(self, lessons: Iterable[Lesson], reason: str) -> None:
        """Keep what is still as given out of snapshots. Raises `Unavailable`."""
        rows = [(reason, one.digest, one.rank) for one in lessons]
        with _told("the journal cannot be written"), self._connection:
            self._connection.executemany("UPDATE lessons SET held = ? WHERE digest = ? AND rank = ?", rows)


def _lesson(row: tuple[bytes, str, int, str, int, int, bytes]) -> Lesson:
    digest, label, taught_at, source, automatic, forced, packed = row
    return Lesson(digest, Label(label), taught_at, source, bool(automatic), bool(forced), packed)


@contextmanager
def _told(trouble: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as wrong:
        raise Unavailable(trouble) from wrong
