"""AWS in this process: moto with the tables, bucket, topic and queue of an installation, for tests of the adapters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from threading import RLock
from typing import Any, Literal

import boto3
import pytest
from moto import mock_aws
from moto.dynamodb.responses import DynamoHandler
from moto.s3.responses import S3Response

from postern_aws import clients

REGION: Literal["eu-central-1"] = "eu-central-1"
BUCKET = "postern-messages"
HOSTNAME = "mx.example.com"
KEYS = {
    "Policy": ("scope", "section"),
    "Domains": ("domain",),
    "Accounts": ("address",),
    "Aliases": ("address",),
    "SenderLists": ("scope", "entry"),
    "Outbox": ("id", "part"),
    "Receipts": ("transaction_id",),
    "Quarantine": ("mailbox", "item"),
    "Mailboxes": ("mailbox", "item"),
    "Greylist": ("triplet",),
    "DmarcReports": ("day", "row"),
    "ReceivedReports": ("report_domain", "report"),
    "Screening": ("subject", "counter"),
    "Correspondents": ("mailbox", "address"),
    "SentMessages": ("message_id",),
    "BayesTokens": ("scope", "entry"),
}
INDEXES = {
    "Outbox": ("due", (("queue", "S"), ("next_attempt", "N"))),
    "Receipts": ("by_domain", (("recipient_domain", "S"), ("received_at", "S"))),
}


@dataclass(frozen=True, slots=True)
class Installation:
    """What was made, and the environment of a function that may use all of it."""

    topic_arn: str
    security_topic_arn: str
    notices_url: str
    relay_queue_url: str
    secret_arn: str
    batv_secret_arn: str
    thaw_secret_arn: str

    def environment(self) -> dict[str, str]:
        """Every variable that any deployable may have."""
        tables = {f"POSTERN_{_screaming(name)}_TABLE": name for name in KEYS}
        return {
            **tables,
            "POSTERN_MESSAGE_BUCKET": BUCKET,
            "POSTERN_NOTICE_TOPIC_ARN": self.topic_arn,
            "POSTERN_SECURITY_TOPIC_ARN": self.security_topic_arn,
            "POSTERN_RELAY_QUEUE_URL": self.relay_queue_url,
            "POSTERN_TLS_SECRET_ARN": self.secret_arn,
            "POSTERN_BATV_SECRET_ARN": self.batv_secret_arn,
            "POSTERN_THAW_SECRET_ARN": self.thaw_secret_arn,
            "POSTERN_THAW_URL": "https://thaw.lambda-url.example/",
            "POSTERN_HOSTNAME": HOSTNAME,
            "POSTERN_STATE_MACHINE_ARN": f"arn:aws:states:{REGION}:123456789012:stateMachine:filter",
            "POSTERN_OUTBOUND_STATE_MACHINE_ARN": f"arn:aws:states:{REGION}:123456789012:stateMachine:outgoing",
            "POSTERN_LOG_LEVEL": "CRITICAL",
        }

    def notices(self) -> list[dict[str, Any]]:
        """The notices published since the last call."""
        answer = clients.sqs().receive_message(QueueUrl=self.notices_url, MaxNumberOfMessages=10)
        found = []
        for message in answer.get("Messages", ()):
            found.append(json.loads(message["Body"]))
            clients.sqs().delete_message(QueueUrl=self.notices_url, ReceiptHandle=message["ReceiptHandle"])
        return found


@contextmanager
def installation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A fresh installation for the time of the block."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_DISABLE_HOST_PREFIX_INJECTION", "true")
    _one_at_a_time(monkeypatch, DynamoHandler, "call_action")
    _one_at_a_time(monkeypatch, S3Response, "put_object")
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        for name, keys in KEYS.items():
            _create_table(name, keys)
        clients.s3().create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield _installation()


def _one_at_a_time(monkeypatch: pytest.MonkeyPatch, handler: type, name: str) -> None:
    """AWS makes each call atomic; moto, in one process with the threads that call it, needs a lock for that."""
    lock, call = RLock(), getattr(handler, name)

    @wraps(call)
    def locked(*arguments: Any, **options: Any) -> Any:
        with lock:
            return call(*arguments, **options)

    monkeypatch.setattr(handler, name, locked)


def _installation() -> Installation:
    topic = clients.sns().create_topic(Name="notices")["TopicArn"]
    notices = clients.sqs().create_queue(QueueName="notices")["QueueUrl"]
    arn = clients.sqs().get_queue_attributes(QueueUrl=notices, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    security = clients.sns().create_topic(Name="security")["TopicArn"]
    for one in (topic, security):
        clients.sns().subscribe(TopicArn=one, Protocol="sqs", Endpoint=arn)
    relay = clients.sqs().create_queue(QueueName="relay")["QueueUrl"]
    secret = clients.secrets().create_secret(Name="tls", SecretString='{"certificate": "", "key": ""}')["ARN"]
    batv = clients.secrets().create_secret(Name="batv", SecretString='{"keys": []}')["ARN"]
    thaw = clients.secrets().create_secret(Name="thaw", SecretString="a key of its own")["ARN"]
    return Installation(topic, security, notices, relay, secret, batv, thaw)


def _create_table(name: str, keys: tuple[str, ...]) -> None:
    index, attributes = INDEXES.get(name, ("", ()))
    types = {**dict.fromkeys(keys, "S"), **dict(attributes)}
    optional: Any = {}
    if index:
        schema = _schema(tuple(attribute for attribute, _ in attributes))
        optional["GlobalSecondaryIndexes"] = [
            {"IndexName": index, "KeySchema": schema, "Projection": {"ProjectionType": "KEYS_ONLY"}}
        ]
    boto3.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in types.items()],  # type: ignore[typeddict-item]
        KeySchema=_schema(keys),
        **optional,
    )


def _schema(keys: tuple[str, ...]) -> Any:
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]


def _screaming(name: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() and at else letter for at, letter in enumerate(name)).upper()
