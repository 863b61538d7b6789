"""What must survive: rows and objects of the embedded AWS, written through to one directory.

SQLite in WAL mode holds the rows and what is known of the objects, files hold the objects' octets. Several writes
share one commit: a writer thread takes everything that has gathered, in order, and syncs once.

    JournalError    the directory cannot be written; nothing may be answered any more
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

Notify = Callable[[], None]

_SCHEMA = """
create table if not exists rows (table_name text, row_key text, attributes text, primary key (table_name, row_key))
    without rowid;
create table if not exists objects (bucket text, name text, blob text, size integer, etag text, modified text,
    metadata text, primary key (bucket, name)) without rowid;
create table if not exists secrets (name text primary key, description text, secret_text text) without rowid;
"""


class JournalError(Exception):
    """The directory could not be written."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One change: SQL and its parameters."""

    sql: str
    parameters: tuple[object, ...]


class Journal:
    """The directory, opened. Changes are durable when `settle` returns."""

    def __init__(self, directory: Path) -> None:
        self._blobs = directory / "objects"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._database = directory / "state.db"
        self._changed = threading.Condition()
        self._waiting: list[tuple[Sequence[Statement], Notify | None]] = []
        self._asked = self._written = 0
        self._trouble: Exception | None = None
        self._closing = False
        with contextlib.closing(self._connect()) as connection:
            connection.executescript(_SCHEMA)
        self._writer = threading.Thread(target=self._write, name="journal", daemon=True)
        self._writer.start()

    def append(self, statements: Sequence[Statement], then: Notify | None = None) -> None:
        """Queue changes that belong together; `then` is called after they are durable, in the order of the queue."""
        with self._changed:
            self._waiting.append((statements, then))
            self._asked += 1
            self._changed.notify_all()

    def settle(self) -> None:
        """Wait until everything appended so far is durable. Raises `JournalError`."""
        with self._changed:
            wanted = self._asked
            self._changed.wait_for(lambda: self._written >= wanted or self._trouble is not None)
            if self._trouble is not None:
                raise JournalError("the local state cannot be written") from self._trouble

    def read(self, sql: str) -> Iterator[tuple[object, ...]]:
        """Rows of a query, for restoring."""
        with contextlib.closing(self._connect()) as connection:
            yield from connection.execute(sql)

    def close(self) -> None:
        """Write what is queued and stop."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._writer.join()

    # --- the octets of objects ------------------------------------------------------------------------------

    def store_blob(self, content: bytes) -> str:
        """Write octets to a file of their own, synced; its name."""
        name = uuid.uuid4().hex
        with self.blob_path(name).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return name

    def blob_path(self, name: str) -> Path:
        """Where the octets of that name lie."""
        return self._blobs / name

    def drop_blob(self, name: str) -> None:
        """Remove octets; gone already is no trouble."""
        self.blob_path(name).unlink(missing_ok=True)

    def drop_strays(self) -> None:
        """Remove octets that no object names: what was written when the process died."""
        named = {str(blob) for (blob,) in self.read("select blob from objects")}
        for path in self._blobs.iterdir():
            if path.name not in named:
                path.unlink(missing_ok=True)

    # --- the writer -----------------------------------------------------------------------------------------

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._database, isolation_level=None)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        return connection

    def _write(self) -> None:
        with contextlib.closing(self._connect()) as connection:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._waiting or self._closing)
                    batch, self._waiting = self._waiting, []
                if not batch:
                    return
                try:
                    self._commit(connection, batch)
                except sqlite3.Error as trouble:
                    self._give_up(trouble)
                    return

    def _commit(
        self, connection: sqlite3.Connection, batch: Sequence[tuple[Sequence[Statement], Notify | None]]
    ) -> None:
        connection.execute("begin immediate")
        for statements, _ in batch:
            for statement in statements:
                connection.execute(statement.sql, statement.parameters)
        connection.execute("commit")
        with self._changed:
            self._written += len(batch)
            self._changed.notify_all()
        for _, then in batch:
            if then is not None:
                then()

    def _give_up(self, trouble: Exception) -> None:
        with self._changed:
            self._trouble = trouble
            self._changed.notify_all()
