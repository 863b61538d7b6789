"""Models as octets: versioned, checksummed, and bounded when they are read back.

Layout: 8 octets of magic with the version, SHA-256 of the rest, then zlib-compressed content. Reading a
damaged, foreign or oversized file raises `SnapshotError` before anything of it is used.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from postern.bayes import fisher
from postern.bayes.combine import Combination
from postern.bayes.features import TRIGRAM_BITS
from postern.bayes.fisher import TokenCounts
from postern.bayes.hashing import Ids
from postern.bayes.logistic import Logistic
from postern.bayes.model import WORD_BITS, Model, Provenance

MODEL_MAGIC = b"PSTNMDL\x01"
MAX_COMPRESSED = 64 << 20
MAX_CONTENT = 256 << 20
MAX_HEADER = 64 << 10

_HASH_SIZE = 32
_LENGTH = struct.Struct("<I")
_COUNT_STEP = 16.0
"""Token counts are kept in sixteenths: a seed model's are not whole."""

_WEIGHT_STEPS = 127


class SnapshotError(ValueError):
    """A stored model or set that cannot be used: damaged, foreign, of another version, or too large."""


def dump_model(model: Model) -> bytes:
    """A model as octets: sparse, weights in 8 bits. What is read back scores alike, not bit by bit."""
    header = {
        "scales": model.combination.scales,
        "slope": model.combination.slope,
        "bias": model.combination.bias,
        "hams": model.tokens.hams,
        "spams": model.tokens.spams,
        "provenance": [model.provenance.hams, model.provenance.spams, model.provenance.seed_weight],
        "bits": [fisher.BITS, WORD_BITS, TRIGRAM_BITS],
    }
    sections = [json.dumps(header, allow_nan=False).encode(), *_dump_counts(model.tokens)]
    sections += [*_dump_weights(model.words), *_dump_weights(model.grams)]
    return seal(MODEL_MAGIC, b"".join(_LENGTH.pack(len(section)) + section for section in sections))


def load_model(octets: bytes) -> Model:
    """Undo `dump_model`; raises `SnapshotError`."""
    header, *sections = _sections(open_sealed(MODEL_MAGIC, octets), 10)
    try:
        return _model(json.loads(header[:MAX_HEADER]), sections)
    except (KeyError, TypeError, ValueError) as damage:
        raise SnapshotError(f"the model cannot be read: {damage}") from damage


def _model(header: dict[str, Any], sections: list[bytes]) -> Model:
    if header["bits"] != [fisher.BITS, WORD_BITS, TRIGRAM_BITS]:
        raise SnapshotError("the model was made for tables of another size")
    hams, spams, seed_weight = header["provenance"]
    return Model(
        TokenCounts(_load_counts(sections[:3]), _number(header["hams"]), _number(header["spams"])),
        _load_weights(sections[3:6], WORD_BITS),
        _load_weights(sections[6:9], TRIGRAM_BITS),
        Combination(
            tuple(_number(scale, least=1e-9) for scale in header["scales"][:3]),
            _number(header["slope"]),
            _number(header["bias"]),
        ),
        Provenance(int(hams), int(spams), _number(seed_weight)),
    )


def _number(value: object, least: float = -1e12) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value) or not least <= value <= 1e12:
        raise SnapshotError(f"{value!r} is no number that a model has")
    return float(value)


def _dump_counts(tokens: TokenCounts) -> list[bytes]:
    """Occupied slots, then their ham and their spam counts."""
    occupied = np.flatnonzero(tokens.table.any(axis=1))
    counts = np.rint(tokens.table[occupied].astype(np.float64) * _COUNT_STEP)
    steps = np.minimum(counts, 0xFFFFFFFF).astype(np.uint32)
    return [_planes(_differences(occupied)), _planes(steps[:, 0]), _planes(steps[:, 1])]


