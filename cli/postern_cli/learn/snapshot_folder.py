"""Snapshots of what was learnt as folders, and a file that names the one in use.

A folder is made under another name and renamed when everything in it is on the disk; so is the file. Whoever reads
sees the old state or the new one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from postern.bayes.stores import SNAPSHOTS_KEPT, About, Content, Current, SnapshotReplaced
from postern.ports import Unavailable
from postern.wire import WireError, dumps, from_json

CURRENT = "current"
ABOUT, LESSONS, MODEL = "about.json", "lessons", "model"
MAX_ABOUT = 64 << 10
_VERSION = re.compile(r"[0-9A-Za-z.-]{1,80}")


@dataclass(frozen=True, slots=True)
class SnapshotFolder:
    """Implements `stores.Snapshots`. Writers hold the lock of the state (`state.py`); readers need none."""

    path: Path

    def current(self) -> Current | None:
        """The snapshot in use. Raises `Unavailable`."""
        with _told("what was learnt cannot be read"):
            try:
                version = (self.path / CURRENT).read_text(encoding="ascii")
            except FileNotFoundError:
                return None
            return Current(self._about(version.strip()), version)

    def lessons(self, version: str) -> bytes:
        """The learnt set of a snapshot. Raises `Unavailable`."""
        with _told(f"snapshot {version} cannot be read"):
            return (self._folder(version) / LESSONS).read_bytes()

    def model(self, version: str) -> bytes:
        """The model of a snapshot. Raises `Unavailable`."""
        with _told(f"snapshot {version} cannot be read"):
            return (self._folder(version) / MODEL).read_bytes()

    def publish(self, about: About, content: Content, replacing: Current | None) -> None:
        """Keep a snapshot and take it into use. Raises `Unavailable`, `SnapshotReplaced`."""
        if (self.current() or Current(about, "")).token != (replacing.token if replacing else ""):
            raise SnapshotReplaced(about.version)
        files = {ABOUT: dumps(about).encode(), LESSONS: content.lessons}
        if content.model is not None:
            files[MODEL] = content.model
        with _told("what was learnt cannot be written"):
            self._write_folder(about.version, files)
            self._switch(about.version)
            for old in self.versions()[SNAPSHOTS_KEPT:]:
                shutil.rmtree(self._folder(old.version), ignore_errors=True)

    def versions(self) -> tuple[About, ...]:
        """What is kept, newest first. Raises `Unavailable`."""
        with _told("the snapshots cannot be listed"):
            names = sorted((one.parent.name for one in self.path.glob(f"snapshots/*/{ABOUT}")), reverse=True)
            return tuple(self._about(name) for name in names if not name.startswith("."))

    def use(self, version: str) -> About | None:
        """Take a kept snapshot into use. Raises `Unavailable`."""
        found = next((one for one in self.versions() if one.version == version), None)
        if found is not None:
            with _told("what was learnt cannot be written"):
                self._switch(version)
        return found

    def _about(self, version: str) -> About:
        with (self._folder(version) / ABOUT).open("rb") as file:
            return from_json(About, json.loads(file.read(MAX_ABOUT)))

    def _folder(self, version: str) -> Path:
        if not _VERSION.fullmatch(version):
            raise ValueError(f"{version!r} is no version")
        return self.path / "snapshots" / version

    def _write_folder(self, version: str, files: dict[str, bytes]) -> None:
        temporary = self.path / "snapshots" / f".{version}.{os.getpid()}"
        temporary.mkdir(parents=True)
        for name, octets in files.items():
            _write(temporary / name, octets)
        temporary.rename(self._folder(version))
        _sync_folder(temporary.parent)

    def _switch(self, version: str) -> None:
        temporary = self.path / f".{CURRENT}.{os.getpid()}"
        _write(temporary, version.encode("ascii"))
        temporary.rename(self.path / CURRENT)
        _sync_folder(self.path)


def _write(path: Path, octets: bytes) -> None:
    with path.open("wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told(trouble: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, WireError) as wrong:
        raise Unavailable(trouble) from wrong
