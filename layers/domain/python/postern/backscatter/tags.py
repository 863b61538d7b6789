"""Bounce address tags: `prvs=KDDDSSSSSS=local@domain` (draft-levine-smtp-batv-01).

K is the key's digit, DDD the last three digits of the day on which the tag expires, counted from 1970, and SSSSSS the
first six hexadecimal digits of HMAC-SHA1 over `KDDD` and the original address.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from postern.backscatter.keys import OVERLAP, BatvKey, KeyRing

LIFETIME_DAYS = OVERLAP.days
MAX_LOCAL_PART = 64
"""Octets (RFC 5321 §4.5.3.1.1); an address that a tag would make longer is sent untagged."""

_DAYS = 1000
_SECONDS_PER_DAY = 86_400
_MAC_DIGITS = 6
_VALUE = r"(?P<key_id>[0-9])(?P<day>[0-9]{3})(?P<mac>[0-9a-f]{6})"
_FORMS = (
    re.compile(rf"prvs={_VALUE}=(?P<local_part>.+)", re.IGNORECASE | re.ASCII | re.DOTALL),
    re.compile(rf"(?P<local_part>.+)\+prvs={_VALUE}", re.IGNORECASE | re.ASCII | re.DOTALL),  # batv-tools
)


class TagResult(StrEnum):
    """What a tag proves."""

    PASS = "pass"
    MISSING = "missing"
    INVALID = "invalid"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag as it was read, and the local part it was put on. Case is lost in it where relays lose it."""

    key_id: int
    day: int
    mac: str
    local_part: str


def day_number(moment: datetime) -> int:
    """Whole days since 1970."""
    return int(moment.timestamp() // _SECONDS_PER_DAY)


def signed(address: str, key: BatvKey, today: int, lifetime_days: int = LIFETIME_DAYS) -> str | None:
    """The address with a tag; `None` when its local part would be too long. `today` is a `day_number`."""
    day = (today + lifetime_days) % _DAYS
    local_part, _, domain = address.rpartition("@")
    tagged = f"prvs={key.key_id}{day:03d}{_mac(key, day, address)}={local_part}"
    return f"{tagged}@{domain}" if len(tagged.encode("utf-8")) <= MAX_LOCAL_PART else None


def read_tag(local_part: str) -> Tag | None:
    """The tag of a local part, of the form that we write."""
    for form in _FORMS:
        found = form.fullmatch(local_part)
        if found:
            return Tag(int(found["key_id"]), int(found["day"]), found["mac"].lower(), found["local_part"])
    return None


def stripped(local_part: str) -> str:
    """The local part without its tag; unchanged when it has none."""
    tag = read_tag(local_part)
    return tag.local_part if tag else local_part


def verify(
    forward_path: str,
    spellings: Iterable[str],
    ring: KeyRing,
    now: datetime,
    lifetime_days: int = LIFETIME_DAYS,
) -> TagResult:
    """What the tag of a forward-path proves.

    Relays change case, so the address may have been signed as it stands in the forward-path, in lower case, or in any
    of `spellings`.
    """
    local_part, _, domain = forward_path.rpartition("@")
    tag = read_tag(local_part)
    if tag is None:
        return TagResult.MISSING
    key = ring.believed(tag.key_id, now)
    original = f"{tag.local_part}@{domain}"
    candidates = dict.fromkeys((original, original.lower(), *spellings))
    # Every candidate is compared, and in constant time: how long it takes tells nothing about the key.
    matches = [hmac.compare_digest(_mac(key, tag.day, one), tag.mac) for one in candidates] if key else []
    if not any(matches):
        return TagResult.INVALID
    days_left = (tag.day - day_number(now)) % _DAYS
    return TagResult.PASS if days_left <= lifetime_days else TagResult.EXPIRED


def _mac(key: BatvKey, day: int, address: str) -> str:
    text = f"{key.key_id}{day:03d}{address}".encode("utf-8", "surrogateescape")
    return hmac.new(key.secret, text, hashlib.sha1).hexdigest()[:_MAC_DIGITS]
