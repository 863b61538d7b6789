"""The keys of bounce address tags: one signs, those before it are still believed for a while.

KeyRingError    a stored ring that cannot be used, or one that cannot rotate yet; the text says why
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

OVERLAP = timedelta(days=7)
"""As long as a tag lives, so that no report about mail already sent is refused."""

KEY_IDS = 10
MIN_SECRET_OCTETS = 16


class KeyRingError(ValueError):
    """Keys that cannot be used or made."""


@dataclass(frozen=True, slots=True)
class BatvKey:
    """A key and its digit in the tag. A key that is `retired_at` signs nothing any more."""

    key_id: int
    secret: bytes = field(repr=False)
    created_at: datetime
    retired_at: datetime | None = None

    def is_believed(self, now: datetime) -> bool:
        """Whether tags of this key count."""
        return self.retired_at is None or now < self.retired_at + OVERLAP


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All keys of an installation."""

    keys: tuple[BatvKey, ...] = ()

    def signing_key(self) -> BatvKey | None:
        """The key that signs; `None` before the first rotation."""
        return next((key for key in self.keys if key.retired_at is None), None)

    def believed(self, key_id: int, now: datetime) -> BatvKey | None:
        """The key of this digit, if its tags count now."""
        return next((key for key in self.keys if key.key_id == key_id and key.is_believed(now)), None)

    def rotated(self, secret: bytes, now: datetime) -> KeyRing:
        """A ring in which a new key signs. Raises `KeyRingError`."""
        kept = [key for key in self.keys if key.is_believed(now)]
        last = max((key.created_at, key.key_id) for key in self.keys)[1] if self.keys else -1
        key_id = (last + 1) % KEY_IDS
        if any(key.key_id == key_id for key in kept):
            raise KeyRingError(f"the last {KEY_IDS} keys are all still believed; rotate again in some days")
        retired = (key if key.retired_at else replace(key, retired_at=now) for key in kept)
        return KeyRing((BatvKey(key_id, secret, now), *retired))


def read_ring(stored: Any) -> KeyRing:
    """The ring of `{"keys": [{"id", "key" (base64), "created_at", "retired_at"}]}`. Raises `KeyRingError`."""
    try:
        keys = tuple(_read_key(entry) for entry in stored["keys"])
    except (KeyError, TypeError, ValueError, binascii.Error) as wrong:
        raise KeyRingError("the keys of bounce address tags cannot be read") from wrong
    return KeyRing(keys)


def ring_as_json(ring: KeyRing) -> dict[str, Any]:
    """The ring as it is stored."""
    return {"keys": [_key_as_json(key) for key in ring.keys]}


def _read_key(entry: Mapping[str, Any]) -> BatvKey:
    key_id = entry["id"]
    if isinstance(key_id, bool) or not isinstance(key_id, int) or not 0 <= key_id < KEY_IDS:
        raise KeyRingError("a key's id is a digit")
    secret = base64.b64decode(entry["key"], validate=True)
    if len(secret) < MIN_SECRET_OCTETS:
        raise KeyRingError(f"a key has at least {MIN_SECRET_OCTETS} octets")
    retired_at = entry.get("retired_at")
    return BatvKey(key_id, secret, _moment(entry["created_at"]), _moment(retired_at) if retired_at else None)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise KeyRingError("a key's times have a time zone")
    return moment


def _key_as_json(key: BatvKey) -> dict[str, Any]:
    stored = {
        "id": key.key_id,
        "key": base64.b64encode(key.secret).decode("ascii"),
        "created_at": key.created_at.isoformat(),
    }
    return {**stored, "retired_at": key.retired_at.isoformat()} if key.retired_at else stored
