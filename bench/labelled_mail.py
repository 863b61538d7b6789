"""Labelled mail from an archive or a directory: what lies below a folder `spam` is spam, below `ham` it is ham."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

NEWSLETTERS = "hard-ham"
"""What the names of files hold that are ham and look like spam."""

_GIVE_AWAYS = re.compile(
    rb"(?:date|delivery-date|resent-[a-z-]+|list-[a-z-]+|precedence|errors-to|sender|mailing-list|x-mailing-list"
    rb"|x-list[a-z-]*|x-beenthere|x-mailman-version|x-loop|delivered-to|x-egroups-[a-z-]+)[ \t]*:",
    re.IGNORECASE,
)
_FIELD = re.compile(rb"[^\n]*\n(?:[ \t][^\n]*\n)*")
_RECEIVED_DATE = re.compile(rb";[^;]*\Z")


@dataclass(frozen=True, slots=True)
class LabelledMail:
    """One message with its label; `name` is its file's."""

    name: str
    spam: bool
    raw: bytes

    @property
    def newsletter(self) -> bool:
        """Whether it is ham that looks like spam."""
        return NEWSLETTERS in self.name


def read_labelled(path: Path) -> list[LabelledMail]:
    """All labelled files, sorted by name."""
    found = []
    for name, raw in _files(path):
        folders = PurePosixPath(name).parts[:-1]
        if "spam" in folders or "ham" in folders:
            found.append(LabelledMail(PurePosixPath(name).name, "spam" in folders, raw))
    return sorted(found, key=lambda mail: (mail.spam, mail.name))


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        yield from ((str(file), file.read_bytes()) for file in sorted(path.rglob("*")) if file.is_file())
        return
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None:
                yield member.name, file.read()


def without_give_aways(raw: bytes) -> bytes:
    """The message without what gives an old corpus away: dates, also in Received, and what list managers add."""
    head, blank, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    kept = []
    for field in _FIELD.findall(head + b"\n"):
        if field[:9].lower() == b"received:":
            kept.append(_RECEIVED_DATE.sub(b"", field.rstrip(b"\n")) + b"\n")
        elif not _GIVE_AWAYS.match(field):
            kept.append(field)
    return b"".join(kept) + blank[1:] + body
