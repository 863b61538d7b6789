"""The daily self-test: synthetic mail through the filter, so that a dead defence is noticed before an attack is."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.grants import allow
from infra.message_bucket import INCOMING, POLICY
from infra.postern_function import FunctionDefaults, FunctionShape, PosternFunction
from infra.schedule import run_every
from postern.dnsbl.switching import SWITCHED
from postern.policy_book import GLOBAL_SCOPE

SELF_TEST = FunctionShape(
    folder="self_test", description="Sends synthetic mail through the filter", seconds=180, memory_mb=512
)
EVERY = Duration.days(1)


class SelfTest(Construct):
    """The self-test function and its schedule."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        defaults: FunctionDefaults,
        bucket: s3.Bucket,
        policy_table: dynamodb.Table,
        machine: sfn.StateMachine,
        notices: sns.Topic,
        hostname: str,
    ) -> None:
        super().__init__(scope, construct_id)
        deployed = PosternFunction(
            self,
            "SelfTest",
            SELF_TEST,
            defaults=defaults,
            environment={
                "POSTERN_MESSAGE_BUCKET": bucket.bucket_name,
                "POSTERN_POLICY_TABLE": policy_table.table_name,
                "POSTERN_STATE_MACHINE_ARN": machine.state_machine_arn,
                "POSTERN_NOTICE_TOPIC_ARN": notices.topic_arn,
                "POSTERN_HOSTNAME": hostname,
            },
        )
        self.function = deployed.function
        allow(deployed.role, ["s3:PutObject"], bucket.arn_for_objects(f"{INCOMING}*"))
        allow(deployed.role, ["s3:GetObject"], bucket.arn_for_objects(f"{POLICY}*"))
        allow(deployed.role, ["states:StartSyncExecution"], machine.state_machine_arn)
        allow(deployed.role, ["sns:Publish"], notices.topic_arn)
        deployed.role.add_to_principal_policy(_switch_lists(policy_table))
        run_every(self, EVERY, self.function)


def _switch_lists(policy_table: dynamodb.Table) -> iam.PolicyStatement:
    """Nothing of policy but this one attribute, which belongs to the self-test."""
    only = {
        "dynamodb:LeadingKeys": [GLOBAL_SCOPE],
        "dynamodb:Attributes": ["scope", "section", SWITCHED],
    }
    return iam.PolicyStatement(
        actions=["dynamodb:GetItem", "dynamodb:UpdateItem"],
        resources=[policy_table.table_arn],
        conditions={
            "ForAllValues:StringEquals": only,
            "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES", "dynamodb:ReturnValues": "NONE"},
        },
    )
