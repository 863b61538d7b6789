"""StartSyncExecution for moto 5.2.5, which executes state machines but has no route for this call."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from moto.core.responses import ActionResult
from moto.stepfunctions.parser.backend.execution import SyncExecution
from moto.stepfunctions.parser.utils import TMP_THREADS
from moto.stepfunctions.responses import StepFunctionResponse

from postern_aws import clients

ROLE_ARN = "arn:aws:iam::123456789012:role/filter"


def start_sync_execution(self: Any) -> ActionResult:
    """What moto's response class would do, had it the call."""
    arn, name = self._get_param("stateMachineArn"), self._get_param("name")
    machine = self.stepfunction_backend.describe_state_machine(arn)
    execution = SyncExecution(
        name=name,
        sm_type="EXPRESS",
        role_arn=machine.roleArn,
        account_id=self.current_account,
        region_name=self.region,
        exec_arn=f"{arn.replace(':stateMachine:', ':express:')}:{name}:{uuid.uuid4()}",
        state_machine=machine,
        activity_store={},
        start_date=datetime.now(UTC),
        cloud_watch_logging_session=None,
        input_data=self._get_param("input", "{}"),
    )
    execution.start()
    TMP_THREADS[:] = [thread for thread in TMP_THREADS if thread.is_alive()]
    return ActionResult(execution.to_start_sync_execution_output())


def add_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give moto the call for one test."""
    monkeypatch.setattr(StepFunctionResponse, "start_sync_execution", start_sync_execution, raising=False)


def create_machine(definition: str) -> str:
    """An Express state machine; its ARN."""
    made = clients.state_machine().create_state_machine(
        name=f"m{uuid.uuid4().hex[:8]}", definition=definition, roleArn=ROLE_ARN, type="EXPRESS"
    )
    return made["stateMachineArn"]
