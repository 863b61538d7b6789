"""A state machine that decides, from the catalogue, and the log of its failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.acknowledgements import acknowledge
from postern.contract import CheckSpec
from postern.workflow import MACHINE_SECONDS, SIGN_FUNCTION, Packing, definition, stage_name


class FilterWorkflow(Construct):
    """`machine` decides about one message per execution, with those of `functions` that the stages and packing name.

    A machine that `signs` is the one of outgoing mail.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stages: Sequence[Sequence[CheckSpec]],
        packing: Packing,
        functions: Mapping[str, lambda_.Function],
        retention: logs.RetentionDays,
        signs: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        called = {name: functions[name] for name in _called(stages, packing, signs=signs)}
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        arns = {name: function.function_arn for name, function in called.items()}
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_type=sfn.StateMachineType.EXPRESS,
            definition_body=sfn.DefinitionBody.from_string(
                Stack.of(self).to_json_string(definition(stages, packing, arns, signs=signs))
            ),
            timeout=Duration.seconds(MACHINE_SECONDS),
            role=role,
            logs=sfn.LogOptions(
                destination=self._log(retention), level=sfn.LogLevel.ERROR, include_execution_data=False
            ),
            tracing_enabled=False,
        )
        for function in called.values():
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


def _called(stages: Sequence[Sequence[CheckSpec]], packing: Packing, *, signs: bool) -> list[str]:
    """The names of the functions that the definition asks for."""
    packed = packing is Packing.STAGE
    checks = [spec.check_id for stage in stages for spec in stage]
    names = [stage_name(number) for number, _ in enumerate(stages, 1)] if packed else checks
    return [*names, "decide", *([SIGN_FUNCTION] if signs else [])]
