"""The bucket of raw messages, and the bucket that tells who read it."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledgements import acknowledge

INCOMING = "incoming/"
MAIL = "mail/"
QUARANTINE = "quarantine/"
POLICY = "policy/"
RULES = "rules/"
RULE_DATABASES = "rule-databases/"
MODELS = "learning/models/"
LESSONS = "learning/lessons/"
LESSON_UPLOADS = "learning/uploads/"

# A message is delivered within minutes; days are for a person to see why one was not.
INCOMING_DAYS = 14
# The quarantine's rows expire first (their days are policy); an object without a row only costs money.
QUARANTINE_DAYS = 90
# Uploaded mail is learnt within minutes; what could not be is tried again from the dead-letter queue.
UPLOAD_DAYS = 14
ACCESS_LOG_DAYS = 90
ABANDONED_UPLOAD_DAYS = 1


class MessageBucket(Construct):
    """Encrypted, TLS only, nothing public. What passes through expires; mail, policy and rules are kept."""

    def __init__(self, scope: Construct, construct_id: str, *, production: bool) -> None:
        super().__init__(scope, construct_id)
        removal = RemovalPolicy.RETAIN if production else RemovalPolicy.DESTROY
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=removal,
            server_access_logs_bucket=self._access_logs(removal),
            lifecycle_rules=[
                _expire(INCOMING, INCOMING_DAYS),
                _expire(QUARANTINE, QUARANTINE_DAYS),
                _expire(LESSON_UPLOADS, UPLOAD_DAYS),
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(ABANDONED_UPLOAD_DAYS)),
            ],
        )

        self._acknowledge_prefixes()

    def _acknowledge_prefixes(self) -> None:
        """Grants name a prefix of this bucket; whose grants, is told by the tests of each role."""
        arn = Stack.of(self).resolve(self.bucket.bucket_arn)
        name = ".".join(arn["Fn::GetAtt"])
        for prefix in (INCOMING, MAIL, QUARANTINE, POLICY, RULES, RULE_DATABASES, MODELS, LESSONS, LESSON_UPLOADS):
            acknowledge(
                Stack.of(self),
                f"AwsSolutions-IAM5[Resource::<{name}>/{prefix}*]",
                "An object's key holds the transaction's id; the narrowest grant there is names the prefix.",
            )

    def _access_logs(self, removal: RemovalPolicy) -> s3.Bucket:
        logs = s3.Bucket(
            self,
            "AccessLogs",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            removal_policy=removal,
            lifecycle_rules=[_expire("", ACCESS_LOG_DAYS)],
        )
        acknowledge(logs, "AwsSolutions-S1", "It holds the access logs; logging access to the logs would never end.")
        return logs


def _expire(prefix: str, days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(prefix=prefix or None, expiration=Duration.days(days))
