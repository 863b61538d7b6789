"""Composition: which constructs there are, and what each is given of the others."""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.alarms import (
    Alarms,
    check_troubles,
    defence_troubles,
    delivery_troubles,
    front_end_troubles,
    outgoing_troubles,
    symbol_troubles,
    workflow_troubles,
)
from infra.batv_secret import BatvSecret
from infra.check_functions import CheckFunctions
from infra.dashboard import Dashboard
from infra.deciding import DECIDE, SignMessage
from infra.delivery import Delivery
from infra.dmarc_sending import DmarcSending
from infra.filter_workflow import FilterWorkflow
from infra.front_end_access import FrontEndAccess
from infra.front_end_service import FrontEndService
from infra.layers import FunctionLayers
from infra.learning import Learning
from infra.listeners import open_listeners, ports_as_variables
from infra.load_balancer import LoadBalancer
from infra.log_retention import RETENTION
from infra.message_bucket import MessageBucket
from infra.network import Network
from infra.notifications import Notifications
from infra.packs import packs
from infra.policy_compiler import PolicyCompiler
from infra.postern_function import FunctionDefaults, PosternFunction
from infra.rule_updates import RuleUpdates
from infra.self_test import SelfTest
from infra.settings import DeploySettings
from infra.tables import POLICY_TABLES, STATE_TABLES, Tables, index_due_rows, index_receipts_by_domain
from infra.thaw_account import ThawAccount
from infra.tls_secret import TlsSecret
from postern import catalog
from postern.model import Direction
from postern.workflow import SIGN_FUNCTION, Packing


