"""From the committed row to the mailbox: the stream's consumer, the relay's wake-up queue, the sweeper."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.dead_letters import DeadLetters
from infra.grants import allow, index_arn
from infra.message_bucket import INCOMING, LESSON_UPLOADS, MAIL, POLICY, QUARANTINE
from infra.postern_function import FunctionDefaults, FunctionShape, PosternFunction
from infra.schedule import run_every
from infra.stream_function import feed

# Stamping holds a message of 50 MiB several times.
MEMORY_MB = 512
DELIVER = FunctionShape(
    folder="deliver_message", description="Writes each recipient's copy", seconds=30, memory_mb=MEMORY_MB
)
SWEEP = FunctionShape(folder="sweep", description="Delivers again what is stuck", seconds=55, memory_mb=MEMORY_MB)
SWEEP_EVERY = Duration.minutes(1)


class Delivery(Construct):
    """Delivers what was committed, and again what is stuck; `wake_relay` tells the relay worker of new rows."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        defaults: FunctionDefaults,
        bucket: s3.Bucket,
        tables: Mapping[str, dynamodb.Table],
        notices: sns.Topic,
        hostname: str,
        learn_queue: sqs.Queue,
    ) -> None:
        super().__init__(scope, construct_id)
        self._learn_queue = learn_queue
        self._bucket, self._tables, self._notices, self._hostname = bucket, tables, notices, hostname
        self.wake_letters = DeadLetters(self, "WakeLetters")
        self.wake_relay = sqs.Queue(
            self,
            "WakeRelay",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.hours(1),
            visibility_timeout=Duration.seconds(30),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.wake_letters.queue, max_receive_count=5),
        )
        deliver = self._function("Deliver", DELIVER, defaults)
        self.letters = feed(deliver, [tables["OutboxTable"]], filters=[_NEW_DUE_ROWS])
        sweep = self._function("Sweep", SWEEP, defaults)
        run_every(self, SWEEP_EVERY, sweep.function, name="SweepSchedule")
        self.functions = {"deliver_message": deliver.function, "sweep": sweep.function}

    def _function(self, construct_id: str, shape: FunctionShape, defaults: FunctionDefaults) -> PosternFunction:
        deployed = PosternFunction(
            self,
            construct_id,
            shape,
            defaults=defaults,
            environment={
                "POSTERN_MESSAGE_BUCKET": self._bucket.bucket_name,
                "POSTERN_OUTBOX_TABLE": self._tables["OutboxTable"].table_name,
                "POSTERN_MAILBOXES_TABLE": self._tables["MailboxesTable"].table_name,
                "POSTERN_QUARANTINE_TABLE": self._tables["QuarantineTable"].table_name,
                "POSTERN_RECEIVED_REPORTS_TABLE": self._tables["ReceivedReportsTable"].table_name,
                "POSTERN_CORRESPONDENTS_TABLE": self._tables["CorrespondentsTable"].table_name,
                "POSTERN_RELAY_QUEUE_URL": self.wake_relay.queue_url,
                "POSTERN_LEARN_QUEUE_URL": self._learn_queue.queue_url,
                "POSTERN_NOTICE_TOPIC_ARN": self._notices.topic_arn,
                "POSTERN_HOSTNAME": self._hostname,
            },
        )
        self._grant(deployed.role)
        return deployed

    def _grant(self, role: iam.Role) -> None:
        outbox, mailboxes = self._tables["OutboxTable"], self._tables["MailboxesTable"]
        sources = [self._bucket.arn_for_objects(f"{prefix}*") for prefix in (INCOMING, POLICY)]
        allow(role, ["s3:GetObject"], *sources)
        copies = [self._bucket.arn_for_objects(f"{prefix}*") for prefix in (MAIL, QUARANTINE, LESSON_UPLOADS)]
        allow(role, ["s3:PutObject"], *copies)
        allow(role, ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], outbox.table_arn)
        allow(role, ["dynamodb:Query"], index_arn(outbox, "due"))
        allow(role, ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], mailboxes.table_arn)
        allow(role, ["dynamodb:PutItem"], self._tables["QuarantineTable"].table_arn)
        allow(role, ["dynamodb:PutItem"], self._tables["ReceivedReportsTable"].table_arn)
        allow(role, ["dynamodb:BatchWriteItem"], self._tables["CorrespondentsTable"].table_arn)
        allow(role, ["sqs:SendMessage"], self.wake_relay.queue_arn, self._learn_queue.queue_arn)
        allow(role, ["sns:Publish"], self._notices.topic_arn)


_NEW_DUE_ROWS = lambda_.FilterCriteria.filter(
    {
        "dynamodb": {
            "NewImage": {
                "queue": {"S": lambda_.FilterRule.is_equal("deliver")},
                "attempts": {"N": lambda_.FilterRule.not_exists()},
            }
        }
    }
)
"""Commits that nobody has tried to deliver yet. A row that failed changes too, but waits for the sweeper."""
