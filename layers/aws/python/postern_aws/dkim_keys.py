"""The keys that domains sign with: a secret for each domain, read now and then, written by the command line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from postern.dkim.key_set import KeySet, KeySetError, key_set_as_json, read_key_set
from postern.ports import Unavailable
from postern_aws.clients import error_code

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from postern.dkim.signing import SigningKey

PREFIX = "postern-dkim/"
"""How the names of these secrets begin; a domain's name follows."""

SECONDS_KEPT = 300
"""After a rotation the key before it signs for so long yet; its record stays published for days."""

MAX_DOMAINS_KEPT = 1_000
NOT_THERE = "ResourceNotFoundException"


@dataclass(frozen=True, slots=True)
class DkimSecrets:
    """The secrets themselves."""

    client: SecretsManagerClient

    def read(self, domain: str) -> KeySet:
        """The keys of a domain as they are now; none when it has no secret. Raises `Unavailable`."""
        try:
            text = self.client.get_secret_value(SecretId=f"{PREFIX}{domain}")["SecretString"]
            return read_key_set(domain, json.loads(text))
        except (BotoCoreError, ClientError) as trouble:
            if error_code(trouble) == NOT_THERE:
                return KeySet(domain)
            raise Unavailable(f"the DKIM keys of {domain} cannot be read") from trouble
        except (KeyError, ValueError) as wrong:
            reason = str(wrong) if isinstance(wrong, KeySetError) else f"the secret {PREFIX}{domain} is no JSON"
            raise Unavailable(reason) from wrong

    def write(self, keys: KeySet) -> None:
        """Put these keys in place of what there was. Raises `Unavailable`."""
        name, text = f"{PREFIX}{keys.domain}", json.dumps(key_set_as_json(keys), indent=2)
        try:
            try:
                self.client.put_secret_value(SecretId=name, SecretString=text)
            except ClientError as trouble:
                if error_code(trouble) != NOT_THERE:
                    raise
                about = f"Postern: keys with which mail of {keys.domain} is signed"
                self.client.create_secret(Name=name, Description=about, SecretString=text)
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable(f"the secret {name} cannot be written") from trouble

    def domains(self) -> Iterator[str]:
        """The domains that have a secret. Raises `Unavailable`."""
        try:
            for page in self.client.get_paginator("list_secrets").paginate(
                Filters=[{"Key": "name", "Values": [PREFIX]}]
            ):
                names = (one["Name"] for one in page["SecretList"])
                yield from (name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX))
        except (BotoCoreError, ClientError) as trouble:
            raise Unavailable("the secrets cannot be listed") from trouble


@dataclass(slots=True)
class SecretSigningKeys:
    """Signing keys, kept for minutes. Implements `ports.SigningKeys`."""

    secrets: DkimSecrets
    seconds: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, tuple[SigningKey, ...]]] = field(default_factory=dict, init=False)
    _reading: Lock = field(default_factory=Lock, init=False)

    def keys(self, domain: str) -> tuple[SigningKey, ...]:
        """The keys with which a domain signs now, at most `SECONDS_KEPT` old. Raises `Unavailable`."""
        with self._reading:
            read_at, known = self._known.get(domain, (float("-inf"), ()))
            if self.seconds() - read_at > SECONDS_KEPT:
                known = self._read(domain)
                if len(self._known) >= MAX_DOMAINS_KEPT:
                    self._known.clear()
                self._known[domain] = self.seconds(), known
            return known

    def _read(self, domain: str) -> tuple[SigningKey, ...]:
        try:
            return self.secrets.read(domain).signing()
        except KeySetError as wrong:
            raise Unavailable(str(wrong)) from wrong
