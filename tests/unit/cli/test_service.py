"""Which service a command talks to, and what is said when there is none."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from postern_cli.service import Output, Service, ServiceNotFound, Target, connect
from postern_local.service_file import SERVICE_FILE
from tests.embedded_aws import REGION
from tests.unit.cli.conftest import CommandLine

NOBODY = 2**22 + 1
"""A process that is not: more than Linux numbers them."""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    """Writes what a local service of that process would have written, in the working directory."""
    monkeypatch.chdir(tmp_path)

    def write(pid: int) -> Path:
        directory = tmp_path / ".postern"
        directory.mkdir()
        directory.joinpath(SERVICE_FILE).write_text(json.dumps({"pid": pid, "endpoint_url": "http://127.0.0.1:1"}))
        return directory

    return write


def test_a_local_service_that_runs_here_is_taken_by_itself(state: Callable[[int], Path]) -> None:
    state(os.getpid())
    assert connect(Target()).name == "the local service in .postern"


def test_a_stack_or_region_means_aws_all_the_same(state: Callable[[int], Path]) -> None:
    state(os.getpid())
    assert connect(Target(region=REGION)).name == "the stack Postern"
    assert connect(Target(stack="Other")).name == "the stack Other"


def test_a_local_service_that_died_is_not_taken(state: Callable[[int], Path]) -> None:
    directory = state(NOBODY)
    assert connect(Target()).name == "the stack Postern"
    with pytest.raises(ServiceNotFound, match="no local service runs"):
        connect(Target(local=directory))


@pytest.mark.usefixtures("aws")
def test_names_come_from_the_stack() -> None:
    service = connect(Target())
    assert service.output(Output.POLICY_TABLE) == "Policy"


@pytest.mark.usefixtures("aws")
def test_a_stack_that_is_not_there_is_named(postern: CommandLine) -> None:
    told = postern("accounts", "show", "--stack", "Elsewhere", code=3).stderr
    assert "the stack Elsewhere" in told
    assert "--region" in told


def test_an_older_deployment_is_told_apart() -> None:
    service = Service("the stack Postern", "Postern", lambda kind: None)
    service.__dict__["outputs"] = {}
    with pytest.raises(ServiceNotFound, match="no output QuarantineTable") as missing:
        service.output(Output.QUARANTINE_TABLE)
    assert "Deploy" in missing.value.hint


def test_without_a_region_the_ways_out_are_named(postern: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    told = postern("accounts", "show", code=3).stderr
    assert "no AWS region" in told
    assert "postern up" in told
