"""Buckets, tables, queues, topics and secrets: encrypted, private, and gone when they should be."""

from __future__ import annotations

import json

import pytest

from infra.tables import POLICY_TABLES, STATE_TABLES
from postern.backscatter.keys import KeyRing, read_ring
from tests.infra.template import Resource, Template

BUCKET = "AWS::S3::Bucket"
TABLE = "AWS::DynamoDB::Table"
STREAMED = {"PolicyTable", "DomainsTable", "SenderListsTable", "OutboxTable"}


def policy_of(template: Template, kind: str, key: str, name: str) -> list[Resource]:
    found = [one for one in template.all(kind).values() if f"${{{name}}}" in one[key]]
    return [statement for one in found for statement in one["PolicyDocument"]["Statement"]]


def refuses_plain_text(statements: list[Resource]) -> bool:
    return any(
        one["Effect"] == "Deny" and one.get("Condition", {}).get("Bool") == {"aws:SecureTransport": "false"}
        for one in statements
    )


def table(template: Template, name: str) -> tuple[str, Resource]:
    return next((one, properties) for one, properties in template.all(TABLE).items() if name in one)


def test_buckets_are_encrypted_private_and_reached_by_tls_only(template: Template) -> None:
    buckets = template.all(BUCKET)
    assert len(buckets) == 2
    for name, bucket in buckets.items():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        statements = policy_of(template, "AWS::S3::BucketPolicy", "Bucket", name)
        assert refuses_plain_text(statements)


def test_what_passes_through_the_bucket_expires_and_mail_does_not(template: Template) -> None:
    rules = template.named(BUCKET, "MessagesBucket")["LifecycleConfiguration"]["Rules"]
    days = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}
    assert days == {"incoming/": 14, "quarantine/": 90, "learning/uploads/": 14}
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)


@pytest.mark.parametrize("name", [*POLICY_TABLES, *STATE_TABLES])
def test_a_table_costs_by_use_can_be_restored_and_lets_rows_expire(template: Template, name: str) -> None:
    _, properties = table(template, name)
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    keys = {**POLICY_TABLES, **STATE_TABLES}[name]
    assert [key["AttributeName"] for key in properties["KeySchema"]] == [
        key for key in (keys.partition, keys.sort) if key
    ]
    assert ("StreamSpecification" in properties) is (name in STREAMED)


@pytest.mark.parametrize("name", [*POLICY_TABLES, *STATE_TABLES])
def test_in_production_a_table_outlives_its_stack(production: Template, template: Template, name: str) -> None:
    logical_id, properties = table(production, name)
    assert properties["DeletionProtectionEnabled"] is True
    assert production.whole(logical_id)["DeletionPolicy"] == "Retain"
    assert table(template, name)[1]["DeletionProtectionEnabled"] is False


def test_in_production_buckets_and_secret_outlive_their_stack(production: Template) -> None:
    for kind in (BUCKET, "AWS::SecretsManager::Secret"):
        assert {production.whole(name)["DeletionPolicy"] for name in production.all(kind)} == {"Retain"}


def test_due_rows_are_found_by_a_sparse_index_of_keys(template: Template) -> None:
    (index,) = table(template, "OutboxTable")[1]["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "due"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["queue", "next_attempt"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_receipts_are_found_by_domain_and_time(template: Template) -> None:
    (index,) = table(template, "ReceiptsTable")[1]["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "by_domain"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["recipient_domain", "received_at"]


def test_queues_are_encrypted_and_reached_by_tls_only(template: Template) -> None:
    for name, queue in template.all("AWS::SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] is True
        assert refuses_plain_text(policy_of(template, "AWS::SQS::QueuePolicy", "Queues", name))


def test_only_dead_letter_queues_have_none_themselves(template: Template) -> None:
    without = [name for name, queue in template.all("AWS::SQS::Queue").items() if "RedrivePolicy" not in queue]
    assert without
    assert all("Letters" in name for name in without)


def test_topics_tell_whom_the_context_names_and_take_alarms_only_of_this_account(template: Template) -> None:
    subscribed = {one["Endpoint"]: one["Protocol"] for one in template.all("AWS::SNS::Subscription").values()}
    assert subscribed == {"postmaster@example.com": "email", "security@example.com": "email"}
    for name in template.all("AWS::SNS::Topic"):
        statements = policy_of(template, "AWS::SNS::TopicPolicy", "Topics", name)
        assert refuses_plain_text(statements)
        (alarms,) = [one for one in statements if one.get("Principal") == {"Service": "cloudwatch.amazonaws.com"}]
        assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"}}


def test_the_certificate_is_a_secret_of_the_form_that_the_front_end_reads(template: Template) -> None:
    assert template.named("AWS::SecretsManager::Secret", "Tls")["SecretString"] == '{"certificate":"","key":""}'


def test_the_keys_of_bounce_tags_are_a_secret_of_the_form_that_the_check_reads(template: Template) -> None:
    assert read_ring(json.loads(template.named("AWS::SecretsManager::Secret", "Batv")["SecretString"])) == KeyRing()
