"""From units, prices and assumptions to dollars, line by line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from postern_cli.cost.assumptions import OTHER_LATENCY_MS, Assumptions
from postern_cli.cost.prices import HOURS_PER_MONTH, Prices
from postern_cli.cost.units import Besides, Fate, FunctionUse, MessageUse, PackingUse

MILLION = 1_000_000
WHOLE_PROCESSOR_MB = 1769
"""The memory with which a Lambda has one whole processor."""

GIGABYTE = 1e9
WORKFLOW_BASE_MB = 50
WORKFLOW_CHUNK_MB = 64
LOG_EVENT_OCTETS = 26
"""What CloudWatch adds to each line."""

KEPT_MONTHS = {"receipts": 90 / 30, "outbox": 3 / 30, "incoming": 14 / 30}
"""How long each kind of row or object is kept, in months."""

TASK_CPU, TASK_GB = 0.25, 0.5
ADDRESSES_OF_BALANCER = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the bill: how much of what, and its dollars. `quantity` is per million messages, or per month."""

    item: str
    quantity: float
    unit: str
    dollars: float


@dataclass(frozen=True, slots=True)
class Bill:
    """What a million messages cost, and what the service costs whether mail comes or not.

    `besides` is what a million cost that are sent, or learnt.
    """

    per_million: tuple[Line, ...]
    per_month: tuple[Line, ...]
    besides: Mapping[Besides, tuple[Line, ...]]

    @property
    def million(self) -> float:
        """Dollars per million messages."""
        return dollars(self.per_million)

    @property
    def fixed(self) -> float:
        """Dollars per month without any mail."""
        return dollars(self.per_month)

    def month(self, assumed: Assumptions) -> float:
        """Dollars per month with so many messages of each kind."""
        besides = sum(dollars(self.besides[kind]) * number for kind, number in assumed.besides().items())
        return self.fixed + (self.million * assumed.messages_per_month + besides) / MILLION


def dollars(lines: Iterable[Line]) -> float:
    """What lines come to."""
    return sum(line.dollars for line in lines)


def bill(packing: PackingUse, assumed: Assumptions, prices: Prices) -> Bill:
    """The bill of one packing."""
    shares = [(packing.fates[fate.value], share) for fate, share in assumed.shares().items() if share]
    besides = {kind: _merged([(packing.besides[kind.value], 1.0)], packing, assumed, prices) for kind in Besides}
    return Bill(
        _merged(shares, packing, assumed, prices), tuple(_month_lines(assumed, prices, packing.standing)), besides
    )


def _merged(
    shares: Iterable[tuple[MessageUse, float]], packing: PackingUse, assumed: Assumptions, prices: Prices
) -> tuple[Line, ...]:
    """The lines of a million messages, of which these shares use so much."""
    parts = [(list(_message_lines(use, packing, assumed, prices)), share) for use, share in shares]
    return tuple(
        Line(
            line.item,
            sum(lines[at].quantity * share for lines, share in parts) * MILLION,
            line.unit,
            sum(lines[at].dollars * share for lines, share in parts) * MILLION,
        )
        for at, line in enumerate(parts[0][0])
    )


def _message_lines(use: MessageUse, packing: PackingUse, assumed: Assumptions, prices: Prices) -> Iterator[Line]:
    """The lines of one message; the same lines, in the same order, for every fate."""
    requests = sum(one.invocations for one in use.functions)
    yield Line("Lambda, requests", requests, "requests", requests * prices.lambda_request)
    seconds = sum(gb_seconds(one, assumed) for one in use.functions)
    yield Line("Lambda, time", seconds, "GB-s", seconds * prices.lambda_gb_second)
    executions = float(any(one.stage for one in use.functions))
    yield Line("Step Functions, executions", executions, "executions", executions * prices.workflow_request)
    workflow = workflow_gb_seconds(use, packing, assumed)
    yield Line("Step Functions, time", workflow, "GB-s", workflow * prices.workflow_gb_second)
    yield Line("DynamoDB, writes", use.write_units, "units", use.write_units * prices.table_write_unit)
    yield Line("DynamoDB, reads", use.read_units, "units", use.read_units * prices.table_read_unit)
    puts, gets = use.calls.get("s3.PutObject", 0.0), use.calls.get("s3.GetObject", 0.0)
    yield Line("S3, writes", puts, "requests", puts * prices.object_put)
    yield Line("S3, reads", gets, "requests", gets * prices.object_get)
    queued = sum(number for name, number in use.calls.items() if name.startswith("sqs."))
    yield Line("SQS", queued, "requests", queued * prices.queue_request)
    logged = use.log_octets / GIGABYTE
    yield Line("CloudWatch, logs", logged, "GB", logged * prices.log_gb)
    octets = _octets(use, assumed)
    yield Line("Load balancer, octets", octets / GIGABYTE, "GB", octets / GIGABYTE * prices.balancer_unit_hour)
    rows = sum(use.kept_octets.get(name, 0.0) * KEPT_MONTHS[name] for name in ("receipts", "outbox")) / GIGABYTE
    per_gb = prices.table_gb_month + prices.table_backup_gb_month
    yield Line("Kept: receipts 90 days, outbox 3 days", rows, "GB-months", rows * per_gb)
    objects = octets * KEPT_MONTHS["incoming"] / GIGABYTE
    yield Line("Kept: incoming messages", objects, "GB-months", objects * prices.object_gb_month)


