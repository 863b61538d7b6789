"""Lambdas: as their specs say, each with a role of its own that may do what it needs and nothing else."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase

import pytest

from infra.packs import packs
from postern import catalog
from postern.contract import Needs
from postern.workflow import DECIDE_SECONDS, SIGN_SECONDS, Packing
from postern_aws.settings import (
    CompilePolicySettings,
    DecideSettings,
    DeliverySettings,
    LearnSettings,
    RunChecksSettings,
    SelfTestSettings,
    SendDmarcReportsSettings,
    SignSettings,
    ThawSettings,
    UpdateRulesSettings,
    variables,
)
from tests.infra.template import Resource, Template

FUNCTION = "AWS::Lambda::Function"
SETTINGS = {
    "run_checks": RunChecksSettings,
    "decide": DecideSettings,
    "sign_message": SignSettings,
    "deliver_message": DeliverySettings,
    "sweep": DeliverySettings,
    "compile_policy": CompilePolicySettings,
    "thaw_account": ThawSettings,
    "self_test": SelfTestSettings,
    "send_dmarc_reports": SendDmarcReportsSettings,
    "update_rules": UpdateRulesSettings,
    "learn": LearnSettings,
}


def functions(template: Template, folder: str) -> dict[str, Resource]:
    """The deployed functions of one folder, by logical id."""
    return {
        name: one
        for name, one in template.all(FUNCTION).items()
        if one["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == folder
    }


def role_of(function: Resource) -> str:
    role: str = function["Role"].removeprefix("${").removesuffix(".Arn}")
    return role


def test_every_function_runs_on_arm64_with_python_3_13_and_a_log_that_ends(template: Template) -> None:
    logs = template.all("AWS::Logs::LogGroup")
    for function in template.all(FUNCTION).values():
        assert function["Architectures"] == ["arm64"]
        assert function["Runtime"] == "python3.13"
        assert function["Handler"] == "handler.handler"
        assert function["LoggingConfig"]["LogFormat"] == "JSON"
        assert function["LoggingConfig"]["SystemLogLevel"] == "WARN"
        group = function["LoggingConfig"]["LogGroup"].removeprefix("${").removesuffix("}")
        assert logs[group]["RetentionInDays"] == 30


def test_no_function_reserves_concurrency(template: Template) -> None:
    """A new account has ten concurrent executions in all; reserving any would take them from the others."""
    assert not [one for one in template.all(FUNCTION).values() if "ReservedConcurrentExecutions" in one]


def test_every_function_has_a_role_of_its_own(template: Template) -> None:
    roles = [role_of(one) for one in template.all(FUNCTION).values()]
    assert len(set(roles)) == len(roles)


def test_no_role_has_a_policy_that_others_write(template: Template) -> None:
    assert not [one for one in template.all("AWS::IAM::Role").values() if "ManagedPolicyArns" in one]


def test_every_folder_of_functions_is_deployed(template: Template) -> None:
    assert {folder for folder in SETTINGS if functions(template, folder)} == set(SETTINGS)


def test_functions_get_the_variables_they_read_and_no_others(packed: tuple[Packing, Template]) -> None:
    _, template = packed
    for folder, settings in SETTINGS.items():
        for function in functions(template, folder).values():
            given = {name for name in function["Environment"]["Variables"] if name.startswith("POSTERN_")}
            known = variables(settings)
            assert given <= set(known)
            assert {name for name, required in known.items() if required} <= given


def test_checks_are_packed_as_the_context_says_with_memory_and_time_of_their_specs(
    packed: tuple[Packing, Template],
) -> None:
    packing, template = packed
    expected = {
        ",".join(spec.check_id for spec in pack.specs): (pack.memory_mb, pack.seconds)
        for pack in packs(catalog.stages(), packing)
    }
    found = {
        one["Environment"]["Variables"]["POSTERN_CHECKS"]: (one["MemorySize"], one["Timeout"])
        for one in functions(template, "run_checks").values()
    }
    assert found == expected
    assert sum(len(checks.split(",")) for checks in found) == len(catalog.CHECKS)


def test_a_check_may_do_what_its_needs_imply_and_write_its_log(packed: tuple[Packing, Template]) -> None:
    packing, template = packed
    needs = {",".join(spec.check_id for spec in pack.specs): pack.needs for pack in packs(catalog.stages(), packing)}
    for function in functions(template, "run_checks").values():
        allowed = template.statements(role_of(function))
        actions = {action for one in allowed for action in as_list(one["Action"])}
        wanted = needs[function["Environment"]["Variables"]["POSTERN_CHECKS"]]
        assert ("s3:GetObject" in actions) is bool(
            wanted & {Needs.MESSAGE, Needs.SENDER_LISTS, Needs.RULES, Needs.SITE_MODEL}
        )
        assert ("dynamodb:BatchGetItem" in actions) is any(need.value.upper() in tables(template) for need in wanted)
        assert ("secretsmanager:GetSecretValue" in actions) is (Needs.BATV_KEYS in wanted)
        assert ("s3:ListBucket" in actions) is bool(wanted & {Needs.RULES, Needs.SITE_MODEL})
        others = {action for action in actions if not action.startswith(("logs:", "dynamodb:"))}
        assert others <= {"s3:GetObject", "s3:ListBucket", "secretsmanager:GetSecretValue"}


def tables(template: Template) -> set[str]:
    """The needs, in capitals, for which there is a table: SENDER_LISTS for SenderListsTable."""
    names = [name for name in template.outputs() if name.endswith("Table")]
    return {
        "".join(f"_{letter}" if letter.isupper() and at else letter for at, letter in enumerate(name)).upper()
        for name in (name.removesuffix("Table") for name in names)
    }


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_checks_read_objects_only_where_messages_and_policy_lie(template: Template) -> None:
    bucket = next(name for name in template.all("AWS::S3::Bucket") if "MessagesBucket" in name)
    for function in functions(template, "run_checks").values():
        for one in template.statements(role_of(function)):
            if "s3:GetObject" in as_list(one["Action"]):
                prefixes = ("incoming", "policy", "rules", "rule-databases", "learning/models")
                allowed = {f"${{{bucket}.Arn}}/{prefix}/*" for prefix in prefixes}
                assert set(as_list(one["Resource"])) <= allowed


def test_only_the_function_that_makes_databases_of_rules_writes_them(template: Template) -> None:
    ((_, builder),) = functions(template, "update_rules").items()
    writers = {
        one["Roles"][0]
        for one in template.all("AWS::IAM::Policy").values()
        for statement in one["PolicyDocument"]["Statement"]
        if any("rule-databases" in str(where) for where in as_list(statement["Resource"]))
        and {"s3:PutObject", "s3:DeleteObject", "s3:*"} & set(as_list(statement["Action"]))
    }
    assert [role_of(builder) in str(one) for one in writers] == [True]


def test_the_decision_needs_nothing_but_its_log(template: Template) -> None:
    ((_, decide),) = functions(template, "decide").items()
    assert decide["Timeout"] == DECIDE_SECONDS
    actions = {action for one in template.statements(role_of(decide)) for action in as_list(one["Action"])}
    assert actions == {"logs:CreateLogStream", "logs:PutLogEvents"}


def secrets_of(function: Resource, template: Template) -> set[str]:
    """The secrets that a function may read."""
    statements = template.statements(role_of(function))
    return {
        resource
        for one in statements
        if "secretsmanager:GetSecretValue" in as_list(one["Action"])
        for resource in as_list(one["Resource"])
    }


def test_only_the_function_that_signs_may_read_the_keys_that_sign(template: Template) -> None:
    keys = ":secret:postern-dkim/*"
    readers = {
        one["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        for one in template.all(FUNCTION).values()
        if any(secret.endswith(keys) for secret in secrets_of(one, template))
    }
    assert readers == {"sign_message"}
    front_end = template.only("AWS::ECS::TaskDefinition")["TaskRoleArn"].removeprefix("${").removesuffix(".Arn}")
    named = [name for one in template.statements(front_end) for name in as_list(one["Resource"])]
    secrets = [name.rpartition(":secret:")[2] for name in named if ":secret:" in name]
    assert secrets
    assert not any(fnmatchcase("postern-dkim/example.com-AbCdEf", secret) for secret in secrets)


def test_the_function_that_signs_reads_the_message_and_keys_and_writes_nothing(template: Template) -> None:
    ((_, sign),) = functions(template, "sign_message").items()
    assert sign["Timeout"] == SIGN_SECONDS
    actions = {action for one in template.statements(role_of(sign)) for action in as_list(one["Action"])}
    assert actions == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
        "secretsmanager:GetSecretValue",
    }


# Each with the reason that AWS's own documentation gives: the action knows no resources.
WITHOUT_RESOURCE = {
    "dynamodb:ListStreams",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
}


def test_only_actions_that_know_no_resources_are_allowed_on_all(production: Template) -> None:
    for policy in production.all("AWS::IAM::Policy").values():
        for one in policy["PolicyDocument"]["Statement"]:
            assert not [action for action in as_list(one["Action"]) if "*" in action]
            if "*" in as_list(one["Resource"]):
                assert set(as_list(one["Action"])) <= WITHOUT_RESOURCE


@pytest.mark.parametrize("folder", ["deliver_message", "compile_policy"])
def test_streams_are_tried_again_in_parts_and_end_with_a_letter(template: Template, folder: str) -> None:
    ((name, _),) = functions(template, folder).items()
    sources = [
        one for one in template.all("AWS::Lambda::EventSourceMapping").values() if one["FunctionName"] == f"${{{name}}}"
    ]
    assert sources
    for source in sources:
        assert source["BisectBatchOnFunctionError"] is True
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["MaximumRetryAttempts"] == 3
        assert source["StartingPosition"] == "TRIM_HORIZON"
        assert "Letters" in source["DestinationConfig"]["OnFailure"]["Destination"]


def test_delivery_is_called_for_commits_that_nobody_has_tried_yet(template: Template) -> None:
    (source,) = [
        one
        for one in template.all("AWS::Lambda::EventSourceMapping").values()
        if "OutboxTable" in one["EventSourceArn"]
    ]
    (wanted,) = source["FilterCriteria"]["Filters"]
    image = json.loads(wanted["Pattern"])["dynamodb"]["NewImage"]
    assert image == {"queue": {"S": ["deliver"]}, "attempts": {"N": [{"exists": False}]}}


def test_requests_to_learn_are_tried_five_times_and_end_with_a_letter(template: Template) -> None:
    ((name, function),) = functions(template, "learn").items()
    (source,) = [
        one for one in template.all("AWS::Lambda::EventSourceMapping").values() if one["FunctionName"] == f"${{{name}}}"
    ]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["ScalingConfig"] == {"MaximumConcurrency": 2}
    queue = template.all("AWS::SQS::Queue")[source["EventSourceArn"].removeprefix("${").removesuffix(".Arn}")]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    assert queue["VisibilityTimeout"] == 6 * function["Timeout"]


def test_learning_writes_what_scans_read_and_reads_only_mail_and_policy(template: Template) -> None:
    ((_, function),) = functions(template, "learn").items()
    bucket = next(name for name in template.all("AWS::S3::Bucket") if "MessagesBucket" in name)
    found: dict[str, set[str]] = {}
    for one in template.statements(role_of(function)):
        for action in as_list(one["Action"]):
            found.setdefault(action, set()).update(as_list(one["Resource"]))
    written = {f"${{{bucket}.Arn}}/learning/{kind}/*" for kind in ("models", "lessons")}
    assert found["s3:PutObject"] == found["s3:DeleteObject"] == written
    assert not [resource for resource in found["s3:GetObject"] if resource.endswith(".Arn}/*")]


def test_the_self_test_may_switch_dns_lists_and_change_nothing_else_of_policy(template: Template) -> None:
    ((_, function),) = functions(template, "self_test").items()
    (statement,) = [one for one in template.statements(role_of(function)) if "dynamodb:UpdateItem" in one["Action"]]
    assert sorted(statement["Action"]) == ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    assert statement["Condition"]["ForAllValues:StringEquals"] == {
        "dynamodb:LeadingKeys": ["global"],
        "dynamodb:Attributes": ["scope", "section", "switched"],
    }


@pytest.mark.parametrize(
    ("function", "schedule"),
    [
        ("sweep", "rate(1 minute)"),
        ("self_test", "rate(1 day)"),
        ("send_dmarc_reports", "rate(6 hours)"),
        ("learn", "rate(1 hour)"),
        ("update_rules", "rate(12 hours)"),
    ],
)
def test_what_runs_by_the_clock(template: Template, function: str, schedule: str) -> None:
    ((name, _),) = functions(template, function).items()
    rules = [rule for rule in template.all("AWS::Events::Rule").values() if rule["ScheduleExpression"] == schedule]
    assert [target["Arn"] for rule in rules for target in rule["Targets"]] == [f"${{{name}.Arn}}"]
