"""Functions that run again and again."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct


def run_every(scope: Construct, interval: Duration, function: lambda_.Function, *, name: str = "Schedule") -> None:
    """Run a function at an interval; a run that failed is not tried again, because the next one comes anyway."""
    target = targets.LambdaFunction(function, retry_attempts=0)
    events.Rule(scope, name, schedule=events.Schedule.rate(interval), targets=[target])
