"""Identifiers for sessions and transactions: short, unique, in the order of time."""

from __future__ import annotations

import secrets
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter is mistaken for a digit when somebody reads an id over the telephone."""

_TIME_DIGITS = 9
_RANDOM_DIGITS = 9


def new_id(now: datetime) -> str:
    """18 characters: milliseconds since 1970, then 45 random bits."""
    return _digits(int(now.timestamp() * 1000), _TIME_DIGITS) + _digits(
        secrets.randbits(5 * _RANDOM_DIGITS), _RANDOM_DIGITS
    )


def _digits(number: int, count: int) -> str:
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in range(count - 1, -1, -1))
