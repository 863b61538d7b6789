"""The keys of bounce address tags in Secrets Manager."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postern.backscatter.keys import KeyRing
from postern.ports import Unavailable
from postern_aws import clients
from postern_aws.batv_keys import SECONDS_KEPT, SecretKeyRing
from tests.embedded_aws import Installation

RING = KeyRing().rotated(b"x" * 32, datetime(2026, 11, 22, 12, 0, tzinfo=UTC))


@pytest.fixture
def keys(aws: Installation) -> SecretKeyRing:
    return SecretKeyRing(clients.secrets(), aws.batv_secret_arn)


def test_there_are_none_before_the_first_rotation(keys: SecretKeyRing) -> None:
    assert keys.ring() == KeyRing()


def test_what_was_written_is_read(keys: SecretKeyRing) -> None:
    keys.write(RING)
    assert keys.read() == RING


def test_keys_are_read_now_and_then(keys: SecretKeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("postern_aws.batv_keys.time.monotonic", lambda: now)
    assert keys.ring() == KeyRing()
    keys.write(RING)
    assert keys.ring() == KeyRing(), "the last answer is kept"
    now += SECONDS_KEPT + 1
    assert keys.ring() == RING


@pytest.mark.parametrize("text", ["", "no JSON", "{}", '{"keys": [{"id": 0}]}', "[1]"])
def test_a_secret_that_cannot_be_used_is_our_trouble(keys: SecretKeyRing, aws: Installation, text: str) -> None:
    if text:
        clients.secrets().put_secret_value(SecretId=aws.batv_secret_arn, SecretString=text)
    else:
        keys.secret_id = "gone"
    with pytest.raises(Unavailable):
        keys.ring()


@pytest.mark.usefixtures("aws")
def test_a_secret_that_is_gone_cannot_be_written() -> None:
    with pytest.raises(Unavailable):
        SecretKeyRing(clients.secrets(), "gone").write(RING)
