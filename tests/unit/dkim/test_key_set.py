"""The life of a key: it waits, it signs, it is old, it is gone; and only keys that can be used are read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from postern.dkim.algorithms import KeyType
from postern.dkim.key_set import MAX_KEYS, OVERLAP, KeySet, KeySetError, KeyState, key_set_as_json, read_key_set
from postern.dkim.publication import Published, look_up, record_name, record_strings, record_text
from postern.zone import ZoneResolver
from tests.signing import pem_of, signing_key
from tests.transactions import RECEIVED_AT as NOW

RSA, ED = pem_of(signing_key()).decode(), pem_of(signing_key(ed25519=True)).decode()
EMPTY = KeySet("example.com")


def states(keys: KeySet) -> dict[str, KeyState]:
    return {key.selector: key.state for key in keys.keys}


def signing_with(*selectors: str) -> KeySet:
    keys = EMPTY
    for selector in selectors:
        keys = keys.with_new(selector, RSA, KeyType.RSA, NOW).switched_to(selector, NOW)
    return keys


def test_a_key_begins_to_sign_in_place_of_the_one_before_it_of_its_kind() -> None:
    keys = signing_with("a").with_new("e", ED, KeyType.ED25519, NOW).switched_to("e", NOW)
    keys = keys.with_new("b", RSA, KeyType.RSA, NOW)
    assert [key.selector for key in keys.signing()] == ["e", "a"]
    keys = keys.switched_to("b", NOW)
    assert states(keys) == {"b": KeyState.SIGNING, "e": KeyState.SIGNING, "a": KeyState.OLD}


def test_an_old_key_can_go_when_the_mail_it_signed_has_arrived() -> None:
    keys = signing_with("a", "b")
    with pytest.raises(KeySetError, match="under way"):
        keys.without("a", NOW + OVERLAP - timedelta(seconds=1))
    assert states(keys.without("a", NOW + OVERLAP)) == {"b": KeyState.SIGNING}
    with pytest.raises(KeySetError, match="rotate first"):
        keys.without("b", NOW + OVERLAP)
    assert states(keys.without("b", NOW, force=True)) == {"a": KeyState.OLD}


@pytest.mark.parametrize("selector", ["", "a b", "ü", "a/b", "A", "a..b", "-a", "x" * 64])
def test_what_is_no_selector_is_refused(selector: str) -> None:
    with pytest.raises(KeySetError, match="no selector"):
        EMPTY.with_new(selector, RSA, KeyType.RSA, NOW)


def test_keys_are_bounded_and_selectors_are_used_once() -> None:
    keys = EMPTY
    for at in range(MAX_KEYS):
        keys = keys.with_new(f"s{at}", RSA, KeyType.RSA, NOW)
    with pytest.raises(KeySetError, match="retire old ones"):
        keys.with_new("more", RSA, KeyType.RSA, NOW)
    with pytest.raises(KeySetError, match="not used twice"):
        signing_with("a").with_new("a", RSA, KeyType.RSA, NOW)
    with pytest.raises(KeySetError, match="only one that waits"):
        signing_with("a").switched_to("a", NOW)


def test_keys_are_stored_and_read_again() -> None:
    keys = signing_with("a", "b").with_new("e", ED, KeyType.ED25519, NOW)
    assert read_key_set("example.com", key_set_as_json(keys)) == keys
    assert "PRIVATE" not in repr(keys)


def entry(**changes: Any) -> dict[str, Any]:
    return {**key_set_as_json(signing_with("a"))["keys"][0], **changes}


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        {},
        {"keys": [{}]},
        {"keys": [entry(state="idle")]},
        {"keys": [entry(type="dsa")]},
        {"keys": [entry(selector="a b")]},
        {"keys": [entry(private_key=7)]},
        {"keys": [entry(created_at="2026-11-22T12:00:00")]},
        {"keys": [entry()] * (MAX_KEYS + 1)},
    ],
)
def test_what_was_edited_badly_is_said_to_be_unreadable(stored: Any) -> None:
    with pytest.raises(KeySetError):
        read_key_set("example.com", stored)


def test_a_private_key_that_is_none_signs_nothing() -> None:
    with pytest.raises(KeySetError, match="cannot be read"):
        read_key_set("example.com", {"keys": [entry(private_key="no key")]}).signing()


@pytest.mark.parametrize("ed25519", [False, True])
def test_a_record_is_seen_when_it_is_the_keys_own(ed25519: bool) -> None:
    key, other = signing_key(ed25519=ed25519), signing_key(ed25519=not ed25519)
    name, text = record_name(key), record_text(key)
    assert "".join(record_strings(text)) == text
    seen = {
        "own": [text],
        "another key": [record_text(other)],
        "revoked": ["v=DKIM1; p="],
        "garbage": ["hello"],
        "two": [text, record_text(other)],
        "none": [],
    }
    found = {word: look_up(key, ZoneResolver({name: {"TXT": records}})) for word, records in seen.items()}
    different = dict.fromkeys(("another key", "revoked", "garbage", "two"), Published.DIFFERENT)
    assert found == {"own": Published.YES, **different, "none": Published.MISSING}
    assert look_up(key, ZoneResolver({name: {"TXT": "TIMEOUT"}})) is Published.UNKNOWN
