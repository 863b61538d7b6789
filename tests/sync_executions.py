"""Express state machines that answer at once, by the embedded service's route for StartSyncExecution."""

from __future__ import annotations

import uuid

import pytest
from moto.stepfunctions.responses import StepFunctionResponse

from postern_aws import clients
from postern_local.sync_execution import start_sync_execution

ROLE_ARN = "arn:aws:iam::123456789012:role/filter"


def add_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give moto the call for one test."""
    monkeypatch.setattr(StepFunctionResponse, "start_sync_execution", start_sync_execution, raising=False)


def create_machine(definition: str) -> str:
    """An Express state machine; its ARN."""
    made = clients.state_machine().create_state_machine(
        name=f"m{uuid.uuid4().hex[:8]}", definition=definition, roleArn=ROLE_ARN, type="EXPRESS"
    )
    return made["stateMachineArn"]
