"""Compiles policy: fed by the streams of the policy tables, or called with any event."""

from __future__ import annotations

from functools import cache
from typing import Any

from postern_aws.compile_function import CompileFunction
from postern_aws.runtime import configure, entry_point
from postern_aws.settings import CompilePolicySettings


@cache
def _function() -> CompileFunction:
    return CompileFunction(configure(CompilePolicySettings))


@entry_point("compile_policy")
def handler(event: Any, context: Any) -> Any:
    """Any event to the published version and the problems."""
    return _function().run()
