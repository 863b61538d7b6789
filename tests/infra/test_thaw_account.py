"""The function behind the link that thaws: open to everybody, able to do little."""

from __future__ import annotations

from infra.settings import read_settings
from tests.infra.template import CONTEXT, Template
from tests.infra.test_functions import as_list, functions, role_of


def test_its_address_is_open_because_the_link_is_signed(template: Template) -> None:
    ((name, function),) = functions(template, "thaw_account").items()
    url = template.only("AWS::Lambda::Url")
    assert url["AuthType"] == "NONE"
    assert url["TargetFunctionArn"] == f"${{{name}.Arn}}"
    assert "Cors" not in url
    assert function["Timeout"] <= 20


def test_it_can_thaw_and_nothing_else(template: Template) -> None:
    ((_, function),) = functions(template, "thaw_account").items()
    allowed = {
        (action, resource)
        for one in template.statements(role_of(function))
        for action in as_list(one["Action"])
        for resource in as_list(one["Resource"])
        if not action.startswith("logs:")
    }
    tables = {action: {name for kind, name in allowed if kind == action} for action, _ in allowed}
    assert {name.split("Table")[0] for name in map(_short, tables["dynamodb:UpdateItem"])} <= {"Accounts", "Outbox"}
    assert all("ScreeningTable" in name or "OutboxTable" in name for name in tables["dynamodb:DeleteItem"])
    assert all("ThawAccountKey" in name for name in tables["secretsmanager:GetSecretValue"])
    assert set(tables) == {
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:Query",
        "dynamodb:BatchGetItem",
        "secretsmanager:GetSecretValue",
    }


def _short(resource: str) -> str:
    return resource.removeprefix("${").split("Tables")[-1]


def test_its_key_is_generated_and_only_it_and_the_front_end_may_read_it(template: Template) -> None:
    secret = template.named("AWS::SecretsManager::Secret", "ThawAccountKey")
    assert secret["GenerateSecretString"] == {"ExcludePunctuation": True, "PasswordLength": 64}
    readers = [
        policy["Roles"]
        for policy in template.all("AWS::IAM::Policy").values()
        for one in policy["PolicyDocument"]["Statement"]
        if any("ThawAccountKey" in resource for resource in as_list(one["Resource"]))
    ]
    assert len(readers) == 2
    assert any("FrontEnd" in roles[0] for roles in readers)


def test_the_front_end_knows_where_links_lead(template: Template) -> None:
    container = template.only("AWS::ECS::TaskDefinition")["ContainerDefinitions"][0]
    variables = {one["Name"]: one["Value"] for one in container["Environment"]}
    assert variables["POSTERN_THAW_URL"].endswith(".FunctionUrl}")
    assert variables["POSTERN_THAW_SECRET_ARN"] == template.outputs()["ThawSecretArn"]


def test_executions_are_reserved_for_it_only_when_asked_for() -> None:
    """A new account has ten executions in all, of which none can be reserved."""
    context = {**CONTEXT, "thaw_concurrency": "2"}
    assert read_settings(CONTEXT.get).thaw_concurrency == 0
    assert read_settings(context.get).thaw_concurrency == 2
