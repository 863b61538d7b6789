"""Learning: the queue of what is taught, and the function that learns it and makes the model that scans read."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.dead_letters import DeadLetters
from infra.grants import allow
from infra.message_bucket import INCOMING, LESSON_UPLOADS, LESSONS, MAIL, MODELS, POLICY, QUARANTINE
from infra.postern_function import FunctionDefaults, FunctionShape, PosternFunction
from infra.schedule import run_every

# Training on 10,000 messages takes about a minute, and 600 MB.
LEARN = FunctionShape(
    folder="learn",
    description="Learns what is spam and what is not",
    seconds=600,
    memory_mb=1769,
    packages=("scan",),
)
BATCH_SIZE = 10
GATHER = Duration.seconds(20)
# The least that Lambda takes. Learners cannot lose each other's work; more of them would only wait for each other.
LEARNERS = 2
TRIES = 5
EVERY = Duration.hours(1)


class Learning(Construct):
    """The learn queue and its function; `letters` holds requests that could not be done."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        defaults: FunctionDefaults,
        bucket: s3.Bucket,
        tokens: dynamodb.Table,
        notices: sns.Topic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._bucket, self._tokens, self._notices = bucket, tokens, notices
        self.letters = DeadLetters(self, "Letters")
        self.queue = sqs.Queue(
            self,
            "Requests",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(4),
            visibility_timeout=Duration.seconds(6 * LEARN.seconds),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.letters.queue, max_receive_count=TRIES),
        )
        learn = PosternFunction(
            self,
            "Learn",
            LEARN,
            defaults=defaults,
            environment={
                "POSTERN_MESSAGE_BUCKET": bucket.bucket_name,
                "POSTERN_BAYES_TOKENS_TABLE": tokens.table_name,
                "POSTERN_NOTICE_TOPIC_ARN": notices.topic_arn,
            },
        )
        self.function = learn.function
        self._grant(learn.role)
        self._feed()

    def _feed(self) -> None:
        """Requests, gathered for a while; and a call every hour for the few that wait."""
        self.function.add_event_source(
            sources.SqsEventSource(
                self.queue,
                batch_size=BATCH_SIZE,
                max_batching_window=GATHER,
                report_batch_item_failures=True,
                max_concurrency=LEARNERS,
            )
        )
        run_every(self, EVERY, self.function)

    def _grant(self, role: iam.Role) -> None:
        readable = (INCOMING, MAIL, QUARANTINE, LESSON_UPLOADS, POLICY)
        allow(role, ["s3:GetObject"], *(self._bucket.arn_for_objects(f"{prefix}*") for prefix in readable))
        kept = [self._bucket.arn_for_objects(f"{prefix}*") for prefix in (MODELS, LESSONS)]
        allow(role, ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], *kept)
        # To list snapshots; and without it S3 answers 403, not 404, for a message that is gone.
        allow(role, ["s3:ListBucket"], self._bucket.bucket_arn)
        items = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"]
        allow(role, [f"dynamodb:{action}" for action in items], self._tokens.table_arn)
        allow(role, ["sns:Publish"], self._notices.topic_arn)