class PosternStack(Stack):
    """The whole service in one stack: what is stored, what decides, what delivers, what listens, what watches."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: DeploySettings) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Postern: an inbound mail filter in its owner's account",
            termination_protection=settings.production,
        )
        self._settings = settings
        self._defaults = FunctionDefaults(
            FunctionLayers(self, "Layers", vendored=settings.vendored_layers), RETENTION[settings.log_retention_days]
        )
        self.bucket = MessageBucket(self, "Messages", production=settings.production).bucket
        self.tables = self._make_tables()
        self.batv_secret = BatvSecret(self, "Batv", production=settings.production).secret
        self.notifications = Notifications(
            self,
            "Notifications",
            postmaster_email=settings.postmaster_email,
            security_email=settings.told_of_security,
        )
        self._make_workflows()
        self._make_delivery()
        self._make_front_end()
        self._watch()
        self._tell()

    def _make_tables(self) -> dict[str, dynamodb.Table]:
        production = self._settings.production
        policy = Tables(self, "PolicyTables", keys=POLICY_TABLES, production=production)
        state = Tables(self, "StateTables", keys=STATE_TABLES, production=production)
        index_due_rows(state.by_name["OutboxTable"])
        index_receipts_by_domain(state.by_name["ReceiptsTable"])
        return {**policy.by_name, **state.by_name}

    def _make_workflows(self) -> None:
        """One state machine for what comes in, one for what goes out; a check of both has one Lambda."""
        stages, packing = catalog.stages(), self._settings.packing
        outgoing = catalog.judging(Direction.OUTBOUND)
        checks = CheckFunctions(
            self,
            "Checks",
            packs=packs(stages, packing, outgoing),
            defaults=self._defaults,
            bucket=self.bucket,
            tables=self.tables,
            batv_secret=self.batv_secret,
        )
        decide = PosternFunction(self, "Decide", DECIDE, defaults=self._defaults).function
        sign = SignMessage(
            self, "Sign", defaults=self._defaults, bucket=self.bucket, batv_secret=self.batv_secret
        ).function
        ending = {"decide": decide, SIGN_FUNCTION: sign}
        self.deciding = {**checks.by_name, **ending}
        retention = self._defaults.retention
        self.workflow = FilterWorkflow(
            self, "Filter", stages=stages, packing=packing, functions=self.deciding, retention=retention
        )
        self.outgoing_workflow = FilterWorkflow(
            self,
            "Outgoing",
            stages=catalog.stages(outgoing),
            packing=Packing.CHECK,
            functions={**checks.by_check, **ending},
            retention=retention,
            signs=True,
        )

    def _make_delivery(self) -> None:
        notices = self.notifications.postmaster
        self.compiler = PolicyCompiler(
            self, "Policy", defaults=self._defaults, bucket=self.bucket, tables=self.tables, notices=notices
        )
        self.learning = Learning(
            self,
            "Learning",
            defaults=self._defaults,
            bucket=self.bucket,
            tokens=self.tables["BayesTokensTable"],
            notices=notices,
        )
        self.rule_updates = RuleUpdates(
            self, "RuleUpdates", defaults=self._defaults, bucket=self.bucket, notices=notices
        )
        self.delivery = Delivery(
            self,
            "Delivery",
            defaults=self._defaults,
            bucket=self.bucket,
            tables=self.tables,
            notices=notices,
            hostname=self._settings.hostname,
            learn_queue=self.learning.queue,
        )

        self.self_test = SelfTest(
            self,
            "SelfTest",
            defaults=self._defaults,
            bucket=self.bucket,
            policy_table=self.tables["PolicyTable"],
            machine=self.workflow.machine,
            notices=notices,
            hostname=self._settings.hostname,
        )

        self.dmarc_sending = DmarcSending(
            self,
            "DmarcSending",
            defaults=self._defaults,
            bucket=self.bucket,
            tables=self.tables,
            machine=self.outgoing_workflow.machine,
            hostname=self._settings.hostname,
        )

    def _make_front_end(self) -> None:
        settings = self._settings
        vpc = Network(self, "Network").vpc
        listeners = open_listeners(submission=settings.submission)
        self.balancer = LoadBalancer(self, "LoadBalancer", vpc=vpc, listeners=listeners)
        self.tls_secret = TlsSecret(self, "Tls", production=settings.production).secret
        self.thaw = ThawAccount(
            self,
            "ThawAccount",
            defaults=self._defaults,
            tables=self.tables,
            production=settings.production,
            concurrency=settings.thaw_concurrency,
        )
        access = FrontEndAccess(
            hostname=settings.hostname,
            bucket=self.bucket,
            tables=self.tables,
            machine=self.workflow.machine,
            outbound_machine=self.outgoing_workflow.machine,
            wake_relay=self.delivery.wake_relay,
            learn_queue=self.learning.queue,
            notices=self.notifications.postmaster,
            security_notices=self.notifications.security,
            tls_secret=self.tls_secret,
            thaw_secret=self.thaw.secret,
            thaw_url=self.thaw.url,
        )
        front_end = FrontEndService(
            self,
            "FrontEnd",
            vpc=vpc,
            balancer=self.balancer,
            listeners=listeners,
            environment={**access.environment(), **ports_as_variables(listeners)},
            retention=self._defaults.retention,
            tasks=(settings.desired_tasks, settings.max_tasks),
        )
        access.grant(front_end.role)

    def _watch(self) -> None:
        letters = {
            "Deliver": self.delivery.letters.queue,
            "Compile": self.compiler.letters.queue,
            "WakeRelay": self.delivery.wake_letters.queue,
            "Learn": self.learning.letters.queue,
        }
        troubles = [
            *workflow_troubles(self.workflow.machine),
            *outgoing_troubles(self.outgoing_workflow.machine),
            *delivery_troubles(letters),
            *front_end_troubles(self.balancer.target_groups),
            *check_troubles(catalog.CHECKS),
            *symbol_troubles(catalog.specs()),
            *defence_troubles(),
        ]
        alarms = Alarms(self, "Alarms", tell=self.notifications.postmaster, troubles=troubles)
        functions = {
            **self.deciding,
            **self.delivery.functions,
            "compile_policy": self.compiler.function,
            "self_test": self.self_test.function,
            "send_dmarc_reports": self.dmarc_sending.function,
            "update_rules": self.rule_updates.function,
            "learn": self.learning.function,
            "thaw_account": self.thaw.function,
        }
        Dashboard(
            self,
            "Overview",
            alarms=alarms.alarms,
            check_ids=catalog.CHECKS,
            functions=functions,
            machine=self.workflow.machine,
            outbound_machine=self.outgoing_workflow.machine,
        )

    def _tell(self) -> None:
        """Outputs: what the command line and people look for. Names are a contract with both."""
        outputs = {
            "MessageBucket": self.bucket.bucket_name,
            **{name: table.table_name for name, table in self.tables.items()},
            "StateMachineArn": self.workflow.machine.state_machine_arn,
            "OutboundStateMachineArn": self.outgoing_workflow.machine.state_machine_arn,
            "NoticeTopicArn": self.notifications.postmaster.topic_arn,
            "SecurityTopicArn": self.notifications.security.topic_arn,
            "RelayQueueUrl": self.delivery.wake_relay.queue_url,
            "TlsSecretArn": self.tls_secret.secret_arn,
            "BatvSecretArn": self.batv_secret.secret_arn,
            "CompilePolicyFunction": self.compiler.function.function_name,
            "SelfTestFunction": self.self_test.function.function_name,
            "UpdateRulesFunction": self.rule_updates.function.function_name,
            "LearnQueueUrl": self.learning.queue.queue_url,
            "LearnFunction": self.learning.function.function_name,
            "SendDmarcReportsFunction": self.dmarc_sending.function.function_name,
            "ThawFunction": self.thaw.function.function_name,
            "ThawUrl": self.thaw.url,
            "ThawSecretArn": self.thaw.secret.secret_arn,
            "HostName": self._settings.hostname,
            "MailAddresses": ", ".join(address.attr_public_ip for address in self.balancer.addresses),
            "BalancerName": self.balancer.balancer.load_balancer_dns_name,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
