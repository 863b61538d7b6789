"""What a list's answer means: only return codes that policy declares count (RFC 5782 §2.3).

A code is written as an address in 127.0.0.0/8, in which `*` stands for any octet (`127.0.0.2`, `127.0.*.3`), or as a
bit of the last octet (`&4`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address

LOOPBACK_OCTET = 127

_BIT = re.compile(r"&([1-9][0-9]{0,2})")
_OCTETS = 4
_MAX_OCTET = 255


@dataclass(frozen=True, slots=True)
class ReturnCode:
    """A pattern of answers: four octets of which `None` is any, or `bits` of the last octet."""

    octets: tuple[int | None, ...]
    bits: int = 0

    def matches(self, answer: IPv4Address) -> bool:
        """Whether the answer is one of these."""
        if self.bits:
            return answer.packed[0] == LOOPBACK_OCTET and bool(answer.packed[3] & self.bits)
        return all(wanted in (None, octet) for wanted, octet in zip(self.octets, answer.packed, strict=True))


REFUSALS = (ReturnCode((127, 255, 255, None)), ReturnCode((127, 0, 0, 1)))
"""Answers by which lists say that they do not serve us, as Spamhaus and URIBL document them. Never a listing."""


def read_code(text: str) -> ReturnCode:
    """The pattern that `text` writes. Raises `ValueError` that says what would be right."""
    bit = _BIT.fullmatch(text)
    if bit and int(bit[1]) <= _MAX_OCTET:
        return ReturnCode((), int(bit[1]))
    parts = text.split(".")
    octets = tuple(_read_octet(part) for part in parts)
    if len(octets) != _OCTETS or octets[0] != LOOPBACK_OCTET or _NO_OCTET in octets:
        raise ValueError(f"{text!r} is no return code; write 127.0.0.2, 127.0.*.3 or &4")
    return ReturnCode(octets)


_NO_OCTET = -1


def _read_octet(text: str) -> int | None:
    if text == "*":
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= _MAX_OCTET else _NO_OCTET
