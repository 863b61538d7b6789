"""The embedded AWS: moto with our stand-ins, the deployed template, and what was kept from before."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import moto
from moto.dynamodb.models.table import Table
from moto.stepfunctions.models import StateMachine

from postern_local import environment, object_reads, schedules, sync_execution, template_resources
from postern_local.account import CLIENT_ENVIRONMENT, REGION
from postern_local.deployment import ASSET_BUCKET, deploy
from postern_local.durable_objects import DurableObjects
from postern_local.durable_secrets import DurableSecrets
from postern_local.durable_tables import DurableTables
from postern_local.embedded_lambda import EmbeddedLambda
from postern_local.function_runtime import FunctionRuntime
from postern_local.journal import Journal
from postern_local.queues import QueueConsumer, QueueMapping
from postern_local.stand_ins import resource_classes
from postern_local.streams import Record, SourceMapping, StreamConsumer

MOTO_CONFIGURATION: Any = {"stepfunctions": {"execute_state_machine": True}}


@dataclass(slots=True)
class EmbeddedAws:
    """One per process: moto's state is the process's."""

    assembly: Path
    directory: Path
    outputs: Mapping[str, str] = field(default_factory=dict)
    restored: tuple[int, int] = (0, 0)
    _consumers: list[StreamConsumer] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Deploy the template and restore what was kept; streams and schedules run from then on."""
        os.environ.update(CLIENT_ENVIRONMENT)
        logging.getLogger("moto").setLevel(logging.CRITICAL)
        journal = Journal(self.directory)
        functions = EmbeddedLambda(self.assembly, FunctionRuntime())
        tables = DurableTables(journal, self._offer)
        objects = DurableObjects(journal, frozenset({ASSET_BUCKET}))
        kept_secrets = DurableSecrets(journal)
        self._install(functions, tables, objects)
        kept_secrets.install()
        moto.mock_aws(config=MOTO_CONFIGURATION).start()
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a type that moto does not know would be passed over with a warning
            self.outputs = deploy(self.assembly)
        self.restored = (tables.restore(), objects.restore())
        kept_secrets.restore()
        self._run_streams(functions)
        tables.offer_again()
        template_resources.function_urls.invoke = functions.invoke_by_name
        self._run_schedules(functions, tables)

    def stop(self) -> None:
        """No more schedules, and no more requests for functions."""
        self._stop.set()
        template_resources.function_urls.close()

    def container_environment(self) -> dict[str, str]:
        """The variables that the template gives the front end's container."""
        ((_, task),) = template_resources.created["AWS::ECS::TaskDefinition"]
        (container,) = task["ContainerDefinitions"]
        return {one["Name"]: str(one["Value"]) for one in container["Environment"]}

    @staticmethod
    def _install(functions: EmbeddedLambda, tables: DurableTables, objects: DurableObjects) -> None:
        environment.install()
        functions.install()
        sync_execution.install(functions.invoke_for_task)
        tables.install()
        objects.install()
        object_reads.install()
        template_resources.register(resource_classes())
        template_resources.name_without_chance()
        table: Any = Table
        table.create_from_cloudformation_json = template_resources.expire_rows(table.create_from_cloudformation_json)
        machine: Any = StateMachine
        machine.create_from_cloudformation_json = classmethod(template_resources.create_state_machine)

    def _offer(self, table_arn: str, record: Record) -> None:
        for consumer in self._consumers:
            consumer.offer(table_arn, record)

    def _run_streams(self, functions: EmbeddedLambda) -> None:
        for _, properties in template_resources.created.get("AWS::Lambda::EventSourceMapping", ()):
            if QueueMapping.fits(properties):
                sqs = boto3.client("sqs", region_name=REGION)
                QueueConsumer(QueueMapping.read(properties), functions.invoke_by_name, sqs).start(self._stop)
                continue
            mapping = SourceMapping.read(properties)
            self._consumers.append(StreamConsumer(mapping, functions.invoke_by_name, _send_letter))

    def _run_schedules(self, functions: EmbeddedLambda, tables: DurableTables) -> None:
        for logical_id, properties in template_resources.created.get("AWS::Events::Rule", ()):
            rule = schedules.ScheduledRule.read(logical_id, properties)
            often = rule.seconds < schedules.RARE_SECONDS
            schedules.every(rule.seconds, _caller(rule, functions), f"schedule {logical_id}", self._stop, at_once=often)
        schedules.every(schedules.EXPIRY_SECONDS, lambda: schedules.remove_expired(tables), "expiry", self._stop)


def _caller(rule: schedules.ScheduledRule, functions: EmbeddedLambda) -> Any:
    return lambda: schedules.call_by_schedule(rule, functions.invoke_by_name)


def _send_letter(queue_arn: str, text: str) -> None:
    sqs = boto3.client("sqs", region_name=REGION)
    url = sqs.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=text)
