"""Tokens to 32-bit numbers, and number sequences to pairs. No token is stored: models hold numbers only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.uint32]

BREAK = b""
"""A token that is none: words on both its sides are no pair. Its number is 0."""

_FIRST = np.uint32(2654435761)
_SECOND = np.uint32(0x51ED)
_MIX = np.uint32(2246822519)
_FEW = 4_000
"""So many numbers are sorted sooner than ticked off in a table of all places."""

_NONE: Ids = np.zeros(0, dtype=np.uint32)


class Run(NamedTuple):
    """Tokens in their order with their numbers, and for paired tokens the numbers of adjacent pairs (0: none)."""

    tokens: list[bytes]
    ids: Ids
    pair_ids: Ids


def run_of(tokens: list[bytes], *, paired: bool = False) -> Run:
    """Number tokens and, if they are to be paired, their pairs."""
    ids = np.fromiter(map(crc32, tokens), dtype=np.uint32, count=len(tokens))
    return Run(tokens, ids, _pairs(ids) if paired else _NONE)


def _pairs(ids: Ids) -> Ids:
    """The numbers of adjacent pairs; one fewer than `ids`."""
    first, second = ids[:-1], ids[1:]
    mixed = ((first * _FIRST) ^ (second + _SECOND)) * _MIX
    mixed[(first == 0) | (second == 0)] = 0
    return mixed


def unique_ids(runs: Iterable[Run]) -> Ids:
    """Every number of the runs and their pairs, sorted, once."""
    pieces = [piece for run in runs for piece in (run.ids, run.pair_ids)]
    found = _sorted_once(np.concatenate(pieces)) if pieces else _NONE
    return found[1:] if len(found) and not found[0] else found


def _sorted_once(numbers: Ids) -> Ids:
    """The distinct numbers in order, out of an array that nobody else needs; five times as fast as `np.unique`."""
    numbers.sort()
    first = np.ones(len(numbers), dtype=np.bool_)
    np.not_equal(numbers[1:], numbers[:-1], out=first[1:])
    return numbers[first]


def slots(ids: Ids, bits: int) -> Ids:
    """The places of numbers in a table of `2**bits`."""
    return ids >> np.uint32(32 - bits)


def trigrams(octets: bytes, bits: int) -> Ids:
    """The places, sorted and once each, of all sequences of three octets in a table of `2**bits`."""
    if len(octets) < 3:
        return _NONE
    data = np.frombuffer(octets, dtype=np.uint8).astype(np.uint32)
    codes = data[:-2] | (data[1:-1] << np.uint32(8)) | (data[2:] << np.uint32(16))
    places = (codes * _FIRST) >> np.uint32(32 - bits)
    if len(places) < _FEW:
        return _sorted_once(places)
    seen = np.zeros(1 << bits, dtype=np.bool_)
    seen[places] = True
    return np.flatnonzero(seen).astype(np.uint32)
