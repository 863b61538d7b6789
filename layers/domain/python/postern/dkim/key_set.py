"""The keys a domain signs with: those that sign, those whose records are still to be seen, and those before them.

A key is made `waiting`, because a signature is worth nothing before its record is published. Once the record is seen
it is `signing`, and the key of the same kind before it is `old`: it signs nothing any more, and stays listed until it
is retired, because mail that it signed is still under way.

KeySetError    stored keys that cannot be used, or a change that cannot be made; the text says why
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from postern.dkim.algorithms import KeyType
from postern.dkim.signing import SigningError, SigningKey, load_signing_key
from postern.mime.domain_labels import to_ascii_domain

OVERLAP = timedelta(days=7)
"""How long an old record stays published: mail waits no longer in a queue, and is verified when it arrives."""

MAX_KEYS = 20
"""Keys of one domain."""


class KeySetError(ValueError):
    """Keys that cannot be used, or not in this way."""


class KeyState(StrEnum):
    """How far a key has come."""

    WAITING = "waiting"
    SIGNING = "signing"
    OLD = "old"


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A key and its selector. `pem` is the private key; `changed_at` is when it came into its state."""

    selector: str
    pem: str = field(repr=False)
    created_at: datetime
    state: KeyState
    changed_at: datetime
    key_type: KeyType = KeyType.RSA


@dataclass(frozen=True, slots=True)
class KeySet:
    """All keys of one domain, the newest first."""

    domain: str
    keys: tuple[DkimKey, ...] = ()

    def signing(self) -> tuple[SigningKey, ...]:
        """The keys that sign: of each kind at most one. Raises `KeySetError`."""
        return tuple(self.loaded(key) for key in self.keys if key.state is KeyState.SIGNING)

    def loaded(self, key: DkimKey) -> SigningKey:
        """A key, ready to sign. Raises `KeySetError`."""
        try:
            return load_signing_key(self.domain, key.selector, key.pem.encode("ascii"))
        except (SigningError, UnicodeEncodeError) as wrong:
            raise KeySetError(str(wrong)) from wrong

    def waiting(self) -> tuple[DkimKey, ...]:
        """The keys whose records are still to be seen."""
        return tuple(key for key in self.keys if key.state is KeyState.WAITING)

    def find(self, selector: str) -> DkimKey:
        """The key with this selector. Raises `KeySetError`."""
        found = next((key for key in self.keys if key.selector == selector), None)
        if found is None:
            raise KeySetError(f"{self.domain} has no key with the selector {selector!r}")
        return found

    def with_new(self, selector: str, pem: str, key_type: KeyType, now: datetime) -> KeySet:
        """With one more key, which waits. Raises `KeySetError`."""
        if not is_selector(selector):
            raise KeySetError(f"{selector!r} is no selector: letters, digits and hyphens, as in a host name")
        if any(key.selector == selector for key in self.keys):
            raise KeySetError(f"{self.domain} has a key with the selector {selector!r}; a record is not used twice")
        if len(self.keys) >= MAX_KEYS:
            raise KeySetError(f"{self.domain} has {MAX_KEYS} keys; retire old ones first")
        return replace(self, keys=(DkimKey(selector, pem, now, KeyState.WAITING, now, key_type), *self.keys))

    def switched_to(self, selector: str, now: datetime) -> KeySet:
        """With this waiting key signing, in place of the one of its kind that did. Raises `KeySetError`."""
        chosen = self.find(selector)
        if chosen.state is not KeyState.WAITING:
            raise KeySetError(f"the key {selector} is {chosen.state}; only one that waits can begin to sign")

        def changed(key: DkimKey) -> DkimKey:
            if key is chosen:
                return replace(key, state=KeyState.SIGNING, changed_at=now)
            before = key.state is KeyState.SIGNING and key.key_type is chosen.key_type
            return replace(key, state=KeyState.OLD, changed_at=now) if before else key

        return replace(self, keys=tuple(changed(key) for key in self.keys))

    def without(self, selector: str, now: datetime, *, force: bool = False) -> KeySet:
        """Without this key. Raises `KeySetError` when it signs, or did within the last seven days, unless forced."""
        chosen = self.find(selector)
        if chosen.state is KeyState.SIGNING and not force:
            raise KeySetError(f"the key {selector} signs; rotate first, or give --force to sign no more with it")
        if chosen.state is KeyState.OLD and now < chosen.changed_at + OVERLAP and not force:
            until = f"{chosen.changed_at + OVERLAP:%Y-%m-%d %H:%M} UTC"
            raise KeySetError(f"mail signed with {selector} may be under way until {until}; --force retires it now")
        return replace(self, keys=tuple(key for key in self.keys if key is not chosen))


def is_selector(text: str) -> bool:
    """Whether this can be a selector: one label or several, in lower case (RFC 6376 §3.1)."""
    return bool(text) and len(text) <= 63 and to_ascii_domain(f"{text}.example") == f"{text}.example"


def read_key_set(domain: str, stored: Any) -> KeySet:
    """The keys of `{"keys": [{"selector", "type", "private_key" (PEM), "state", "created_at", "changed_at"}]}`.

    Raises `KeySetError`.
    """
    try:
        keys = tuple(_read_key(entry) for entry in stored["keys"])
    except (KeyError, TypeError, ValueError) as wrong:
        raise KeySetError(f"the DKIM keys of {domain} cannot be read") from wrong
    if len(keys) > MAX_KEYS:
        raise KeySetError(f"{domain} has more than {MAX_KEYS} DKIM keys")
    return KeySet(domain, keys)


def key_set_as_json(keys: KeySet) -> dict[str, Any]:
    """The keys as they are stored."""
    return {"domain": keys.domain, "keys": [_key_as_json(key) for key in keys.keys]}


def _read_key(entry: Mapping[str, Any]) -> DkimKey:
    created_at = _moment(entry["created_at"])
    changed_at = _moment(entry["changed_at"]) if "changed_at" in entry else created_at
    selector, pem = entry["selector"], entry["private_key"]
    if not isinstance(pem, str) or not isinstance(selector, str) or not is_selector(selector):
        raise KeySetError("a key has a selector and a private key")
    return DkimKey(selector, pem, created_at, KeyState(entry["state"]), changed_at, KeyType(entry["type"]))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise KeySetError("a key's times have a time zone")
    return moment


def _key_as_json(key: DkimKey) -> dict[str, Any]:
    return {
        "selector": key.selector,
        "type": key.key_type.value,
        "state": key.state.value,
        "created_at": key.created_at.isoformat(),
        "changed_at": key.changed_at.isoformat(),
        "private_key": key.pem,
    }
