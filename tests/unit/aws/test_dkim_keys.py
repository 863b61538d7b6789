"""Signing keys from their secrets: none is an answer, unreadable is not; read seldom, and by one thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError

from postern.dkim.algorithms import KeyType
from postern.dkim.key_set import KeySet
from postern.ports import Unavailable
from postern_aws import clients
from postern_aws.dkim_keys import PREFIX, SECONDS_KEPT, DkimSecrets, SecretSigningKeys
from tests.embedded_aws import installation
from tests.signing import pem_of, signing_key
from tests.transactions import RECEIVED_AT as NOW

DOMAIN = "example.com"


@dataclass
class Clock:
    """Seconds, as told."""

    now: float = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[DkimSecrets]:
    """Secrets Manager without any keys."""
    with installation(monkeypatch):
        yield DkimSecrets(clients.secrets())


def keys(*selectors: str) -> KeySet:
    made = KeySet(DOMAIN)
    for selector in selectors:
        made = made.with_new(selector, pem_of(signing_key()).decode(), KeyType.RSA, NOW).switched_to(selector, NOW)
    return made


def test_a_domain_without_a_secret_has_no_keys(secrets: DkimSecrets) -> None:
    assert SecretSigningKeys(secrets).keys(DOMAIN) == ()
    assert list(secrets.domains()) == []


def test_keys_are_written_and_found_by_their_domain(secrets: DkimSecrets) -> None:
    secrets.write(keys("a"))
    secrets.write(keys("a", "b"))
    assert secrets.read(DOMAIN) == keys("a", "b")
    assert [key.selector for key in SecretSigningKeys(secrets).keys(DOMAIN)] == ["b"]
    assert list(secrets.domains()) == [DOMAIN]


def test_keys_are_kept_for_minutes_and_then_read_again(secrets: DkimSecrets) -> None:
    clock = Clock()
    signing = SecretSigningKeys(secrets, clock)
    assert signing.keys(DOMAIN) == ()
    secrets.write(keys("a"))
    clock.now = SECONDS_KEPT
    assert signing.keys(DOMAIN) == ()
    clock.now = SECONDS_KEPT + 1
    assert [key.selector for key in signing.keys(DOMAIN)] == ["a"]


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"keys": [{"selector": "a"}]}'])
def test_a_secret_that_was_edited_badly_is_not_no_keys(secrets: DkimSecrets, text: str) -> None:
    secrets.client.create_secret(Name=f"{PREFIX}{DOMAIN}", SecretString=text)
    with pytest.raises(Unavailable):
        SecretSigningKeys(secrets).keys(DOMAIN)


def test_a_refusal_is_not_no_keys(secrets: DkimSecrets, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetSecretValue")

    def refuse(**_: object) -> None:
        raise refusal

    monkeypatch.setattr(secrets.client, "get_secret_value", refuse)
    with pytest.raises(Unavailable, match=r"example\.com cannot be read"):
        SecretSigningKeys(secrets).keys(DOMAIN)
