"""Compiles policy: every change of the policy tables becomes a new validated snapshot in the bucket."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.grants import allow
from infra.message_bucket import POLICY
from infra.postern_function import FunctionDefaults, FunctionShape, PosternFunction
from infra.stream_function import feed

COMPILE = FunctionShape(
    folder="compile_policy", description="Validates and compiles policy, domains and lists", seconds=60, memory_mb=512
)
# People save several rows in a row; one snapshot for all of them is enough.
GATHER = Duration.seconds(2)
SOURCES = ("PolicyTable", "DomainsTable", "SenderListsTable")


class PolicyCompiler(Construct):
    """The compile function, fed by the streams of the tables it reads."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        defaults: FunctionDefaults,
        bucket: s3.Bucket,
        tables: Mapping[str, dynamodb.Table],
        notices: sns.Topic,
    ) -> None:
        super().__init__(scope, construct_id)
        sources = [tables[name] for name in SOURCES]
        compiler = PosternFunction(
            self,
            "Compile",
            COMPILE,
            defaults=defaults,
            environment={
                "POSTERN_MESSAGE_BUCKET": bucket.bucket_name,
                "POSTERN_POLICY_TABLE": tables["PolicyTable"].table_name,
                "POSTERN_DOMAINS_TABLE": tables["DomainsTable"].table_name,
                "POSTERN_SENDER_LISTS_TABLE": tables["SenderListsTable"].table_name,
                "POSTERN_NOTICE_TOPIC_ARN": notices.topic_arn,
            },
        )
        self.function = compiler.function
        allow(compiler.role, ["dynamodb:Scan"], *(table.table_arn for table in sources))
        allow(compiler.role, ["s3:GetObject", "s3:PutObject"], bucket.arn_for_objects(f"{POLICY}*"))
        # Without it S3 answers 403, not 404, for the snapshot that does not exist before the first compilation.
        allow(compiler.role, ["s3:ListBucket"], bucket.bucket_arn)
        allow(compiler.role, ["sns:Publish"], notices.topic_arn)
        self.letters = feed(compiler, sources, gather=GATHER)
