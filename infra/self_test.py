"""The daily self-test: synthetic mail through the filter, so that a dead defence is noticed before an attack is."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.grants import allow
from infra.message_bucket import INCOMING, POLICY
from infra.postern_function import FunctionDefaults, FunctionShape, PosternFunction

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
        target = targets.LambdaFunction(self.function, retry_attempts=0)
        events.Rule(self, "Schedule", schedule=events.Schedule.rate(EVERY), targets=[target])
