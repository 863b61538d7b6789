"""Addresses out of a text file: one or several a line, with or without names.

PolicyError    the file cannot be read or is too large; the text says why
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from postern.correspondents import known_as
from postern.mime.addresses import parse_address_list
from postern.policy import PolicyError

MAX_OCTETS = 10 * 1024 * 1024
MAX_UNUSABLE = 20
STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class AddressBook:
    """What a file held: distinct addresses as they are known, and the first lines that hold none."""

    addresses: tuple[str, ...]
    unusable: tuple[str, ...]


def read_addresses(path: Path) -> AddressBook:
    """The addresses of a file; empty lines and lines that begin with # are left out. Raises `PolicyError`."""
    addresses: dict[str, None] = {}
    unusable: list[str] = []
    for line in _lines(path):
        found = [known for mailbox in parse_address_list(line) if (known := known_as(mailbox.address))]
        addresses.update(dict.fromkeys(found))
        if not found:
            unusable.append(line)
    return AddressBook(tuple(addresses), tuple(unusable[:MAX_UNUSABLE]))


def _lines(path: Path) -> Iterator[str]:
    for line in _read(path).decode("utf-8-sig", "replace").splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield stripped


def _read(path: Path) -> bytes:
    try:
        if str(path) == STANDARD_INPUT:
            content = sys.stdin.buffer.read(MAX_OCTETS + 1)
        else:
            with path.open("rb") as file:
                content = file.read(MAX_OCTETS + 1)
    except OSError as trouble:
        raise PolicyError(f"cannot read {path}: {trouble.strerror}") from trouble
    if len(content) > MAX_OCTETS:
        raise PolicyError(f"{path} is larger than {MAX_OCTETS} octets")
    return content
