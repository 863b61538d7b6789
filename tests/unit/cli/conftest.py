"""The commands as a person runs them, against an AWS in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner, Result

from postern_cli import console
from postern_cli.main import app
from postern_cli.service import DEFAULT_STACK, Output
from tests.embedded_aws import BUCKET, KEYS, Installation, installation

WIDE = 250


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs `postern` in this process."""

    runner: CliRunner

    def __call__(self, *arguments: str, code: int = 0, stdin: str | bytes | None = None) -> Result:
        """The result of a command that ends with this exit code."""
        result = self.runner.invoke(app, arguments, input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What a command says to machines."""
        return json.loads(self(*arguments, "--json", code=code).stdout)


@pytest.fixture
def postern(monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line, on a wide terminal."""
    for one in (console.out, console.err):
        monkeypatch.setattr(one, "_width", WIDE)
    return CommandLine(CliRunner())


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A deployed installation with its stack, which commands find by themselves."""
    monkeypatch.delenv("POSTERN_LOCAL", raising=False)  # of whoever runs the tests: his service is not to be changed
    monkeypatch.setenv("POSTERN_STACK", DEFAULT_STACK)
    with installation(monkeypatch) as made:
        _create_stack(made)
        yield made


def _create_stack(made: Installation) -> None:
    outputs = {f"{name}Table": name for name in KEYS}
    outputs |= {Output.MESSAGE_BUCKET.value: BUCKET, Output.RELAY_QUEUE_URL.value: made.relay_queue_url}
    outputs[Output.BATV_SECRET_ARN.value] = made.batv_secret_arn
    outputs[Output.LEARN_QUEUE_URL.value] = boto3.client("sqs").create_queue(QueueName="learn")["QueueUrl"]
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    boto3.client("cloudformation").create_stack(StackName=DEFAULT_STACK, TemplateBody=json.dumps(template))


Run = Callable[..., Result]
