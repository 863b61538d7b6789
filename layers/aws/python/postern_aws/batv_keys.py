"""The keys of bounce address tags, in one secret: read now and then, written when they rotate."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from postern.backscatter.keys import KeyRing, KeyRingError, read_ring, ring_as_json
from postern.ports import Unavailable
from postern_aws.certificates import read_secret

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECONDS_KEPT = 300
"""A new key signs at once elsewhere; what it signed needs longer than this to come back."""


@dataclass(slots=True)
class SecretKeyRing:
    """The secret with the keys. Implements `ports.BatvKeys`."""

    client: SecretsManagerClient
    secret_id: str
    _ring: KeyRing | None = field(default=None, init=False)
    _read_at: float = field(default=0.0, init=False)
    _reading: Lock = field(default_factory=Lock, init=False)

    def ring(self) -> KeyRing:
        """The keys, at most `SECONDS_KEPT` old. Raises `Unavailable`."""
        with self._reading:
            if self._ring is None or time.monotonic() - self._read_at > SECONDS_KEPT:
                self._ring, self._read_at = self.read(), time.monotonic()
            return self._ring

    def read(self) -> KeyRing:
        """The keys as they are now. Raises `Unavailable`."""
        try:
            return read_ring(json.loads(read_secret(self.client, self.secret_id)))
        except ValueError as wrong:
            raise Unavailable(str(wrong) if isinstance(wrong, KeyRingError) else "the secret is no JSON") from wrong

    def write(self, ring: KeyRing) -> None:
        """Put other keys in their place. Raises `Unavailable`."""
        try:
            self.client.put_secret_value(SecretId=self.secret_id, SecretString=json.dumps(ring_as_json(ring)))
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable(f"the secret {self.secret_id} cannot be written") from trouble
