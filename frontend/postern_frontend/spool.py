"""Where a message waits while it arrives: in memory up to 64 KiB, then in an unnamed temporary file.

All sessions share one budget of octets, so that many large messages at once are told to come back later
instead of filling the disk.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import tempfile
from typing import IO

MEMORY_OCTETS = 65_536


class SpoolFullError(Exception):
    """The budget or the disk has no room for more; the client may try again later (452 4.3.1)."""


class SpoolBudget:
    """How many octets all spools together may hold."""

    def __init__(self, octets: int) -> None:
        self.octets = octets
        self.used = 0

    def has_room(self, octets: int) -> bool:
        """Whether so much would fit now."""
        return self.used + octets <= self.octets

    def take(self, octets: int) -> None:
        """Reserve room. Raises SpoolFullError when there is not enough."""
        if not self.has_room(octets):
            raise SpoolFullError
        self.used += octets

    def give_back(self, octets: int) -> None:
        """Return what was taken."""
        self.used -= octets


class Spool:
    """One message on its way in. `size` is in octets; closing it frees its room, and may be done twice."""

    def __init__(self, budget: SpoolBudget, *, directory: str | None = None) -> None:
        self.size = 0
        self._budget = budget
        self._directory = directory
        self._digest = hashlib.sha256()
        self._chunks: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._closed = False

    def write(self, data: bytes) -> None:
        """Append. Raises SpoolFullError when there is no room; what was written before stays."""
        self._budget.take(len(data))
        self.size += len(data)
        self._digest.update(data)
        try:
            self._store(data)
        except OSError as error:
            raise SpoolFullError from error

    def sha256(self) -> str:
        """Lower-case hex digest of what was written."""
        return self._digest.hexdigest()

    def head(self, octets: int) -> bytes:
        """The first octets of the message, fewer when it is shorter."""
        if self._file is None:
            return b"".join(self._chunks)[:octets]
        self._file.seek(0)
        head = self._file.read(octets)
        self._file.seek(0, io.SEEK_END)
        return head

    def open(self) -> IO[bytes]:
        """The whole message as a seekable file at its start. It belongs to the spool: do not close it."""
        if self._file is None:
            return io.BytesIO(b"".join(self._chunks))
        self._file.seek(0)
        return self._file

    async def with_head(self, octets: int, head: bytes) -> Spool:
        """The same message with `head` in place of its first octets, as another spool. Raises SpoolFullError.

        A large message is copied piece by piece, so that other sessions have their turn.
        """
        copy = Spool(self._budget, directory=self._directory)
        try:
            copy.write(head)
            source = self.open()
            source.seek(octets)
            while piece := source.read(MEMORY_OCTETS):
                copy.write(piece)
                await asyncio.sleep(0)
        except BaseException:
            copy.close()
            raise
        return copy

    def close(self) -> None:
        """Forget the message."""
        if self._closed:
            return
        self._closed = True
        self._budget.give_back(self.size)
        self._chunks = []
        if self._file is not None:
            self._file.close()

    def _store(self, data: bytes) -> None:
        if self._file is None and self.size > MEMORY_OCTETS:
            self._move_to_file()
        if self._file is None:
            self._chunks.append(data)
        else:
            _write_fully(self._file, data)

    def _move_to_file(self) -> None:
        # Unbuffered: the chunks are already as large as the socket delivers them.
        self._file = tempfile.TemporaryFile(buffering=0, prefix="postern-", dir=self._directory)  # noqa: SIM115
        _write_fully(self._file, b"".join(self._chunks))
        self._chunks = []


def _write_fully(file: IO[bytes], data: bytes) -> None:
    """An unbuffered write may take only a part, on a disk that fills up."""
    remaining = memoryview(data)
    while remaining:
        remaining = remaining[file.write(remaining) :]
