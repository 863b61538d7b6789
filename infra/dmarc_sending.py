"""The reports to domain owners: sent several times a day, so that what could not be sent once is sent the next time."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.grants import allow
from infra.message_bucket import INCOMING, POLICY
from infra.postern_function import FunctionDefaults, FunctionShape, PosternFunction
from infra.schedule import run_every

SEND_DMARC_REPORTS = FunctionShape(
    folder="send_dmarc_reports", description="Sends DMARC aggregate reports", seconds=780, memory_mb=512
)
EVERY = Duration.hours(6)


class DmarcSending(Construct):
    """The function and its schedule."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        defaults: FunctionDefaults,
        bucket: s3.Bucket,
        tables: Mapping[str, dynamodb.Table],
        machine: sfn.StateMachine,
        hostname: str,
    ) -> None:
        super().__init__(scope, construct_id)
        deployed = PosternFunction(
            self,
            "Send",
            SEND_DMARC_REPORTS,
            defaults=defaults,
            environment={
                "POSTERN_MESSAGE_BUCKET": bucket.bucket_name,
                "POSTERN_ACCOUNTS_TABLE": tables["AccountsTable"].table_name,
                "POSTERN_ALIASES_TABLE": tables["AliasesTable"].table_name,
                "POSTERN_OUTBOX_TABLE": tables["OutboxTable"].table_name,
                "POSTERN_DMARC_REPORTS_TABLE": tables["DmarcReportsTable"].table_name,
                "POSTERN_OUTBOUND_STATE_MACHINE_ARN": machine.state_machine_arn,
                "POSTERN_HOSTNAME": hostname,
            },
        )
        self.function = deployed.function
        role = deployed.role
        allow(role, ["s3:PutObject"], bucket.arn_for_objects(f"{INCOMING}*"))
        allow(role, ["s3:GetObject"], bucket.arn_for_objects(f"{POLICY}*"))
        allow(role, ["dynamodb:Query"], tables["DmarcReportsTable"].table_arn)
        lookups = [tables[name].table_arn for name in ("AccountsTable", "AliasesTable")]
        allow(role, ["dynamodb:GetItem"], *lookups)
        changes = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
        allow(role, changes, tables["OutboxTable"].table_arn)
        allow(role, ["states:StartSyncExecution"], machine.state_machine_arn)
        run_every(self, EVERY, self.function)
