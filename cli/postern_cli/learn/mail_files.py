"""Messages from files, directories (Maildirs too) and mailboxes in mbox form, one after another.

MailFileError    a path cannot be read; the text says which and why
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MAX_OCTETS = 64 << 20
"""A larger message is passed over."""

_BEGINS_MBOX = b"From "
_SEPARATOR = re.compile(rb"From \S[^\n]* \d{1,2}:\d{2}(?::\d{2})?[^\n]* \d{4}\s*\Z")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_FIELD = re.compile(rb"[!-9;-~]{1,200}[ \t]*:")


class MailFileError(ValueError):
    """A path from which no messages can be read."""


@dataclass(frozen=True, slots=True)
class MailFile:
    """A message and where it was found. `raw` is `None` for what is too large, or no message."""

    name: str
    raw: bytes | None


def expand(paths: Sequence[Path]) -> list[Path]:
    """The files that these paths mean, in order; folders with all that is below them. Raises `MailFileError`."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(one for one in path.rglob("*") if one.is_file() and not one.name.startswith("."))
        elif path.exists():
            found.append(path)
        else:
            raise MailFileError(f"{path} does not exist")
    return found


def read_mail(path: Path) -> Iterator[MailFile]:
    """The messages of one file. Raises `MailFileError`."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_BEGINS_MBOX))
            file.seek(0)
            if start == _BEGINS_MBOX:
                yield from _of_mbox(str(path), file)
            else:
                raw = file.read(MAX_OCTETS + 1)
                usable = len(raw) <= MAX_OCTETS and _FIELD.match(raw) is not None
                yield MailFile(str(path), raw if usable else None)
    except OSError as trouble:
        raise MailFileError(f"{path} cannot be read: {trouble.strerror}") from trouble


def _of_mbox(name: str, file: IO[bytes]) -> Iterator[MailFile]:
    """A line "From …" with a time begins a message, at the start and after an empty line."""
    lines: list[bytes] = []
    size, after_empty, number = 0, True, 0
    for line in file:
        if after_empty and line.startswith(_BEGINS_MBOX) and (not number or _SEPARATOR.match(line.rstrip(b"\r\n"))):
            if number:
                yield _mail(name, number, lines, size)
            lines, size, number = [], 0, number + 1
        elif size <= MAX_OCTETS:
            lines.append(line)
            size += len(line)
        after_empty = not line.strip(b"\r\n")
    yield _mail(name, number, lines, size)


def _mail(name: str, number: int, lines: list[bytes], size: int) -> MailFile:
    raw = _QUOTED.sub(rb"\1", b"".join(lines))
    return MailFile(f"{name}#{number}", raw if raw and size <= MAX_OCTETS else None)
