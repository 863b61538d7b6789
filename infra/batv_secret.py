"""The keys of bounce address tags: a secret that `postern backscatter rotate` fills."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, SecretValue
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.acknowledgements import acknowledge

EMPTY = '{"keys": []}'


class BatvSecret(Construct):
    """A secret of the form that `postern.backscatter.keys` reads, without keys until the first rotation."""

    def __init__(self, scope: Construct, construct_id: str, *, production: bool) -> None:
        super().__init__(scope, construct_id)
        self.secret = secrets.Secret(
            self,
            "Secret",
            description="Postern: keys of bounce address tags",
            secret_string_value=SecretValue.unsafe_plain_text(EMPTY),
            removal_policy=RemovalPolicy.RETAIN if production else RemovalPolicy.DESTROY,
        )
        acknowledge(
            self.secret,
            "AwsSolutions-SMG4",
            "Keys overlap by seven days, which Secrets Manager's own rotation cannot do; a command rotates them.",
        )
