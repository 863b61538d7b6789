"""Tokens to 32-bit numbers, and number sequences to pairs. No token is stored: models hold numbers only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.uint32]

_FIRST = np.uint32(2654435761)
_SECOND = np.uint32(0x51ED)
_MIX = np.uint32(2246822519)
_NONE: Ids = np.zeros(0, dtype=np.uint32)


class Run(NamedTuple):
    """Tokens of one kind in their order, with their numbers, kept to name what weighed most; `paired` adds pairs."""

    prefix: str
    tokens: list[bytes]
    ids: Ids
    paired: bool


def run_of(prefix: str, tokens: list[bytes], *, paired: bool = False) -> Run:
    """Number tokens: the same token under another prefix has another number."""
    start = crc32(prefix.encode())
    ids = np.fromiter((crc32(token, start) for token in tokens), dtype=np.uint32, count=len(tokens))
    return Run(prefix, tokens, ids, paired)


def pairs(ids: Ids) -> Ids:
    """The numbers of adjacent pairs; one fewer than `ids`."""
    if len(ids) < 2:
        return _NONE
    return ((ids[:-1] * _FIRST) ^ (ids[1:] + _SECOND)) * _MIX


def unique_ids(runs: Iterable[Run]) -> Ids:
    """Every number of the runs and their pairs, sorted, once."""
    pieces = []
    for run in runs:
        pieces.append(run.ids)
        if run.paired:
            pieces.append(pairs(run.ids))
    return np.unique(np.concatenate(pieces)) if pieces else _NONE


def slots(ids: Ids, bits: int) -> Ids:
    """The places of numbers in a table of `2**bits`."""
    return ids >> np.uint32(32 - bits)


def trigrams(octets: bytes, bits: int) -> Ids:
    """The places, sorted and once each, of all sequences of three octets in a table of `2**bits`."""
    if len(octets) < 3:
        return _NONE
    data = np.frombuffer(octets, dtype=np.uint8).astype(np.uint32)
    codes = data[:-2] | (data[1:-1] << np.uint32(8)) | (data[2:] << np.uint32(16))
    seen = np.zeros(1 << bits, dtype=np.bool_)
    seen[(codes * _FIRST) >> np.uint32(32 - bits)] = True
    return np.flatnonzero(seen).astype(np.uint32)
