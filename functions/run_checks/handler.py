"""Runs the checks it is asked for; deployed once per check, or once per stage."""

from __future__ import annotations

from typing import Any

from postern_aws.check_function import CheckFunction
from postern_aws.runtime import configure, entry_point
from postern_aws.settings import RunChecksSettings

_function = CheckFunction(configure(RunChecksSettings))


@entry_point("run_checks")
def handler(event: Any, context: Any) -> Any:
    """A check request (see `postern.exchange`) to its response."""
    return _function.run(event)
