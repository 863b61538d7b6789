"""Grants, written out: the actions a role may take and on what, so that a reader and a test see each one."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam


def allow(role: iam.IRole, actions: Sequence[str], *resources: str) -> None:
    """Let a role take these actions on these resources."""
    role.add_to_principal_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources)))


def allow_updates(role: iam.IRole, table: dynamodb.Table, *attributes: str) -> None:
    """Let a role update these attributes of a table's rows, read no others by it, and get none of them back."""
    role.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["dynamodb:UpdateItem"],
            resources=[table.table_arn],
            conditions={
                "ForAllValues:StringEquals": {"dynamodb:Attributes": list(attributes)},
                "StringEqualsIfExists": {"dynamodb:ReturnValues": "NONE"},
            },
        )
    )


def index_arn(table: dynamodb.Table, name: str) -> str:
    """The ARN of a table's index, which a query of the index needs beside the table's."""
    return f"{table.table_arn}/index/{name}"
