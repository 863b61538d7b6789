"""The certificate and key for STARTTLS: a secret that its owner fills, read and reloaded by the front end."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, SecretValue
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.acknowledgements import acknowledge

EMPTY = {"certificate": "", "key": ""}


class TlsSecret(Construct):
    """A secret of the form `{"certificate": PEM chain, "key": PEM}`, empty until the owner puts them in."""

    def __init__(self, scope: Construct, construct_id: str, *, production: bool) -> None:
        super().__init__(scope, construct_id)
        self.secret = secrets.Secret(
            self,
            "Secret",
            description="Postern: certificate chain and private key for TLS, both PEM",
            secret_object_value={name: SecretValue.unsafe_plain_text(text) for name, text in EMPTY.items()},
            removal_policy=RemovalPolicy.RETAIN if production else RemovalPolicy.DESTROY,
        )
        acknowledge(
            self.secret,
            "AwsSolutions-SMG4",
            "Secrets Manager cannot make a certificate; whoever renews it puts the new one here.",
        )
