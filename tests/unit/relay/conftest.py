"""Every test of the worker gets its own AWS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.embedded_aws import Installation, installation
from tests.smtp_sink import Sink, running
from tests.unit.relay.relaying import Clock, Policy, Relaying, make_worker

ZONE = {
    "remote.example": {"MX": ["10 mail.remote.example"]},
    "mail.remote.example": {"A": ["127.0.0.1"]},
    "silent.example": {"MX": ["0 ."]},
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A fresh installation in moto."""
    with installation(monkeypatch) as made:
        yield made


@pytest.fixture
def relaying(aws: Installation) -> Iterator[Relaying]:
    """A worker whose relayed domain and whose `remote.example` are the same server."""
    with running(Sink()) as sink:
        clock, policy = Clock(), Policy(sink.port)
        worker, undeliverable = make_worker(aws, policy, clock, zone=ZONE)
        yield Relaying(worker, clock, sink, undeliverable, aws, policy)
        worker.close()
