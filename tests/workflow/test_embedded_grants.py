"""Whatever functions and front ends call while the samples pass, their roles allow, on those very resources.

The embedded AWS forbids nothing; so every call is written down and held against the synthesized policies.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import pytest

from postern_local.account import STACK
from postern_local.synthesis import ROOT
from tests.infra.template import Resource, Template, synthesized
from tests.workflow.grants_child import FRONT_END

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

# What IAM calls the actions of an operation, where that is not the operation's name.
ACTIONS = {
    "s3:HeadObject": "s3:GetObject",
    "stepfunctions:StartSyncExecution": "states:StartSyncExecution",
}
READ_SECRET = "secretsmanager:GetSecretValue"
_SUFFIX = re.compile(r"-LOCAL(?:-\w+)?$")


@dataclass(frozen=True, slots=True)
class Call:
    """A call: an IAM action, and the resource as the template's policies would write it."""

    who: str
    action: str
    resource: str


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    folder = tmp_path_factory.mktemp("grants")
    path = folder / "calls.jsonl"
    command = [sys.executable, "-m", "tests.workflow.grants_child", str(folder / "data"), str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=500)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    return [call for line in path.read_text(encoding="utf-8").splitlines() for call in read_calls(json.loads(line))]


def read_calls(line: dict[str, Any]) -> Iterator[Call]:
    who = _SUFFIX.sub("", line["who"]).removeprefix(f"{STACK}-")
    for named in line["named"]:
        kind, _, transacted = named.partition(":")
        operation, name = (f"{kind}Item", transacted) if line["operation"] == "TransactWriteItems" else ("", named)
        action = f"{line['service']}:{operation or line['operation']}"
        yield Call(who, ACTIONS.get(action, action), logical(name))


def logical(name: str) -> str:
    """A physical name as the template's policies name the resource: the logical id, and what is within."""
    name = name.rpartition(":")[2] if name.startswith("arn:") else name
    if name.startswith("https://"):
        name = name.rpartition("/")[2]
    whole, _, within = name.partition("/")
    bucket = re.fullmatch(r"postern-(\w+)-local", whole)
    if bucket:
        return f"{bucket[1]}/{within}"
    plain = _SUFFIX.sub("", whole).removeprefix(f"{STACK}-")
    return f"{plain}/{within}" if within else plain


def allowed(statement: Resource, call: Call) -> bool:
    actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
    resources = [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]
    return call.action in actions and any(fits(resource, call.resource) for resource in resources)


def fits(pattern: str, resource: str) -> bool:
    """Whether a policy's resource, written out, covers a resource; buckets have lower-case names."""
    plain = re.sub(r"\$\{(\w+)(?:\.\w+)?\}", r"\1", pattern).rpartition(":secret:")[2]
    return fnmatchcase(resource.lower(), plain.lower())


def role_of(template: Template, who: str) -> str:
    if who == FRONT_END:
        role: str = template.only("AWS::ECS::TaskDefinition")["TaskRoleArn"]
    else:
        role = template.all("AWS::Lambda::Function")[who]["Role"]
    return role.removeprefix("${").removesuffix(".Arn}")


def test_every_call_is_allowed(calls: list[Call]) -> None:
    template = synthesized()
    forbidden = [
        call
        for call in calls
        if not any(allowed(statement, call) for statement in template.statements(role_of(template, call.who)))
    ]
    assert forbidden == []


def test_the_samples_exercise_front_end_filter_delivery_and_compilation(calls: list[Call]) -> None:
    who = {call.who for call in calls}
    assert FRONT_END in who
    for part in ("Checksrules", "DeliveryDeliver", "DeliverySweep", "PolicyCompile", "SignFunction"):
        assert any(one.startswith(part) for one in who), part
    actions = {call.action for call in calls}
    signing = {(call.action, call.resource) for call in calls if call.who.startswith("SignFunction")}
    assert (READ_SECRET, "postern-dkim/example.com") in signing
    assert {"s3:PutObject", "dynamodb:UpdateItem", "states:StartSyncExecution", "sqs:ReceiveMessage"} <= actions
