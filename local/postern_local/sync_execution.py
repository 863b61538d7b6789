"""StartSyncExecution, which moto's HTTP face does not route although its engine can do it.

The engine is the same that runs any state machine in moto; only what it parses again for every execution is kept.
"""

from __future__ import annotations

import functools
import json
import re
import uuid
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import InvalidExecutionInput
from moto.stepfunctions.parser.api import StateMachineType
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.backend.execution import SyncExecution
from moto.stepfunctions.parser.utils import TMP_THREADS
from moto.stepfunctions.responses import StepFunctionResponse

from postern_local import quick_states
from postern_local.aws_limits import STATE_DATA

PATHS_KEPT = 2048
DEFINITIONS_KEPT = 16
_DEFINITE_PATH = re.compile(r"\$(?:\.\w+|\[\d+\])*")


def start_sync_execution(response: Any) -> ActionResult:
    """The API's action, as a method of moto's response class. Answers 200 also when the execution failed."""
    arn = response._get_param("stateMachineArn")  # noqa: SLF001 - how every action of moto reads its parameters
    name = response._get_param("name") or str(uuid.uuid4())  # noqa: SLF001 - as above
    given = response._get_param("input") or "{}"  # noqa: SLF001 - as above
    _check_input(given)
    machine = response.stepfunction_backend.describe_state_machine(arn)
    execution = SyncExecution(
        name=name,
        sm_type=StateMachineType.EXPRESS,
        role_arn=machine.roleArn,
        account_id=response.current_account,
        region_name=response.region,
        exec_arn=f"{arn.replace(':stateMachine:', ':express:')}:{name}:{uuid.uuid4()}",
        state_machine=machine,
        activity_store={},
        start_date=datetime.now(UTC),
        cloud_watch_logging_session=None,
        input_data=given,
    )
    execution.start()
    forget_finished_threads()
    billing = {"billedMemoryUsedInMB": 64, "billedDurationInMilliseconds": 0}
    return ActionResult({**execution.to_start_sync_execution_output(), "billingDetails": billing})


def _check_input(given: str) -> None:
    if len(given.encode("utf-8")) > STATE_DATA:
        raise InvalidExecutionInput(f"The input is longer than {STATE_DATA} octets")
    try:
        json.loads(given)
    except ValueError as wrong:
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: {wrong}") from wrong


def forget_finished_threads() -> None:
    """Let go of the threads of this execution, which moto would keep for ever."""
    TMP_THREADS[:] = [thread for thread in TMP_THREADS if thread.is_alive()]


def names_one_value(path: str) -> bool:
    """Whether a path has only names and literal indexes: then AWS answers with the value, not with a list of it."""
    return _DEFINITE_PATH.fullmatch(path) is not None


def install(invoke: Any) -> None:
    """Route StartSyncExecution, keep parsed definitions and paths, and call functions by `invoke`."""
    response: Any = StepFunctionResponse
    response.start_sync_execution = start_sync_execution
    parser: Any = AmazonStateLanguageParser
    parser.parse = staticmethod(functools.lru_cache(DEFINITIONS_KEPT)(parser.parse))
    result_paths: Any = result_path
    result_paths.parse = functools.lru_cache(PATHS_KEPT)(result_paths.parse)
    paths: Any = json_path
    paths._is_singleton_array_access = names_one_value  # noqa: SLF001 - the only seam
    paths.parse = functools.lru_cache(PATHS_KEPT)(paths.parse)
    quick_states.install()
    lambda_eval_utils._invoke_lambda_function = invoke  # noqa: SLF001 - the seam between state machine and Lambda
