"""The tables, each as people find it in the console: keys and attributes are words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

EXPIRES_AT = "expires_at"


@dataclass(frozen=True, slots=True)
class TableKeys:
    """The names of a table's text keys, and whether its changes are streamed."""

    partition: str
    sort: str | None = None
    streamed: bool = False


POLICY_TABLES: Mapping[str, TableKeys] = {
    "PolicyTable": TableKeys("scope", "section", streamed=True),
    "DomainsTable": TableKeys("domain", streamed=True),
    "SenderListsTable": TableKeys("scope", "entry", streamed=True),
    "AccountsTable": TableKeys("address"),
    "AliasesTable": TableKeys("address"),
}
"""What people write: settings, domains, lists, accounts."""

STATE_TABLES: Mapping[str, TableKeys] = {
    "OutboxTable": TableKeys("id", "part", streamed=True),
    "ReceiptsTable": TableKeys("transaction_id"),
    "QuarantineTable": TableKeys("mailbox", "item"),
    "MailboxesTable": TableKeys("mailbox", "item"),
    "GreylistTable": TableKeys("triplet"),
    "DmarcReportsTable": TableKeys("day", "row"),
    "ReceivedReportsTable": TableKeys("report_domain", "report"),
    "ScreeningTable": TableKeys("subject", "counter"),
    "CorrespondentsTable": TableKeys("mailbox", "address"),
    "SentMessagesTable": TableKeys("message_id"),
    "BayesTokensTable": TableKeys("scope", "entry"),
}
"""What the service writes: what was accepted, why, and where it is now."""


class Tables(Construct):
    """A group of tables. `by_name` maps each name, which is also its output's, to the table."""

    def __init__(self, scope: Construct, construct_id: str, *, keys: Mapping[str, TableKeys], production: bool) -> None:
        super().__init__(scope, construct_id)
        self.by_name = {name: self._table(name, its_keys, production) for name, its_keys in keys.items()}

    def _table(self, name: str, keys: TableKeys, production: bool) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            name,
            partition_key=_text(keys.partition),
            sort_key=_text(keys.sort) if keys.sort else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute=EXPIRES_AT,
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES if keys.streamed else None,
            deletion_protection=production,
            removal_policy=RemovalPolicy.RETAIN if production else RemovalPolicy.DESTROY,
        )


def index_due_rows(outbox: dynamodb.Table) -> None:
    """The sparse index of what is due: its two attributes are removed from a row that is done."""
    outbox.add_global_secondary_index(
        index_name="due",
        partition_key=_text("queue"),
        sort_key=dynamodb.Attribute(name="next_attempt", type=dynamodb.AttributeType.NUMBER),
        projection_type=dynamodb.ProjectionType.KEYS_ONLY,
    )


def index_receipts_by_domain(receipts: dynamodb.Table) -> None:
    """Receipts of a recipient domain by time; the keys only, because a receipt is large."""
    receipts.add_global_secondary_index(
        index_name="by_domain",
        partition_key=_text("recipient_domain"),
        sort_key=_text("received_at"),
        projection_type=dynamodb.ProjectionType.KEYS_ONLY,
    )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
