"""Read `requirements.lock`, the one list of everything this project installs, wherever it installs it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"

_PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^\s;\\]+)(?:\s*;\s*(?P<marker>[^\\]*[^\\\s]))?")
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
_NOT_A_NAME = {"", "via"}


class LockError(Exception):
    """The lock is not what `make lock` writes, or does not hold what was asked of it."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One locked distribution: an exact version, the environments that need it, the files it may come as."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    required_by: frozenset[str]

    def requirement(self) -> str:
        """The pin as pip reads it, without its marker: to be installed whatever the machine."""
        return " \\\n    ".join([f"{self.name}=={self.version}", *(f"--hash={each}" for each in self.hashes)])


def read_lock(path: Path = LOCK) -> Mapping[str, Pin]:
    """All pins by name. Raises `LockError` where a line is not understood or a pin has no hash."""
    return parse_lock(path.read_text(encoding="utf-8"))


def parse_lock(text: str) -> Mapping[str, Pin]:
    """All pins of a lock file's text by name; see `read_lock`."""
    return {pin.name: pin for pin in map(_parse_pin, _blocks(text))}


def closure(pins: Mapping[str, Pin], names: Iterable[str]) -> tuple[Pin, ...]:
    """The named pins and all that they require, in order of name.

    The lock notes for every pin who asked for it; this follows these notes backwards. It may name more than
    one platform needs, since a note says nothing of markers, never less.
    """
    wanted: set[str] = set()
    fresh = set(names)
    if missing := sorted(fresh - pins.keys()):
        raise LockError(f"not in the lock: {', '.join(missing)}; `make lock` writes it anew")
    while fresh:
        wanted |= fresh
        fresh = {pin.name for pin in pins.values() if pin.required_by & fresh} - wanted
    return tuple(pins[name] for name in sorted(wanted))


def _blocks(text: str) -> Iterator[list[str]]:
    """A pin's line with the indented lines that belong to it."""
    block: list[str] = []
    for line in text.splitlines():
        if line[:1].isspace():
            block.append(line)
            continue
        if block:
            yield block
        block = [line] if line and not line.startswith("#") else []
    if block:
        yield block


def _parse_pin(block: list[str]) -> Pin:
    found = _PIN.match(block[0])
    hashes = tuple(_HASH.findall("\n".join(block)))
    if found is None or not hashes:
        raise LockError(f"not a pin with hashes: {block[0]!r}")
    notes = (line.lstrip(" #").removeprefix("via ") for line in block if line.lstrip().startswith("#"))
    required_by = frozenset(note.split(" ")[0] for note in notes) - _NOT_A_NAME
    return Pin(found["name"], found["version"], found["marker"] or "", hashes, required_by)
