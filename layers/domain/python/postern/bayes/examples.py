"""Learnt messages as data: what identifies one, its label, and its features packed into a few kilobytes.

The features are kept, not the message: they are enough to learn from it again, to unlearn it, and say nothing readable.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, replace

import numpy as np

from postern.bayes.features import Features
from postern.bayes.hashing import Ids
from postern.message import Message

DIGEST_SIZE = 16
MAX_IDS = 20_000
"""The most numbers of one kind that are read back; `extract` makes far fewer."""

MAX_PACKED = 1 << 20
_IDENTIFYING = ("message-id", "from", "date", "subject")
_KINDS = ("content", "fields", "relations", "header_grams", "body_grams")


class ExampleError(ValueError):
    """Packed features that are damaged or not ours; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Example:
    """One learnt message. `digest` identifies it however it came back to us; `learnt_at` is in seconds since 1970."""

    digest: bytes
    spam: bool
    learnt_at: int
    features: Features


def message_digest(message: Message) -> bytes:
    """What is the same in every copy of a message: author's fields and body, not what transport and mailbox add."""
    digest = hashlib.sha256()
    for name in _IDENTIFYING:
        field = message.first(name)
        digest.update(b"%s:%s\n" % (name.encode(), b" ".join(field.raw_value.split()) if field else b""))
    digest.update(bytes(message.body_bytes).replace(b"\r\n", b"\n").rstrip(b"\n"))
    return digest.digest()[:DIGEST_SIZE]


def example_of(message: Message, features: Features, *, spam: bool, learnt_at: int) -> Example:
    """The example that learning a message keeps."""
    return Example(message_digest(message), spam, learnt_at, replace(features, runs=()))


def pack_features(features: Features) -> bytes:
    """Differences of the sorted numbers, compressed."""
    kinds = [getattr(features, kind) for kind in _KINDS]
    sizes = np.array([len(kind) for kind in kinds], dtype="<u4")
    steps = [np.diff(kind, prepend=np.uint32(0)).astype("<u4") for kind in kinds]
    return zlib.compress(sizes.tobytes() + np.concatenate(steps).tobytes(), 6)


def unpack_features(packed: bytes) -> Features:
    """Undo `pack_features`; raises `ExampleError`."""
    octets = _inflate(packed)
    head = 4 * len(_KINDS)
    if len(octets) < head or (len(octets) - head) % 4:
        raise ExampleError("packed features end too early")
    sizes = np.frombuffer(octets[:head], dtype="<u4").tolist()
    if max(sizes) > MAX_IDS or sum(sizes) * 4 != len(octets) - head:
        raise ExampleError("packed features do not have the sizes they claim")
    steps = np.frombuffer(octets, dtype="<u4", offset=head)
    content, fields, relations, header_grams, body_grams = (
        _sums(kind) for kind in np.split(steps, np.cumsum(sizes)[:-1])
    )
    return Features(content, fields, relations, header_grams, body_grams)


def _sums(steps: Ids) -> Ids:
    return np.cumsum(steps, dtype=np.uint32)


def _inflate(packed: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        octets = inflater.decompress(packed, MAX_PACKED)
    except zlib.error as damage:
        raise ExampleError("packed features are damaged") from damage
    if not inflater.eof:
        raise ExampleError("packed features are cut short or too large")
    return octets
