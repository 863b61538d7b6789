"""Sets of lessons as octets: versioned, checksummed, and bounded when they are read back.

What a snapshot took out of the journal lives on here: this is the learnt set itself. `codec` has the frame.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from postern.bayes.codec import SnapshotError, open_sealed, seal
from postern.bayes.examples import DIGEST_SIZE
from postern.bayes.lessons import Lesson
from postern.bayes.requests import Label

MAGIC = b"PSTNLRN\x01"
MAX_SEALED = 256 << 20
MAX_LESSONS = 200_000

_ROW = struct.Struct(f"<{DIGEST_SIZE}sBBqBI")
"""Digest, label, whether automatic, time, octets of the source, octets of the features."""

_LABELS = tuple(Label)


def dump_lessons(lessons: Iterable[Lesson]) -> bytes:
    """Lessons as octets. Whether the guard was asked is of no interest any more and is not kept."""
    rows = []
    for one in lessons:
        source = one.source.encode("ascii", "replace")
        label = _LABELS.index(one.label)
        rows.append(_ROW.pack(one.digest, label, one.automatic, one.taught_at, len(source), len(one.packed)))
        rows += [source, one.packed]
    return seal(MAGIC, b"".join(rows), level=0)


def load_lessons(octets: bytes) -> list[Lesson]:
    """Undo `dump_lessons`; raises `SnapshotError`. Features are unpacked, and checked, when they are asked for."""
    content, position, lessons = open_sealed(MAGIC, octets, MAX_SEALED), 0, list[Lesson]()
    while position < len(content):
        if len(lessons) >= MAX_LESSONS or position + _ROW.size > len(content):
            raise SnapshotError("the set ends within a lesson or has too many")
        digest, label, automatic, taught_at, source_size, size = _ROW.unpack_from(content, position)
        position += _ROW.size
        end = position + source_size + size
        if label >= len(_LABELS) or end > len(content):
            raise SnapshotError("a lesson cannot be read")
        source = content[position : position + source_size].decode("ascii", "replace")
        packed = content[position + source_size : end]
        lessons.append(Lesson(digest, _LABELS[label], taught_at, source, bool(automatic), packed=packed))
        position = end
    return lessons
