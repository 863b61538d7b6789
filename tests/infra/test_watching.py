"""Alarms, the dashboard and outputs."""

from __future__ import annotations

import json

from postern import catalog
from postern_aws import metrics
from tests.infra.template import Template

ALARM = "AWS::CloudWatch::Alarm"


def test_every_check_has_one_alarm(template: Template) -> None:
    watched = [
        one["Dimensions"][0]["Value"]
        for one in template.all(ALARM).values()
        if one.get("MetricName") == metrics.CHECK_TEMPERROR
    ]
    assert sorted(watched) == sorted(catalog.CHECKS)


def test_every_symbol_that_is_a_trouble_of_ours_has_one_alarm(template: Template) -> None:
    troubles = {symbol.name for spec in catalog.specs() for symbol in spec.symbols if symbol.is_trouble}
    watched = [one["MetricName"] for one in template.all(ALARM).values() if one.get("MetricName") in troubles]
    assert sorted(watched) == sorted(troubles)
    assert "DNSBL_REFUSES_US" in troubles


def test_failures_of_the_workflow_stuck_mail_and_missing_tasks_raise_alarms(template: Template) -> None:
    watched = {one["MetricName"] for one in template.all(ALARM).values() if "MetricName" in one}
    assert {
        "ExecutionsFailed",
        "ExecutionsTimedOut",
        metrics.STUCK_ROWS,
        "HealthyHostCount",
        "UnHealthyHostCount",
        "ApproximateNumberOfMessagesVisible",
    } <= watched


def test_both_state_machines_are_watched(template: Template) -> None:
    failed = [one for one in template.all(ALARM).values() if one.get("MetricName") == "ExecutionsFailed"]
    watched = {one["Dimensions"][0]["Value"] for one in failed}
    assert {name[2:].partition("Machine")[0] for name in watched} == {"Filter", "Outgoing"}


def test_a_high_rate_of_4xx_raises_an_alarm_when_there_is_enough_mail_to_say_so(template: Template) -> None:
    (alarm,) = [one for one in template.all(ALARM).values() if "MetricName" not in one]
    names = {one["MetricStat"]["Metric"]["MetricName"] for one in alarm["Metrics"] if "MetricStat" in one}
    assert names == {metrics.MESSAGES, metrics.DEFERRED}
    (expression,) = [one["Expression"] for one in alarm["Metrics"] if "Expression" in one]
    assert expression.startswith("IF(messages >= 20,")


def test_no_task_at_all_is_an_alarm_also_when_nobody_counts(template: Template) -> None:
    (down,) = [one for name, one in template.all(ALARM).items() if "FrontEndDown" in name]
    assert down["TreatMissingData"] == "breaching"


def test_every_alarm_tells_the_postmaster_that_it_began_and_that_it_is_over(template: Template) -> None:
    topic = next(name for name in template.all("AWS::SNS::Topic") if "Postmaster" in name)
    for alarm in template.all(ALARM).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [f"${{{topic}}}"]
        assert alarm["AlarmDescription"].endswith(".")


def test_metrics_of_our_own_are_in_our_namespace(template: Template) -> None:
    ours = {value for name, value in vars(metrics).items() if name.isupper() and isinstance(value, str)}
    for alarm in template.all(ALARM).values():
        if alarm.get("MetricName") in ours:
            assert alarm["Namespace"] == metrics.NAMESPACE


def test_the_dashboard_shows_every_check(template: Template) -> None:
    body = template.only("AWS::CloudWatch::Dashboard")["DashboardBody"]
    assert json.loads(body)["widgets"]
    assert all(f'"{check_id}"' in body for check_id in catalog.CHECKS)


def test_outputs_have_the_names_that_other_programs_read(template: Template) -> None:
    assert {
        "MessageBucket",
        "PolicyTable",
        "DomainsTable",
        "AccountsTable",
        "AliasesTable",
        "SenderListsTable",
        "OutboxTable",
        "ReceiptsTable",
        "QuarantineTable",
        "MailboxesTable",
        "StateMachineArn",
        "NoticeTopicArn",
        "RelayQueueUrl",
        "TlsSecretArn",
        "CompilePolicyFunction",
        "HostName",
    } <= set(template.outputs())
