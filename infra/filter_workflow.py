"""The state machine that decides, from the catalogue; its Lambdas and the log of its failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.postern_function import FunctionDefaults, FunctionShape, PosternFunction
from postern.contract import CheckSpec
from postern.workflow import DECIDE_SECONDS, MACHINE_SECONDS, Packing, definition

DECIDE = FunctionShape(
    folder="decide",
    description="Decides what becomes of each recipient's copy",
    seconds=DECIDE_SECONDS,
    memory_mb=512,
)


class FilterWorkflow(Construct):
    """`machine` decides about one message per execution; `functions` are what it calls, by name."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stages: Sequence[Sequence[CheckSpec]],
        packing: Packing,
        checks: Mapping[str, lambda_.Function],
        defaults: FunctionDefaults,
    ) -> None:
        super().__init__(scope, construct_id)
        decide = PosternFunction(self, "Decide", DECIDE, defaults=defaults)
        self.functions = {**checks, "decide": decide.function}
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        arns = {name: function.function_arn for name, function in self.functions.items()}
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_type=sfn.StateMachineType.EXPRESS,
            definition_body=sfn.DefinitionBody.from_string(
                Stack.of(self).to_json_string(definition(stages, packing, arns))
            ),
            timeout=Duration.seconds(MACHINE_SECONDS),
            role=role,
            logs=sfn.LogOptions(
                destination=self._log(defaults.retention), level=sfn.LogLevel.ERROR, include_execution_data=False
            ),
            tracing_enabled=False,
        )
        for function in self.functions.values():
            role.add_to_policy(
                iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn])
            )
        self._acknowledge(role)

    def _log(self, retention: logs.RetentionDays) -> logs.LogGroup:
        return logs.LogGroup(self, "Log", retention=retention, removal_policy=RemovalPolicy.DESTROY)

    def _acknowledge(self, role: iam.Role) -> None:
        acknowledge(
            self.machine,
            "AwsSolutions-SF1",
            "Errors are logged. ALL events would cost some $5 per million messages, and hold their data.",
        )
        acknowledge(
            self.machine,
            "AwsSolutions-SF2",
            "X-Ray would cost $5 per million messages; every check's time is in the receipt.",
        )
        acknowledge(
            role,
            "AwsSolutions-IAM5[Resource::*]",
            "CloudWatch's log delivery actions, which the machine needs for its log, know no resources.",
        )
