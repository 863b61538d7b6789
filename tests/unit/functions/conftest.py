"""Every test of a handler gets its own AWS, and the DNS of the sample zone."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator

import pytest

from events.__main__ import MESSAGE, TRANSACTION_ID, ZONE, sample_transaction
from postern.policy_compiler import Snapshot, StoredRows, compile_snapshot
from postern.zone import ZoneResolver
from postern_aws import clients
from postern_aws.message_store import S3MessageStore
from postern_aws.policy_snapshot import NOTHING_PUBLISHED, S3Snapshots
from tests.embedded_aws import BUCKET, Installation, installation
from tests.handlers import Handler, load_handler

LoadHandler = Callable[[str], Handler]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A fresh installation in moto, with the sample message and a compiled policy."""
    zone = json.loads(ZONE.read_text())
    monkeypatch.setattr("postern_aws.dns.SystemResolver", lambda deadline: ZoneResolver(zone))
    with installation(monkeypatch) as made:
        raw = MESSAGE.read_bytes()
        reference = sample_transaction(raw).message
        store = S3MessageStore(clients.s3(), BUCKET)
        store.put(TRANSACTION_ID, io.BytesIO(raw), size=reference.size, sha256=reference.sha256)
        S3Snapshots(clients.s3(), BUCKET).publish(compile_snapshot(StoredRows(), Snapshot()), NOTHING_PUBLISHED)
        yield made


@pytest.fixture
def load(aws: Installation, monkeypatch: pytest.MonkeyPatch) -> LoadHandler:
    """Loads a function's handler with the environment of the installation."""
    return lambda function: load_handler(function, aws.environment(), monkeypatch)
