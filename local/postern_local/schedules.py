"""What happens by the clock: scheduled rules of the template, and rows whose time to live is over."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3

from postern_local.account import ACCOUNT, REGION
from postern_local.durable_tables import DurableTables
from postern_local.embedded_lambda import FunctionFailedError

EXPIRY_SECONDS = 30
RARE_SECONDS = 3600
"""What runs less often than this is not wanted while the service is still starting."""

_RATE = re.compile(r"rate\((?P<number>[0-9]+) (?P<unit>minute|hour|day)s?\)")
_UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScheduledRule:
    """A rule of the template: which function is called, and how often."""

    name: str
    function: str
    seconds: int

    @classmethod
    def read(cls, logical_id: str, properties: Mapping[str, Any]) -> ScheduledRule:
        """From its resolved properties. Raises `ValueError` for a schedule that is not a rate."""
        expression = str(properties.get("ScheduleExpression", ""))
        rate = _RATE.fullmatch(expression)
        if rate is None:
            raise ValueError(f"{logical_id}: the embedded schedules do not know {expression!r}")
        return cls(logical_id, str(properties["Targets"][0]["Arn"]), int(rate["number"]) * _UNIT_SECONDS[rate["unit"]])

    def event(self) -> dict[str, Any]:
        """What EventBridge sends."""
        return {
            "version": "0",
            "source": "aws.events",
            "detail-type": "Scheduled Event",
            "account": ACCOUNT,
            "region": REGION,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "resources": [self.name],
            "detail": {},
        }


def every(
    seconds: float, do: Callable[[], object], name: str, stop: threading.Event, *, at_once: bool = True
) -> threading.Thread:
    """Do something at once, or first after `seconds`, and then every so many seconds, on a thread of its own."""

    def run() -> None:
        if not at_once:
            stop.wait(seconds)
        while not stop.is_set():
            do()
            stop.wait(seconds)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def call_by_schedule(rule: ScheduledRule, invoke: Callable[[str, Any], Any]) -> None:
    """One scheduled call; a failure is logged and the next one comes."""
    try:
        invoke(rule.function, rule.event())
    except FunctionFailedError as failure:
        _log.warning("A scheduled call failed: %s", failure)


def remove_expired(tables: DurableTables) -> None:
    """Delete every row whose time to live is over, as DynamoDB does within days."""
    client = boto3.client("dynamodb")
    for table, key in tables.expired(int(time.time())):
        client.delete_item(TableName=table, Key=key)
