"""The function that lets a frozen account send again, its public address, and the key that signs the links to it."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.grants import allow, allow_updates, index_arn
from infra.postern_function import FunctionDefaults, FunctionShape, PosternFunction

THAW = FunctionShape(folder="thaw_account", description="Lets a frozen account send again", seconds=20)
KEY_LENGTH = 64


class ThawAccount(Construct):
    """`url` is where a link leads, `secret` the key that the front end signs with and the function reads."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        defaults: FunctionDefaults,
        tables: Mapping[str, dynamodb.Table],
        production: bool,
        concurrency: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.secret = self._key(production)
        deployed = PosternFunction(
            self,
            "Thaw",
            THAW,
            defaults=defaults,
            environment={
                "POSTERN_ACCOUNTS_TABLE": tables["AccountsTable"].table_name,
                "POSTERN_SCREENING_TABLE": tables["ScreeningTable"].table_name,
                "POSTERN_OUTBOX_TABLE": tables["OutboxTable"].table_name,
                "POSTERN_THAW_SECRET_ARN": self.secret.secret_arn,
            },
        )
        self.function = deployed.function
        _limit(self.function, concurrency)
        # Nobody has credentials of AWS in a browser: the link's signature is the authentication, and every request
        # without a good one costs a few milliseconds and reads nothing but the key, which is kept for minutes.
        self.url = self.function.add_function_url(auth_type=lambda_.FunctionUrlAuthType.NONE).url
        accounts, outbox = tables["AccountsTable"], tables["OutboxTable"]
        allow(deployed.role, ["dynamodb:GetItem"], accounts.table_arn)
        allow_updates(deployed.role, accounts, "address", "frozen_since", "frozen_reason")
        allow(deployed.role, ["dynamodb:DeleteItem"], tables["ScreeningTable"].table_arn)
        allow(deployed.role, ["dynamodb:BatchGetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"], outbox.table_arn)
        allow(deployed.role, ["dynamodb:Query"], index_arn(outbox, "due"))
        allow(deployed.role, ["secretsmanager:GetSecretValue"], self.secret.secret_arn)

    def _key(self, production: bool) -> secrets.Secret:
        secret = secrets.Secret(
            self,
            "Key",
            description="Postern: signs the links that let a frozen account send again",
            generate_secret_string=secrets.SecretStringGenerator(password_length=KEY_LENGTH, exclude_punctuation=True),
            removal_policy=RemovalPolicy.RETAIN if production else RemovalPolicy.DESTROY,
        )
        acknowledge(
            secret,
            "AwsSolutions-SMG4",
            "A new key ends every link that was sent; its owner changes it when that is wanted.",
        )
        return secret


def _limit(function: lambda_.Function, concurrency: int) -> None:
    """Reserve executions, which is also the most there can be: strangers must not use up those of the filter."""
    if concurrency:
        resource = function.node.default_child
        assert isinstance(resource, lambda_.CfnFunction)  # noqa: S101 - what every function is
        resource.reserved_concurrent_executions = concurrency
