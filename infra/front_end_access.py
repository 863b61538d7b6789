"""What the front end is told and allowed: its environment, and its role's grants, of one list of resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn

from infra.acknowledgements import acknowledge
from infra.grants import allow, allow_updates, index_arn
from infra.message_bucket import INCOMING, MAIL, POLICY, QUARANTINE

RELAY_SECRETS = "postern/"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontEndAccess:
    """The resources the receiver and the relay worker use."""

    hostname: str
    bucket: s3.Bucket
    tables: Mapping[str, dynamodb.Table]
    machine: sfn.StateMachine
    outbound_machine: sfn.StateMachine
    wake_relay: sqs.Queue
    learn_queue: sqs.Queue
    notices: sns.Topic
    security_notices: sns.Topic
    tls_secret: secrets.Secret
    thaw_secret: secrets.Secret
    thaw_url: str

    def environment(self) -> dict[str, str]:
        """The variables of `postern_aws.settings.FrontEndSettings` and `RelaySettings`."""
        return {
            "POSTERN_HOSTNAME": self.hostname,
            "POSTERN_MESSAGE_BUCKET": self.bucket.bucket_name,
            "POSTERN_ACCOUNTS_TABLE": self.tables["AccountsTable"].table_name,
            "POSTERN_ALIASES_TABLE": self.tables["AliasesTable"].table_name,
            "POSTERN_OUTBOX_TABLE": self.tables["OutboxTable"].table_name,
            "POSTERN_RECEIPTS_TABLE": self.tables["ReceiptsTable"].table_name,
            "POSTERN_DMARC_REPORTS_TABLE": self.tables["DmarcReportsTable"].table_name,
            "POSTERN_QUARANTINE_TABLE": self.tables["QuarantineTable"].table_name,
            "POSTERN_SCREENING_TABLE": self.tables["ScreeningTable"].table_name,
            "POSTERN_CORRESPONDENTS_TABLE": self.tables["CorrespondentsTable"].table_name,
            "POSTERN_SENT_MESSAGES_TABLE": self.tables["SentMessagesTable"].table_name,
            "POSTERN_STATE_MACHINE_ARN": self.machine.state_machine_arn,
            "POSTERN_OUTBOUND_STATE_MACHINE_ARN": self.outbound_machine.state_machine_arn,
            "POSTERN_RELAY_QUEUE_URL": self.wake_relay.queue_url,
            "POSTERN_LEARN_QUEUE_URL": self.learn_queue.queue_url,
            "POSTERN_NOTICE_TOPIC_ARN": self.notices.topic_arn,
            "POSTERN_SECURITY_TOPIC_ARN": self.security_notices.topic_arn,
            "POSTERN_TLS_SECRET_ARN": self.tls_secret.secret_arn,
            "POSTERN_THAW_SECRET_ARN": self.thaw_secret.secret_arn,
            "POSTERN_THAW_URL": self.thaw_url,
        }

    def grant(self, role: iam.IRole) -> None:
        """Let the tasks' role use them, each in the way the front end does."""
        self._grant_receiving(role)
        self._grant_relaying(role)
        acknowledge(
            role,
            f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>"
            f":secret:{RELAY_SECRETS}*]",
            "A relay target's password is a secret that policy names; its name begins with a prefix of ours.",
        )
        self._grant_screening(role)
        # A front end cannot change a password or an identity, whoever takes it over.
        allow_updates(role, self.tables["AccountsTable"], "address", "last_used", "frozen_since", "frozen_reason")
        allow(role, ["sns:Publish"], self.notices.topic_arn, self.security_notices.topic_arn)
        allow(role, ["secretsmanager:GetSecretValue"], self.tls_secret.secret_arn, self._relay_passwords())
        allow(role, ["secretsmanager:GetSecretValue"], self.thaw_secret.secret_arn)

    def _relay_passwords(self) -> str:
        """Secrets that people make for relay targets; policy names them, so that only their prefix is known here."""
        name = f"{RELAY_SECRETS}*"
        return Stack.of(self.tls_secret).format_arn(
            service="secretsmanager", resource="secret", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )

    def _grant_receiving(self, role: iam.IRole) -> None:
        lookups = [self.tables[name].table_arn for name in ("AccountsTable", "AliasesTable")]
        allow(role, ["s3:PutObject"], self.bucket.arn_for_objects(f"{INCOMING}*"))
        allow(role, ["s3:GetObject"], self.bucket.arn_for_objects(f"{POLICY}*"))
        machines = (self.machine.state_machine_arn, self.outbound_machine.state_machine_arn)
        allow(role, ["states:StartSyncExecution"], *machines)
        allow(role, ["dynamodb:GetItem", "dynamodb:BatchGetItem"], *lookups)
        allow(role, ["dynamodb:PutItem"], self.tables["ReceiptsTable"].table_arn)
        # Refused mail whose score left no doubt is learnt from.
        allow(role, ["sqs:SendMessage"], self.learn_queue.queue_arn)
        allow(role, ["dynamodb:UpdateItem"], self.tables["DmarcReportsTable"].table_arn)

    def _grant_screening(self, role: iam.IRole) -> None:
        actions = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem"]
        changes = ["dynamodb:UpdateItem", "dynamodb:DeleteItem"]
        allow(role, [*actions, *changes], self.tables["ScreeningTable"].table_arn)
        # Of an account that sends too much: whether its recipients are strangers to it.
        allow(role, ["dynamodb:BatchGetItem"], self.tables["CorrespondentsTable"].table_arn)

    def _grant_relaying(self, role: iam.IRole) -> None:
        outbox = self.tables["OutboxTable"]
        actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"]
        # Several at once are read to hold the mail of an account.
        allow(role, [*actions, "dynamodb:BatchGetItem"], outbox.table_arn)
        allow(role, ["dynamodb:Query"], index_arn(outbox, "due"))
        allow(role, ["s3:GetObject", "s3:DeleteObject"], self.bucket.arn_for_objects(f"{MAIL}*"))
        allow(role, ["s3:PutObject"], self.bucket.arn_for_objects(f"{QUARANTINE}*"))
        allow(role, ["dynamodb:PutItem"], self.tables["QuarantineTable"].table_arn)
        allow(role, ["sqs:ReceiveMessage", "sqs:DeleteMessage"], self.wake_relay.queue_arn)
        allow(role, ["dynamodb:BatchWriteItem"], self.tables["SentMessagesTable"].table_arn)
        self._grant_sending_by_ses(role)

    def _grant_sending_by_ses(self, role: iam.IRole) -> None:
        """As any of the owner's verified identities: which domains send is policy, and SES checks that they are his."""
        stack = Stack.of(self.tls_secret)
        for resource in ("identity", "configuration-set"):
            allow(
                role,
                ["ses:SendEmail", "ses:SendRawEmail"],
                stack.format_arn(service="ses", resource=resource, resource_name="*"),
            )
            acknowledge(
                role,
                f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ses:<AWS::Region>:<AWS::AccountId>:{resource}/*]",
                "Which of the owner's domains send through SES is policy, which people change without a deployment.",
            )
