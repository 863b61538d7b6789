"""Keeps the rules up to date: fetches the channel that policy names, and puts rule files in force as they are."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.grants import allow
from infra.message_bucket import POLICY, RULE_DATABASES, RULES
from infra.postern_function import FunctionDefaults, FunctionShape, PosternFunction
from infra.schedule import run_every

# Compiling a stock set takes some seconds of a whole processor, making its database half a minute.
UPDATE = FunctionShape(
    folder="update_rules",
    description="Fetches stock rules and puts rule files in force",
    seconds=300,
    memory_mb=1769,
    packages=("scan",),
)
EVERY = Duration.hours(12)


class RuleUpdates(Construct):
    """The update function and its schedule."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        defaults: FunctionDefaults,
        bucket: s3.Bucket,
        notices: sns.Topic,
    ) -> None:
        super().__init__(scope, construct_id)
        environment = {"POSTERN_MESSAGE_BUCKET": bucket.bucket_name, "POSTERN_NOTICE_TOPIC_ARN": notices.topic_arn}
        deployed = PosternFunction(self, "Update", UPDATE, defaults=defaults, environment=environment)
        self.function = deployed.function
        allow(deployed.role, ["s3:GetObject", "s3:PutObject"], bucket.arn_for_objects(f"{RULES}*"))
        databases = bucket.arn_for_objects(f"{RULE_DATABASES}*")
        allow(deployed.role, ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], databases)
        allow(deployed.role, ["s3:GetObject"], bucket.arn_for_objects(f"{POLICY}*"))
        allow(deployed.role, ["s3:ListBucket"], bucket.bucket_arn)
        allow(deployed.role, ["sns:Publish"], notices.topic_arn)
        run_every(self, EVERY, self.function)
