"""The AWS clients of this process: made when first asked for, shared by its threads, every call bounded in time."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

CONNECT_SECONDS = 2
POOL_CONNECTIONS = 32
FILTER_POOL_CONNECTIONS = 128
FILTER_READ_SECONDS = 55
"""Longer than the state machine's own limit of 50 s, so that we hear its answer."""

AWS_TROUBLE = (BotoCoreError, ClientError)
"""What a call to AWS raises when it did not do what was asked."""

_making = Lock()


def _client(service: str, *, read_seconds: int, attempts: int, connections: int = POOL_CONNECTIONS) -> Any:
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=connections,
    )
    make: Any = boto3.client
    with _making:  # sessions of botocore are not safe to make clients in several threads at once
        return make(service, config=config)


@cache
def dynamodb() -> DynamoDBClient:
    """DynamoDB answers in milliseconds or not at all."""
    client: DynamoDBClient = _client("dynamodb", read_seconds=4, attempts=3)
    return client


@cache
def s3() -> S3Client:
    """S3, for messages of up to 50 MiB."""
    client: S3Client = _client("s3", read_seconds=20, attempts=3)
    return client


@cache
def state_machine() -> SFNClient:
    """Step Functions, for StartSyncExecution only.

    botocore would send a call that timed out again, and so run the filter twice; hence a single attempt.
    """
    client: SFNClient = _client(
        "stepfunctions", read_seconds=FILTER_READ_SECONDS, attempts=1, connections=FILTER_POOL_CONNECTIONS
    )
    return client


@cache
def sns() -> SNSClient:
    """Notices."""
    client: SNSClient = _client("sns", read_seconds=5, attempts=3)
    return client


@cache
def sqs() -> SQSClient:
    """The queue that wakes the relay worker; the read timeout is above its long poll of 15 s."""
    client: SQSClient = _client("sqs", read_seconds=25, attempts=3)
    return client


@cache
def secrets() -> SecretsManagerClient:
    """Secrets Manager: keys, certificates and passwords for other servers."""
    client: SecretsManagerClient = _client("secretsmanager", read_seconds=5, attempts=3)
    return client


@cache
def ses() -> Any:
    """Amazon SES, as a way for outgoing mail; a message of 40 MB takes a while.

    botocore would send a call that timed out again, and the message might leave twice; hence a single attempt.
    """
    return _client("sesv2", read_seconds=60, attempts=1)


def error_code(trouble: Exception) -> str:
    """The service's word for what went wrong, e.g. `ThrottlingException`; empty when it gave no answer at all."""
    return str(trouble.response.get("Error", {}).get("Code", "")) if isinstance(trouble, ClientError) else ""


def http_status(trouble: Exception) -> int:
    """The HTTP status of the service's answer; 0 when it gave none."""
    if not isinstance(trouble, ClientError):
        return 0
    return int(trouble.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
