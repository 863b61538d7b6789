"""Keys rotate, and the old ones are believed long enough."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postern.backscatter.keys import KEY_IDS, KeyRing, KeyRingError, read_ring, ring_as_json
from postern.backscatter.tags import TagResult, day_number, signed, verify

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ADDRESS = "ann@example.com"
GOOD = {"id": 0, "key": base64.b64encode(b"x" * 32).decode(), "created_at": "2026-11-22T12:00:00+00:00"}


def ring_after(*days: int) -> KeyRing:
    ring = KeyRing()
    for day in days:
        ring = ring.rotated(bytes([day % 256]) * 32, START + timedelta(days=day))
    return ring


def sign(ring: KeyRing, now: datetime) -> str:
    key = ring.signing_key()
    assert key is not None
    made = signed(ADDRESS, key, day_number(now))
    assert made is not None
    return made


def test_the_old_key_is_believed_for_seven_more_days() -> None:
    before, after = ring_after(0), ring_after(0, 30)
    turn = START + timedelta(days=30)
    forward_path = sign(before, turn)
    assert verify(forward_path, (), after, turn + timedelta(days=6, hours=23)) is TagResult.PASS
    assert verify(forward_path, (), after, turn + timedelta(days=7)) is TagResult.INVALID
    assert verify(sign(after, turn), (), after, turn) is TagResult.PASS
    assert [key.key_id for key in after.keys] == [1, 0]


def test_a_key_that_is_over_goes_at_the_next_rotation() -> None:
    assert [key.key_id for key in ring_after(0, 10, 20, 25).keys] == [3, 2, 1]


def test_digits_are_used_again_when_they_are_free() -> None:
    ring = ring_after(*range(0, 8 * (KEY_IDS + 1), 8))
    assert ring.keys[0].key_id == 0
    assert len({key.key_id for key in ring.keys}) == len(ring.keys)


def test_more_rotations_than_digits_within_the_overlap_are_refused() -> None:
    ring = ring_after(*[0] * KEY_IDS)
    with pytest.raises(KeyRingError, match="rotate again"):
        ring.rotated(b"x" * 32, START)


def test_a_ring_is_stored_and_read_and_hides_its_secrets() -> None:
    ring = ring_after(0, 3)
    assert read_ring(ring_as_json(ring)) == ring
    assert "secret" not in repr(ring)


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"keys": [{}]},
        {"keys": [GOOD | {"id": 10}]},
        {"keys": [GOOD | {"id": True}]},
        {"keys": [GOOD | {"key": "eA=="}]},
        {"keys": [GOOD | {"key": "%"}]},
        {"keys": [GOOD | {"created_at": "2026-11-22"}]},
        [],
    ],
)
def test_a_ring_that_cannot_be_used_is_refused(stored: Any) -> None:
    with pytest.raises(KeyRingError):
        read_ring(stored)
