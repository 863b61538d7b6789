"""A Lambda fed by the changes of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources

from infra.acknowledgements import acknowledge
from infra.dead_letters import DeadLetters
from infra.postern_function import PosternFunction

BATCH_SIZE = 10
RETRIES = 3
MAX_RECORD_AGE = Duration.hours(1)


def feed(
    to: PosternFunction,
    tables: Sequence[dynamodb.Table],
    *,
    filters: Sequence[Mapping[str, Any]] = (),
    gather: Duration | None = None,
) -> DeadLetters:
    """Call the function with each table's changes that pass one of `filters`; what fails for good goes to the result.

    The stream is only the quick way: every table's rows are looked at again by a schedule.
    """
    letters = DeadLetters(to, "Letters")
    for table in tables:
        to.function.add_event_source(
            sources.DynamoEventSource(
                table,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=BATCH_SIZE,
                max_batching_window=gather,
                report_batch_item_failures=True,
                bisect_batch_on_error=True,
                retry_attempts=RETRIES,
                max_record_age=MAX_RECORD_AGE,
                on_failure=sources.SqsDlq(letters.queue),
                filters=list(filters) or None,
            )
        )
    acknowledge(to.role, "AwsSolutions-IAM5[Resource::*]", "dynamodb:ListStreams knows no resources.")
    return letters
