"""Alarms: what wakes the postmaster, each with one reason to exist and a text that says what to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from postern.contract import CheckSpec
from postern_aws import metrics

PERIOD = Duration.minutes(5)
# Below so many messages in five minutes a rate says nothing.
ENOUGH_MESSAGES = 20
DEFERRED_PERCENT = 20
# Other people's name servers fail all the time; ours, or a list that refuses us, fails for every message.
TEMPERRORS = 25

AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
QUIET = cloudwatch.TreatMissingData.NOT_BREACHING
MISSING_IS_BAD = cloudwatch.TreatMissingData.BREACHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A condition to tell of: when `metric` is at `threshold` in each of `periods`."""

    name: str
    text: str
    metric: cloudwatch.IMetric
    threshold: float = 1
    periods: int = 1
    operator: cloudwatch.ComparisonOperator = AT_LEAST
    missing: cloudwatch.TreatMissingData = QUIET


class Alarms(Construct):
    """An alarm for each trouble; every one tells the topic, also when it is over."""

    def __init__(self, scope: Construct, construct_id: str, *, tell: sns.Topic, troubles: Iterable[Trouble]) -> None:
        super().__init__(scope, construct_id)
        self.alarms = [self._alarm(trouble, tell) for trouble in troubles]

    def _alarm(self, trouble: Trouble, tell: sns.Topic) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            trouble.name,
            metric=trouble.metric,
            alarm_description=trouble.text,
            threshold=trouble.threshold,
            evaluation_periods=trouble.periods,
            comparison_operator=trouble.operator,
            treat_missing_data=trouble.missing,
        )
        alarm.add_alarm_action(actions.SnsAction(tell))
        alarm.add_ok_action(actions.SnsAction(tell))
        return alarm


def counted(name: str, *, statistic: str = "Sum", check_id: str = "") -> cloudwatch.Metric:
    """One of the service's own metrics over five minutes."""
    dimensions = {metrics.CHECK: check_id} if check_id else None
    return cloudwatch.Metric(
        namespace=metrics.NAMESPACE, metric_name=name, dimensions_map=dimensions, statistic=statistic, period=PERIOD
    )


def deferred_percent() -> cloudwatch.MathExpression:
    """How many of a hundred messages are answered with a 4xx."""
    return cloudwatch.MathExpression(
        expression=f"IF(messages >= {ENOUGH_MESSAGES}, 100 * deferred / messages, 0)",
        label="Deferred, percent",
        period=PERIOD,
        using_metrics={"messages": counted(metrics.MESSAGES), "deferred": counted(metrics.DEFERRED)},
    )


def check_troubles(check_ids: Iterable[str]) -> list[Trouble]:
    """One trouble per check: it cannot be done for message after message."""
    return [
        Trouble(
            name=f"Check-{check_id}",
            text=f"The check {check_id} answers temperror for many messages: DNS, a list that refuses us, or a fault.",
            metric=counted(metrics.CHECK_TEMPERROR, check_id=check_id),
            threshold=TEMPERRORS,
            periods=3,
        )
        for check_id in check_ids
    ]


def symbol_troubles(specs: Iterable[CheckSpec]) -> list[Trouble]:
    """One trouble per symbol that only the postmaster can mend, such as a DNS list that refuses our questions."""
    return [
        Trouble(
            name=f"Symbol-{symbol.name}",
            text=f"Many messages show {symbol.name}: {symbol.description}.",
            metric=counted(symbol.name),
            threshold=TEMPERRORS,
            periods=3,
        )
        for spec in specs
        for symbol in spec.symbols
        if symbol.is_trouble
    ]


def defence_troubles() -> list[Trouble]:
    """The self-test found a defence that does not notice what it must notice, or a list that must not be asked."""
    return [
        Trouble(
            name="DefenceDead",
            text="A defence is dead. `postern selftest` says which and why.",
            metric=counted(metrics.DEFENCES_DEAD, statistic="Maximum"),
        ),
        Trouble(
            name="DnsListsUnusable",
            text="A DNS list refuses us or lists everything; it is only observed. `postern selftest` says which.",
            metric=counted(metrics.DNS_LISTS_UNUSABLE, statistic="Maximum"),
        ),
    ]


def workflow_troubles(machine: sfn.StateMachine) -> list[Trouble]:
    """The decision could not be made; senders are told to come again."""
    return [
        Trouble(
            name="WorkflowFailed",
            text="Executions of the filter fail: see the state machine's log. Senders are answered 451.",
            metric=machine.metric_failed(period=PERIOD),
        ),
        Trouble(
            name="WorkflowTimedOut",
            text="Executions of the filter take longer than 50 s. Senders are answered 451.",
            metric=machine.metric_timed_out(period=PERIOD),
        ),
        Trouble(
            name="Deferred",
            text="Many messages are answered 4xx. `postern trace --last 20` shows why.",
            metric=deferred_percent(),
            threshold=DEFERRED_PERCENT,
            periods=2,
        ),
    ]


def outgoing_troubles(machine: sfn.StateMachine) -> list[Trouble]:
    """What people here send cannot be judged or signed; they are told to come again."""
    return [
        Trouble(
            name="OutgoingFailed",
            text="Outgoing mail cannot be signed: see the log of sign_message. Its senders are answered 451.",
            metric=machine.metric_failed(period=PERIOD),
        ),
        Trouble(
            name="OutgoingTimedOut",
            text="Signing outgoing mail takes longer than 50 s. Its senders are answered 451.",
            metric=machine.metric_timed_out(period=PERIOD),
        ),
    ]


def delivery_troubles(letters: Mapping[str, sqs.Queue]) -> list[Trouble]:
    """Accepted mail does not get on."""
    stuck = Trouble(
        name="StuckRows",
        text="Accepted messages are not delivered though they are long due: see the log of deliver_message.",
        metric=counted(metrics.STUCK_ROWS, statistic="Maximum"),
        periods=2,
    )
    return [stuck, *(_undelivered(name, queue) for name, queue in letters.items())]


def _undelivered(name: str, queue: sqs.Queue) -> Trouble:
    return Trouble(
        name=f"{name}Letters",
        text=f"The dead-letter queue of {name} holds something: an event could not be handled for an hour.",
        metric=queue.metric_approximate_number_of_messages_visible(period=PERIOD, statistic="Maximum"),
    )


def front_end_troubles(groups: Sequence[elb.NetworkTargetGroup]) -> list[Trouble]:
    """Nobody, or not everybody, answers on a port."""
    found = []
    for at, group in enumerate(groups, 1):
        found += [
            Trouble(
                name=f"FrontEndUnhealthy{at}",
                text="A front-end task does not pass its health check: see the front end's log.",
                metric=group.metrics.un_healthy_host_count(period=Duration.minutes(1), statistic="Maximum"),
                periods=5,
            ),
            Trouble(
                name=f"FrontEndDown{at}",
                text="No front-end task is healthy: no mail is taken.",
                metric=group.metrics.healthy_host_count(period=Duration.minutes(1), statistic="Minimum"),
                operator=BELOW,
                periods=3,
                missing=MISSING_IS_BAD,
            ),
        ]
    return found
