"""The key that signs the links which thaw accounts: a secret that nothing else uses."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from postern_aws.certificates import read_secret

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECONDS_KEPT = 300
"""A key that was replaced is good for so long at most."""


@dataclass(slots=True)
class ThawKey:
    """The key, read now and then."""

    client: SecretsManagerClient
    secret_id: str
    _key: bytes = field(default=b"", init=False)
    _read_at: float = field(default=0.0, init=False)
    _reading: Lock = field(default_factory=Lock, init=False)

    def __call__(self) -> bytes:
        """The key, at most `SECONDS_KEPT` old. Raises `Unavailable`."""
        with self._reading:
            if not self._key or time.monotonic() - self._read_at > SECONDS_KEPT:
                self._key, self._read_at = read_secret(self.client, self.secret_id).encode(), time.monotonic()
            return self._key
