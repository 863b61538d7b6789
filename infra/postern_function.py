"""A Lambda of ours: its code, its role, its log group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.layers import ARCHITECTURE, RUNTIME, FunctionLayers
from infra.source_tree import FUNCTIONS, NOT_DEPLOYED

MAX_DESCRIPTION = 256


@dataclass(frozen=True, slots=True)
class FunctionDefaults:
    """What all functions of a deployment have in common."""

    layers: FunctionLayers
    retention: logs.RetentionDays


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionShape:
    """One of `functions/` and its size; `packages` names layers beside the core (see `layers/vendor/build.py`)."""

    folder: str
    description: str
    seconds: int
    memory_mb: int = 256
    packages: tuple[str, ...] = ()


class PosternFunction(Construct):
    """A deployed function. Its role may do nothing but write its own log; callers grant the rest."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        shape: FunctionShape,
        *,
        defaults: FunctionDefaults,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log = logs.LogGroup(self, "Log", retention=defaults.retention, removal_policy=RemovalPolicy.DESTROY)
        log.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            description=shape.description[:MAX_DESCRIPTION],
            code=lambda_.Code.from_asset(str(FUNCTIONS / shape.folder), exclude=NOT_DEPLOYED),
            handler="handler.handler",
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            memory_size=shape.memory_mb,
            timeout=Duration.seconds(shape.seconds),
            role=self.role,
            log_group=log,
            # START, END and REPORT of every invocation would cost more than what the function itself says.
            logging_format=lambda_.LoggingFormat.JSON,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            layers=defaults.layers.with_packages(shape.packages),
            environment={"POWERTOOLS_SERVICE_NAME": shape.folder, **(environment or {})},
        )
        acknowledge(
            self.function, "AwsSolutions-L1", "The vendored wheels and the tests are for 3.13; all change together."
        )
