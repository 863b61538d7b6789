"""The link that lets a frozen account send again: signed, bounded in time, and bound to one freeze.

A link names the account, since when it is frozen, and until when the link is good; HMAC-SHA256 covers all three. It
is good for exactly that freeze: once the account is thawed, or frozen anew, nothing matches it any more. So it can be
used once although nothing is stored about it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from postern.accounts import Freeze

MAX_TOKEN = 1_000
"""Characters; an address has at most 320."""

_PURPOSE = b"postern: let an account send again\0"


@dataclass(frozen=True, slots=True)
class ThawTicket:
    """What a link says. Times are whole seconds."""

    account: str
    frozen_since: datetime
    good_until: datetime

    def is_for(self, freeze: Freeze | None) -> bool:
        """Whether it ends this very freeze."""
        return freeze is not None and _seconds(freeze.since) == _seconds(self.frozen_since)


def sign(ticket: ThawTicket, key: bytes) -> str:
    """The ticket as a word for a URL. Raises `ValueError` without a key."""
    if not key:
        raise ValueError("a link cannot be signed without a key")
    facts = [ticket.account, _seconds(ticket.frozen_since), _seconds(ticket.good_until)]
    payload = json.dumps(facts, separators=(",", ":")).encode()
    return f"{_to_text(payload)}.{_to_text(_code(payload, key))}"


def read(token: str, key: bytes, now: datetime) -> ThawTicket | None:
    """The ticket behind a word, if we signed it and it is still good; `None` says nothing about why not."""
    if not key or len(token) > MAX_TOKEN or not token.isascii():
        return None
    payload, _, code = token.partition(".")
    try:
        octets, given = _from_text(payload), _from_text(code)
    except ValueError:
        return None
    if not hmac.compare_digest(_code(octets, key), given):
        return None
    account, since, until = json.loads(octets)
    ticket = ThawTicket(account, datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC))
    return ticket if now < ticket.good_until else None


def _code(payload: bytes, key: bytes) -> bytes:
    return hmac.new(key, _PURPOSE + payload, hashlib.sha256).digest()


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _to_text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _from_text(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
