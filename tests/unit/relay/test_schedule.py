"""When a copy is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from postern_frontend.relay.schedule import LIFETIME, next_attempt

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(0, 5), (1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (6, 60), (10_000, 60)]
)
def test_pauses_double_up_to_an_hour(attempts: int, minutes: int) -> None:
    assert next_attempt(attempts, NOW, NOW) == NOW + timedelta(minutes=minutes)


def test_a_last_attempt_is_made_when_five_days_are_over_and_none_after() -> None:
    almost = NOW + LIFETIME - timedelta(minutes=1)
    assert next_attempt(100, NOW, almost) == NOW + LIFETIME
    assert next_attempt(101, NOW, NOW + LIFETIME) is None
