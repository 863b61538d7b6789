"""Secrets: the certificate for TLS, and passwords for relay targets, from Secrets Manager."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from postern.ports import KeyMaterial, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True, slots=True)
class SecretCertificate:
    """A secret that is JSON with `certificate` (with its chain) and `key`, both PEM.

    Implements `ports.CertificateSource`.
    """

    client: SecretsManagerClient
    secret_id: str

    def read(self) -> KeyMaterial:
        """The current certificate and key. Raises `Unavailable`."""
        try:
            stored: Any = json.loads(read_secret(self.client, self.secret_id))
            material = KeyMaterial(stored["certificate"].encode("ascii"), stored["key"].encode("ascii"))
        except (ValueError, TypeError, KeyError, AttributeError) as wrong:
            raise Unavailable("the secret of the certificate needs certificate and key as PEM") from wrong
        if not material.certificate_chain or not material.private_key:
            raise Unavailable("no certificate has been put into its secret yet")
        return material


def read_secret(client: SecretsManagerClient, secret_id: str) -> str:
    """The text of a secret. Raises `Unavailable`."""
    try:
        return client.get_secret_value(SecretId=secret_id)["SecretString"]
    except (BotoCoreError, ClientError, KeyError) as trouble:
        raise Unavailable(f"the secret {secret_id} cannot be read") from trouble


def read_password(client: SecretsManagerClient, secret_id: str) -> str:
    """A password: the whole secret, or `password` of a secret that is JSON. Raises `Unavailable`."""
    text = read_secret(client, secret_id)
    try:
        stored = json.loads(text)
    except ValueError:
        return text
    return str(stored["password"]) if isinstance(stored, dict) and "password" in stored else text
