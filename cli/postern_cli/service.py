"""Which service a command talks to: a stack in AWS, or the local service of `postern up`. Resolved once, here.

A local service writes `service.json` into its data directory while it runs; `--local` names that directory, and
`.postern` in the working directory is taken by itself. Everything else comes from the stack's outputs.

    ServiceNotFound    there is no such service, or we may not ask it; the text says what, `hint` what to do
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from postern_aws.message_store import S3MessageStore
from postern_cli.rows import Rows
from postern_local.account import CLIENT_ENVIRONMENT
from postern_local.service_file import SERVICE_FILE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

DEFAULT_STACK = "Postern"
DEFAULT_LOCAL = Path(".postern")
OR_LOCAL = "Or start a local service: postern up"
IS_IT_THERE = "Is it deployed in this region and account? See --stack and --region."
_CONFIG = Config(connect_timeout=3, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 3})

MakeClient = Callable[[str], Any]


class ServiceNotFound(Exception):  # noqa: N818 - it states what is the case
    """The service cannot be found or asked."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


class Output(StrEnum):
    """The stack's outputs that commands use."""

    MESSAGE_BUCKET = "MessageBucket"
    POLICY_TABLE = "PolicyTable"
    DOMAINS_TABLE = "DomainsTable"
    ACCOUNTS_TABLE = "AccountsTable"
    ALIASES_TABLE = "AliasesTable"
    SENDER_LISTS_TABLE = "SenderListsTable"
    OUTBOX_TABLE = "OutboxTable"
    RECEIPTS_TABLE = "ReceiptsTable"
    QUARANTINE_TABLE = "QuarantineTable"
    MAILBOXES_TABLE = "MailboxesTable"
    GREYLIST_TABLE = "GreylistTable"
    DMARC_REPORTS_TABLE = "DmarcReportsTable"
    RECEIVED_REPORTS_TABLE = "ReceivedReportsTable"
    SCREENING_TABLE = "ScreeningTable"
    CORRESPONDENTS_TABLE = "CorrespondentsTable"
    BATV_SECRET_ARN = "BatvSecretArn"
    RELAY_QUEUE_URL = "RelayQueueUrl"
    SELF_TEST_FUNCTION = "SelfTestFunction"
    UPDATE_RULES_FUNCTION = "UpdateRulesFunction"
    BAYES_TOKENS_TABLE = "BayesTokensTable"
    LEARN_QUEUE_URL = "LearnQueueUrl"
    LEARN_FUNCTION = "LearnFunction"


@dataclass(frozen=True, slots=True)
class Target:
    """What the command line says about the service."""

    stack: str | None = None
    region: str | None = None
    local: Path | None = None


@dataclass(frozen=True)
class Service:
    """A service. `name` is for people; it is asked, and clients are made, when that is first needed."""

    name: str
    stack: str
    make_client: MakeClient

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs. Raises `ServiceNotFound`."""
        try:
            described = self.make_client("cloudformation").describe_stacks(StackName=self.stack)
        except NoCredentialsError as missing:
            raise ServiceNotFound("no AWS credentials were found", f"Log in to AWS first. {OR_LOCAL}") from missing
        except (BotoCoreError, ClientError) as trouble:
            raise ServiceNotFound(f"{self.name} cannot be asked: {trouble}", f"{IS_IT_THERE} {OR_LOCAL}") from trouble
        return {one["OutputKey"]: one["OutputValue"] for one in described["Stacks"][0].get("Outputs", [])}

    def output(self, wanted: Output) -> str:
        """The name of a table or bucket. Raises `ServiceNotFound`."""
        if wanted.value not in self.outputs:
            raise ServiceNotFound(f"{self.name} has no output {wanted.value}", "Deploy the current version of Postern.")
        return self.outputs[wanted.value]

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """The client for tables."""
        client: DynamoDBClient = self.make_client("dynamodb")
        return client

    @cached_property
    def s3(self) -> S3Client:
        """The client for messages."""
        client: S3Client = self.make_client("s3")
        return client

    @cached_property
    def sqs(self) -> SQSClient:
        """The client for queues."""
        client: SQSClient = self.make_client("sqs")
        return client

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        """The client for secrets."""
        client: SecretsManagerClient = self.make_client("secretsmanager")
        return client

    def rows(self, wanted: Output) -> Rows:
        """The rows of a table. Raises `ServiceNotFound`."""
        return Rows(self.dynamodb, self.output(wanted))

    @cached_property
    def messages(self) -> S3MessageStore:
        """The message bucket."""
        return S3MessageStore(self.s3, self.output(Output.MESSAGE_BUCKET))


def connect(target: Target) -> Service:
    """The service that is meant: the one of `--local`, else one that runs here, else the stack in AWS.

    Raises `ServiceNotFound` when `--local` names a directory where none runs.
    """
    stack = target.stack or DEFAULT_STACK
    directory = target.local or _running_here(target)
    if directory is not None:
        return Service(f"the local service in {directory}", stack, _local_clients(_endpoint(directory)))
    session = boto3.Session(region_name=target.region or os.environ.get("AWS_REGION"))
    return Service(f"the stack {stack}", stack, lambda kind: _client(session, kind))


def is_running(directory: Path) -> bool:
    """Whether a local service runs on this data directory."""
    state = _state(directory)
    return state is not None and _is_alive(int(state["pid"]))


def _running_here(target: Target) -> Path | None:
    """The default data directory when a service runs there, unless a stack or region says that AWS is meant."""
    in_aws = target.stack or target.region
    return DEFAULT_LOCAL if not in_aws and is_running(DEFAULT_LOCAL) else None


def _endpoint(directory: Path) -> str:
    state = _state(directory)
    if state is None or not _is_alive(int(state["pid"])):
        raise ServiceNotFound(f"no local service runs in {directory}", f"Start it: postern up --data {directory}")
    return str(state["endpoint_url"])


def _state(directory: Path) -> dict[str, Any] | None:
    try:
        state = json.loads((directory / SERVICE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    known = isinstance(state, dict) and isinstance(state.get("pid"), int) and "endpoint_url" in state
    return state if known else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _local_clients(endpoint: str) -> MakeClient:
    """Clients of the embedded AWS, which takes any credentials but wants some."""
    session = boto3.Session(
        aws_access_key_id=CLIENT_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CLIENT_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        region_name=CLIENT_ENVIRONMENT["AWS_DEFAULT_REGION"],
    )
    return lambda kind: _client(session, kind, endpoint_url=endpoint)


def _client(session: boto3.Session, kind: str, **where: str) -> Any:
    make: Any = session.client
    try:
        return make(kind, config=_CONFIG, **where)
    except NoRegionError as missing:
        raise ServiceNotFound("no AWS region is known", f"Name it with --region. {OR_LOCAL}") from missing
