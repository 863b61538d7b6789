"""The functions with which both state machines end: one decides, and one signs what goes out."""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.grants import allow
from infra.message_bucket import INCOMING
from infra.postern_function import FunctionDefaults, FunctionShape, PosternFunction
from postern.workflow import DECIDE_SECONDS, SIGN_FUNCTION, SIGN_SECONDS
from postern_aws.dkim_keys import PREFIX

DECIDE = FunctionShape(
    folder="decide",
    description="Decides what becomes of each recipient's copy",
    seconds=DECIDE_SECONDS,
    memory_mb=512,
)
SIGN = FunctionShape(
    folder=SIGN_FUNCTION,
    description="Signs outgoing mail, and tags its reverse-path",
    seconds=SIGN_SECONDS,
    memory_mb=1769,
)


class SignMessage(Construct):
    """The sign function: nobody else may read the keys that sign."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        defaults: FunctionDefaults,
        bucket: s3.Bucket,
        batv_secret: secrets.Secret,
    ) -> None:
        super().__init__(scope, construct_id)
        deployed = PosternFunction(
            self,
            "Sign",
            SIGN,
            defaults=defaults,
            environment={
                "POSTERN_MESSAGE_BUCKET": bucket.bucket_name,
                "POSTERN_BATV_SECRET_ARN": batv_secret.secret_arn,
            },
        )
        self.function = deployed.function
        allow(deployed.role, ["s3:GetObject"], bucket.arn_for_objects(f"{INCOMING}*"))
        allow(deployed.role, ["secretsmanager:GetSecretValue"], batv_secret.secret_arn, self._dkim_secrets())
        acknowledge(
            deployed.role,
            f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>"
            f":secret:{PREFIX}*]",
            "Every domain that signs has a secret of its own, which a command makes; their names begin alike.",
        )

    def _dkim_secrets(self) -> str:
        return Stack.of(self).format_arn(
            service="secretsmanager",
            resource="secret",
            resource_name=f"{PREFIX}*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
