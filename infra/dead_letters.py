"""A queue for what could not be handled: kept two weeks, and an alarm tells as soon as it holds anything."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.acknowledgements import acknowledge

RETENTION = Duration.days(14)


class DeadLetters(Construct):
    """A dead-letter queue."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.queue = sqs.Queue(
            self, "Queue", encryption=sqs.QueueEncryption.SQS_MANAGED, enforce_ssl=True, retention_period=RETENTION
        )
        acknowledge(self.queue, "AwsSolutions-SQS3", "It is a dead-letter queue itself.")
