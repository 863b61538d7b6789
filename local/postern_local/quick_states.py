"""The state of an execution, passed on instead of copied.

moto's engine copies the whole state some seven hundred times for a message, and writes it out for a history that an
Express execution does not have. Only `ResultPath` changes data that others may hold; made to build a new state
instead, nothing needs to be copied.
"""

from __future__ import annotations

import copy
import importlib
import marshal
import re
from collections.abc import Mapping
from typing import Any

from moto.stepfunctions.parser.asl.component.common.path.result_path import ResultPath
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField

_ENGINE = "moto.stepfunctions.parser.asl"
SHARING = (
    "component.common.string.string_expression",
    "component.state.exec.state_parallel.state_parallel",
    "eval.states",
)
"""Modules of the engine that copy what they only read."""

COPYING = (
    "component.state.exec.execute_state",
    "component.state.exec.state_task.service.state_task_service",
    "eval.environment",
)
"""Modules that change what they have copied."""

_NAMES = re.compile(r"\$(?:\.\w+)+")


def copied(value: Any, memo: Any = None) -> Any:
    """A copy of JSON data, many times faster than `copy.deepcopy`; anything else is copied by that."""
    try:
        return marshal.loads(marshal.dumps(value))  # noqa: S302 - reads what it has just written itself
    except ValueError:
        return copy.deepcopy(value, memo)


class _FastCopy:
    """What a module finds where it expects the module `copy`."""

    deepcopy = staticmethod(copied)
    copy = staticmethod(copy.copy)


class _NoCopy:
    """The same, for a module that only reads."""

    deepcopy = staticmethod(lambda value, memo=None: value)
    copy = staticmethod(lambda value: value)


def placed(state: Any, path: str, value: Any) -> Any:
    """A state like this one with `value` at a path of names; only what is on the way is new."""
    return _placed(state, path.split(".")[1:], value)


def _placed(state: Any, names: list[str], value: Any) -> Any:
    if not names:
        return value
    known = state if isinstance(state, Mapping) else {}
    return {**known, names[0]: _placed(known.get(names[0]), names[1:], value)}


def install() -> None:
    """Let the engine share, place results, and keep no history."""
    for name, stand_in in (*((name, _NoCopy) for name in SHARING), *((name, _FastCopy) for name in COPYING)):
        module: Any = importlib.import_module(f"{_ENGINE}.{name}")
        module.copy = stand_in
    result_path: Any = ResultPath
    evaluate = result_path._eval_body  # noqa: SLF001 - the engine's methods begin so

    def place(self: Any, env: Any) -> None:
        path = self.result_path_src
        if path is None or not (path == "$" or _NAMES.fullmatch(path)):
            evaluate(self, env)
            return
        result = env.stack.pop()
        env.stack.append(placed(env.states.get_input(), path, result))

    result_path._eval_body = place  # noqa: SLF001 - as above
    state: Any = CommonStateField
    state._get_state_entered_event_details = lambda self, env: {"name": self.name}  # noqa: SLF001 - as above
    state._get_state_exited_event_details = lambda self, env: {"name": self.name}  # noqa: SLF001 - as above