def duration_ms(use: FunctionUse, assumed: Assumptions) -> float:
    """How long one invocation takes: computing on its share of a processor, and waiting for answers."""
    processor = min(1.0, use.memory_mb / WHOLE_PROCESSOR_MB)
    waiting = sum(number * assumed.latency_ms.get(name, OTHER_LATENCY_MS) for name, number in use.calls.items())
    computing = use.cpu_ms + sum(use.calls.values()) * assumed.request_cpu_ms
    return max(1.0, computing * assumed.processor / processor + use.dns_rounds * assumed.dns_ms + waiting)


def gb_seconds(use: FunctionUse, assumed: Assumptions) -> float:
    """What one message makes a function cost in memory and time, its share of cold starts included."""
    warm = duration_ms(use, assumed) + assumed.cold_share * assumed.cold_ms
    return use.invocations * warm / 1000 * use.memory_mb / 1024


def workflow_gb_seconds(use: MessageUse, packing: PackingUse, assumed: Assumptions) -> float:
    """What one execution costs in memory and time, each in AWS's steps."""
    stages: dict[int, list[float]] = {}
    for one in use.functions:
        if one.stage and one.invocations:
            stages.setdefault(one.stage, []).append(duration_ms(one, assumed))
    taken = sum(max(times) + assumed.step_ms for times in stages.values())
    widest = max((len(times) for times in stages.values()), default=1)
    megabytes = WORKFLOW_BASE_MB + (packing.definition_octets + use.state_octets * widest) / 1e6
    chunks = math.ceil(megabytes / WORKFLOW_CHUNK_MB)
    return math.ceil(taken / 100) * 0.1 * chunks * WORKFLOW_CHUNK_MB / 1024


def _octets(use: MessageUse, assumed: Assumptions) -> float:
    """What passes the load balancer; nothing when the message is there already."""
    return use.octets if assumed.message_kb is None or not use.octets else assumed.message_kb * 1000


def _month_lines(assumed: Assumptions, prices: Prices, standing: Mapping[str, int]) -> Iterator[Line]:
    hours = HOURS_PER_MONTH
    per_task = TASK_CPU * prices.task_cpu_hour + TASK_GB * prices.task_gb_hour
    yield Line("Front end, Fargate tasks", assumed.tasks, "tasks", assumed.tasks * per_task * hours)
    yield Line("Load balancer", 1, "balancer", prices.balancer_hour * hours)
    addresses = ADDRESSES_OF_BALANCER + assumed.tasks
    yield Line("Public IPv4 addresses", addresses, "addresses", addresses * prices.public_address_hour * hours)
    for item, price in (
        ("metrics", prices.metric_month),
        ("alarms", prices.alarm_month),
        ("dashboards", prices.dashboard_month),
        ("secrets", prices.secret_month),
    ):
        yield Line(item.capitalize(), standing[item], item, standing[item] * price)


def early_exit_saves(packing: PackingUse, assumed: Assumptions, prices: Prices) -> float:
    """Dollars that a million messages cost less when they are refused in the first stage instead of at the end."""
    whole = _message_lines(packing.fates[Fate.REFUSED.value], packing, assumed, prices)
    early = _message_lines(packing.fates[Fate.REFUSED_EARLY.value], packing, assumed, prices)
    return MILLION * (dollars(whole) - dollars(early))
