"""The Lambdas that run checks: as many as the packing says, each with the grants that its checks' needs imply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.grants import allow
from infra.message_bucket import INCOMING, MODELS, POLICY, RULE_DATABASES, RULES
from infra.packs import Pack
from infra.postern_function import FunctionDefaults, FunctionShape, PosternFunction
from postern.contract import Needs

# Nothing in AWS is asked for these: names are resolved over the network, the standing comes with the request.
NEEDS_WITHOUT_GRANT = frozenset({Needs.RESOLVER, Needs.STANDING})


@dataclass(frozen=True, slots=True)
class TableAccess:
    """A table's name and what a check may do with it. The function finds it by `POSTERN_<NEED>_TABLE`."""

    table: str
    actions: tuple[str, ...]


TABLES: Mapping[Needs, TableAccess] = {
    Needs.SENDER_LISTS: TableAccess("SenderListsTable", ("dynamodb:BatchGetItem",)),
    Needs.GREYLIST: TableAccess("GreylistTable", ("dynamodb:UpdateItem", "dynamodb:BatchGetItem")),
    Needs.CORRESPONDENTS: TableAccess("CorrespondentsTable", ("dynamodb:BatchGetItem",)),
    Needs.SENT_MESSAGES: TableAccess("SentMessagesTable", ("dynamodb:BatchGetItem",)),
}


OBJECTS: Mapping[Needs, tuple[str, ...]] = {
    Needs.MESSAGE: (INCOMING,),
    Needs.RULES: (RULES, RULE_DATABASES),
    Needs.SITE_MODEL: (MODELS,),
    Needs.SENDER_LISTS: (POLICY,),
}
"""The objects that a check may read, by their prefixes in the message bucket.

The compiled policy tells which entries of the sender lists are worth asking for.
"""

MAY_BE_MISSING = frozenset({Needs.RULES, Needs.SITE_MODEL})
"""Nobody may have stored rules, or taught anything; without `s3:ListBucket` S3 answers 403 then, not 404."""


class CheckFunctions(Construct):
    """`by_name` maps each pack's name to its Lambda, `by_check` each check's id to the Lambda of its pack."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        packs: Sequence[Pack],
        defaults: FunctionDefaults,
        bucket: s3.Bucket,
        tables: Mapping[str, dynamodb.Table],
        batv_secret: secrets.Secret,
    ) -> None:
        super().__init__(scope, construct_id)
        self._bucket, self._tables, self._batv_secret = bucket, tables, batv_secret
        self.by_name: dict[str, lambda_.Function] = {pack.name: self._deploy(pack, defaults) for pack in packs}
        self.by_check = {spec.check_id: self.by_name[pack.name] for pack in packs for spec in pack.specs}

    def _deploy(self, pack: Pack, defaults: FunctionDefaults) -> lambda_.Function:
        shape = FunctionShape(
            folder="run_checks",
            description=f"Checks: {pack.title}",
            seconds=pack.seconds,
            memory_mb=pack.memory_mb,
            packages=pack.packages,
        )
        checks = ",".join(spec.check_id for spec in pack.specs)
        deployed = PosternFunction(self, pack.name, shape, defaults=defaults, environment={"POSTERN_CHECKS": checks})
        for need in sorted(pack.needs - NEEDS_WITHOUT_GRANT):
            self._give(need, deployed)
        return deployed.function

    def _give(self, need: Needs, to: PosternFunction) -> None:
        if need not in {*TABLES, *OBJECTS, Needs.BATV_KEYS}:
            raise ValueError(f"nobody says what a check that needs {need} is granted")
        if need in TABLES:
            self._give_table(need, TABLES[need], to)
        for prefix in OBJECTS.get(need, ()):
            self._give_objects(prefix, to)
        if need in MAY_BE_MISSING:
            allow(to.role, ["s3:ListBucket"], self._bucket.bucket_arn)
        if need is Needs.BATV_KEYS:
            self._give_batv_secret(to)

    def _give_batv_secret(self, to: PosternFunction) -> None:
        to.function.add_environment("POSTERN_BATV_SECRET_ARN", self._batv_secret.secret_arn)
        allow(to.role, ["secretsmanager:GetSecretValue"], self._batv_secret.secret_arn)

    def _give_table(self, need: Needs, access: TableAccess, to: PosternFunction) -> None:
        table = self._tables[access.table]
        to.function.add_environment(f"POSTERN_{need.value.upper()}_TABLE", table.table_name)
        allow(to.role, access.actions, table.table_arn)

    def _give_objects(self, prefix: str, to: PosternFunction) -> None:
        to.function.add_environment("POSTERN_MESSAGE_BUCKET", self._bucket.bucket_name)
        allow(to.role, ["s3:GetObject"], self._bucket.arn_for_objects(f"{prefix}*"))
