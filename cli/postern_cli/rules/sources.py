"""Where the rules come from that a command looks at: those of Postern, files and folders, the service.

RuleFilesError    files that cannot be read; the text names them
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from postern.checks.rules import shipped_files
from postern.rules.definitions import RuleBook
from postern.rules.parser import read_rules
from postern.rules.rule_set import RuleFile, RuleSet

MAX_OCTETS = 8 * 1024 * 1024
SHIPPED = "postern/"
"""Before the names of the files that come with Postern."""


class RuleFilesError(ValueError):
    """Rule files that cannot be read."""


def read_paths(paths: Iterable[Path]) -> list[tuple[str, str]]:
    """The texts of files, and of the `.cf` files of folders in their order, by their paths. Raises `RuleFilesError`."""
    return [(str(file), _read(file)) for path in paths for file in _files(path)]


def read_book(
    paths: Iterable[Path], *, shipped: bool = True, stored: RuleSet | None = None
) -> tuple[RuleBook, frozenset[str]]:
    """The rules of all sources, in the order in which the check reads them, and the names of the files given.

    Raises `RuleFilesError`.
    """
    given = read_paths(paths)
    own = [(f"{SHIPPED}{name}", text) for name, text in shipped_files()] if shipped else []
    beside = {Path(name).name: text for name, text in given}
    files = [*own, *(stored.files() if stored else ()), *given]
    return read_rules(files, {**(stored.includable() if stored else {}), **beside}), frozenset(
        name for name, _ in given
    )


def given_rules(paths: Iterable[Path]) -> RuleSet:
    """A rule set of files that are only tried, for `postern scan`. Raises `RuleFilesError`."""
    files = tuple(RuleFile(Path(name).name, text) for name, text in read_paths(paths))
    content = "\0".join(f"{one.name}\0{one.text}" for one in files).encode("utf-8", "surrogateescape")
    return RuleSet(version=f"given-{hashlib.sha256(content).hexdigest()[:12]}", own=files)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.cf"))
    if not found:
        raise RuleFilesError(f"there are no .cf files in {path}")
    return found


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_OCTETS + 1)
    except (OSError, ValueError) as trouble:
        raise RuleFilesError(f"cannot read {path}: {getattr(trouble, 'strerror', trouble)}") from trouble
    if len(content) > MAX_OCTETS:
        raise RuleFilesError(f"{path} is larger than {MAX_OCTETS} octets")
    return content.decode("utf-8", "surrogateescape")