def _load_counts(sections: list[bytes]) -> fisher.Counts:
    places = _places(sections[0], fisher.BITS)
    table = np.zeros((1 << fisher.BITS, 2), dtype=np.float16)
    for label in (0, 1):
        counts = _numbers(sections[1 + label], len(places)) / _COUNT_STEP
        table[places, label] = np.minimum(counts, fisher.MOST_COUNTED)
    return table


def _dump_weights(logistic: Logistic) -> list[bytes]:
    """Occupied places, their weights in steps of the greatest, then that greatest weight and the bias."""
    greatest = max(float(np.abs(logistic.weights).max(initial=0.0)), 1e-9)
    steps = np.rint(logistic.weights * (_WEIGHT_STEPS / greatest)).astype(np.int8)
    occupied = np.flatnonzero(steps)
    sizes = struct.pack("<dd", greatest / _WEIGHT_STEPS, logistic.bias)
    return [_planes(_differences(occupied)), steps[occupied].tobytes(), sizes]


def _load_weights(sections: list[bytes], bits: int) -> Logistic:
    places = _places(sections[0], bits)
    steps = np.frombuffer(sections[1], dtype=np.int8)
    if len(steps) != len(places) or len(sections[2]) != 16:
        raise SnapshotError("weights and places differ in number")
    step, bias = (_number(value) for value in struct.unpack("<dd", sections[2]))
    weights = np.zeros(1 << bits, dtype=np.float32)
    weights[places] = steps * np.float32(step)
    return Logistic(weights, bias)


def _differences(places: NDArray[np.int64]) -> Ids:
    return np.diff(places, prepend=0).astype(np.uint32)


def _planes(numbers: Ids) -> bytes:
    """The four octets of all numbers, plane by plane, which compresses well."""
    return numbers.astype("<u4").view(np.uint8).reshape(-1, 4).T.tobytes()


def _numbers(planes: bytes, expected: int | None = None) -> Ids:
    if len(planes) % 4 or (expected is not None and len(planes) != 4 * expected):
        raise SnapshotError("a section does not have the size it claims")
    columns = np.frombuffer(planes, dtype=np.uint8).reshape(4, -1).T
    return np.ascontiguousarray(columns).view("<u4").reshape(-1).astype(np.uint32)


def _places(planes: bytes, bits: int) -> NDArray[np.int64]:
    places = np.cumsum(_numbers(planes), dtype=np.int64)
    if len(places) and not 0 <= int(places[-1]) < 1 << bits:
        raise SnapshotError("a place lies outside its table")
    return places


def seal(magic: bytes, content: bytes, level: int = 9) -> bytes:
    """Content in the frame: magic of 8 octets, checksum, compressed content."""
    compressed = zlib.compress(content, level)
    return magic + hashlib.sha256(compressed).digest() + compressed


def open_sealed(magic: bytes, octets: bytes, most: int = MAX_COMPRESSED) -> bytes:
    """Undo `seal`; raises `SnapshotError`. `most` bounds the octets given; what they unfold to is bounded as well."""
    head = len(magic) + _HASH_SIZE
    if len(octets) > most:
        raise SnapshotError("the snapshot is too large")
    if octets[: len(magic)] != magic:
        raise SnapshotError("this is no snapshot of the expected kind and version")
    compressed = octets[head:]
    if hashlib.sha256(compressed).digest() != octets[len(magic) : head]:
        raise SnapshotError("the snapshot is damaged: its checksum differs")
    inflater = zlib.decompressobj()
    content = inflater.decompress(compressed, MAX_CONTENT)
    if not inflater.eof:
        raise SnapshotError("the snapshot is larger than it may be")
    return content


def _sections(content: bytes, expected: int) -> list[bytes]:
    sections, position = list[bytes](), 0
    while position < len(content):
        if position + _LENGTH.size > len(content):
            raise SnapshotError("the snapshot ends within a section")
        (size,) = _LENGTH.unpack_from(content, position)
        position += _LENGTH.size
        sections.append(content[position : position + size])
        position += size
    if len(sections) != expected or position != len(content):
        raise SnapshotError("the snapshot does not have the sections it should")
    return sections
