"""Functions call AWS within the process: their calls fail on purpose too, and nobody else's."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
from moto.core.botocore_stubber import BotocoreStubber

from postern_local.faults import FUNCTION_NAME, FaultyFunctions

SIGNED = "AWS4-HMAC-SHA256 Credential=local/20261122/us-east-1/{}/aws4_request, SignedHeaders=host"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests that moto is asked."""
    requests: list[Any] = []

    def answer(stubber: BotocoreStubber, request: Any) -> Any:
        del stubber
        requests.append(request)
        return 200, {}, b"fine"

    monkeypatch.setattr(BotocoreStubber, "process_request", answer)
    return requests


def call(service: str) -> int:
    """The status of a call to a service."""
    stubber: Any = BotocoreStubber()
    status: int = stubber.process_request(SimpleNamespace(headers={"Authorization": SIGNED.format(service).encode()}))[
        0
    ]
    return status


def test_only_calls_of_functions_fail(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    faulty = FaultyFunctions({"dynamodb": 1.0}, random.Random(1))  # noqa: S311 - guards nothing
    faulty.install()
    assert call("dynamodb") == 200
    monkeypatch.setenv(FUNCTION_NAME, "Decide")
    assert call("s3") == 200
    asked.clear()
    assert {call("dynamodb") for _ in range(20)} == {500}
    assert faulty.counts == {"dynamodb": 20}
    assert 3 < len(asked) < 17  # some were done although the answer was lost


def test_shares_may_change_meanwhile(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FUNCTION_NAME, "Decide")
    shares = {"s3": 0.0}
    FaultyFunctions(shares).install()
    assert call("s3") == 200
    shares["s3"] = 1.0
    assert call("s3") == 500
