"""Identifiers for sessions and transactions: short, unique, in the order of time."""

from __future__ import annotations

import secrets
from datetime import datetime

_RANDOM_OCTETS = 5


def new_id(now: datetime) -> str:
    """21 hex digits: milliseconds since 1970, then 40 random bits."""
    return f"{int(now.timestamp() * 1000):011x}{secrets.token_hex(_RANDOM_OCTETS)}"
