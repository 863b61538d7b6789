"""One page that shows what the service does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.alarms import PERIOD, counted
from postern_aws import metrics

HALF = 12
WHOLE = 24


class Dashboard(Construct):
    """Messages and answers, what is sent, the time they take, troubles of checks and delivery, and the alarms."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alarms: Sequence[cloudwatch.Alarm],
        check_ids: Iterable[str],
        functions: Mapping[str, lambda_.Function],
        machine: sfn.StateMachine,
        outbound_machine: sfn.StateMachine,
    ) -> None:
        super().__init__(scope, construct_id)
        self.dashboard = cloudwatch.Dashboard(self, "Dashboard")
        self.dashboard.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=WHOLE))
        self.dashboard.add_widgets(_answers(), _times(machine))
        self.dashboard.add_widgets(_checks(check_ids), _delivery())
        self.dashboard.add_widgets(_sent(), _signing_times(outbound_machine))
        self.dashboard.add_widgets(_functions(functions))


def _answers() -> cloudwatch.GraphWidget:
    names = (metrics.ACCEPTED, metrics.DEFERRED, metrics.REFUSED, metrics.FLAGGED)
    return cloudwatch.GraphWidget(title="Messages", stacked=True, left=[counted(name) for name in names], width=HALF)


def _times(machine: sfn.StateMachine) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title="Milliseconds to a decision",
        left=[
            counted(metrics.FILTER_MILLISECONDS, statistic="p50"),
            counted(metrics.FILTER_MILLISECONDS, statistic="p95"),
            machine.metric_time(statistic="p95", period=PERIOD, label="workflow p95"),
        ],
        width=HALF,
    )


def _checks(check_ids: Iterable[str]) -> cloudwatch.GraphWidget:
    troubles = [counted(metrics.CHECK_TEMPERROR, check_id=check_id) for check_id in check_ids]
    return cloudwatch.GraphWidget(title="temperror per check", left=troubles, width=HALF)


def _delivery() -> cloudwatch.GraphWidget:
    names = (metrics.DELIVERY_FAILED, metrics.RELAY_DEFERRED, metrics.RELAY_FAILED, metrics.MAIL_RETURNED)
    return cloudwatch.GraphWidget(
        title="Delivery",
        left=[counted(name) for name in names],
        right=[counted(metrics.STUCK_ROWS, statistic="Maximum")],
        width=HALF,
    )


def _sent() -> cloudwatch.GraphWidget:
    names = (metrics.SENT_SIGNED, metrics.SENT_UNSIGNED)
    return cloudwatch.GraphWidget(title="Sent", stacked=True, left=[counted(name) for name in names], width=HALF)


def _signing_times(machine: sfn.StateMachine) -> cloudwatch.GraphWidget:
    times = [machine.metric_time(statistic=one, period=PERIOD, label=f"outgoing {one}") for one in ("p50", "p95")]
    return cloudwatch.GraphWidget(title="Milliseconds to a signature", left=times, width=HALF)


def _functions(functions: Mapping[str, lambda_.Function]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title="Functions: errors and throttles",
        left=[function.metric_errors(label=name, period=PERIOD) for name, function in functions.items()],
        right=[function.metric_throttles(label=name, period=PERIOD) for name, function in functions.items()],
        width=WHOLE,
    )
