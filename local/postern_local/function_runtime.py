"""Lambda in this process: the handlers of the synthesized assets, called as Lambda would call them.

What Lambda does around a handler is done here too: its own environment and module, a context that knows the time
left, JSON in and out, the limits of payloads, an end when the time is over.
"""

from __future__ import annotations

import contextvars
import importlib.util
import json
import logging
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from postern_local import environment
from postern_local.aws_limits import LAMBDA_SYNCHRONOUS_PAYLOAD

Json = Any
Handler = Callable[[Json, "InvocationContext"], Json]

TIMED_OUT = "Sandbox.Timedout"
MARSHAL_ERROR = "Runtime.MarshalError"
TOO_LARGE = "Function.ResponseSizeTooLarge"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Deployed:
    """A function as it was deployed: where its code lies, what it is called with."""

    name: str
    arn: str
    code: Path
    handler: str
    seconds: float
    memory_mb: int
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an invocation gave: the payload as JSON text, and Lambda's word for an error, empty for none."""

    payload: str
    error: str = ""


@dataclass(slots=True)
class InvocationContext:
    """What Lambda gives a handler beside the event."""

    function: Deployed
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    ends_at: float = 0.0

    @property
    def function_name(self) -> str:
        """The function's name."""
        return self.function.name

    @property
    def invoked_function_arn(self) -> str:
        """The function's ARN."""
        return self.function.arn

    @property
    def memory_limit_in_mb(self) -> int:
        """The function's memory."""
        return self.function.memory_mb

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation is ended."""
        return max(0, int((self.ends_at - time.monotonic()) * 1000))


class FunctionRuntime:
    """Invokes deployed functions. Each has a module of its own, loaded at its first invocation."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self._loading = threading.Lock()

    def invoke(self, function: Deployed, payload: str) -> Answer:
        """Call the handler with a JSON text. Whatever happens is an answer."""
        if len(payload.encode("utf-8")) > LAMBDA_SYNCHRONOUS_PAYLOAD:
            return _failure("RequestEntityTooLargeException", "the payload is larger than Lambda takes")
        context = InvocationContext(function, ends_at=time.monotonic() + function.seconds)
        done: list[Answer] = []
        work = contextvars.copy_context()
        thread = threading.Thread(
            target=lambda: done.append(work.run(self._call, function, payload, context)),
            name=f"function {function.name}",
            daemon=True,
        )
        thread.start()
        thread.join(function.seconds)
        if not done:
            return _failure(TIMED_OUT, f"Task timed out after {function.seconds:.2f} seconds")
        return done[0]

    def _call(self, function: Deployed, payload: str, context: InvocationContext) -> Answer:
        variables = {**function.variables, "AWS_LAMBDA_FUNCTION_NAME": function.name}
        with environment.overlaid(variables):
            try:
                result = self._handler(function)(json.loads(payload), context)
            except Exception as trouble:  # noqa: BLE001 - what a handler raises is the invocation's answer
                _log.debug("%s raised", function.name, exc_info=trouble)
                return _failure(type(trouble).__name__, str(trouble))
        return _marshalled(result)

    def _handler(self, function: Deployed) -> Handler:
        with self._loading:
            if function.arn not in self._handlers:
                self._handlers[function.arn] = _load(function)
        return self._handlers[function.arn]


def _load(function: Deployed) -> Handler:
    module_name, _, attribute = function.handler.rpartition(".")
    path = function.code / f"{module_name.replace('.', '/')}.py"
    own_name = "postern_function_" + "".join(letter if letter.isalnum() else "_" for letter in function.name)
    spec = importlib.util.spec_from_file_location(own_name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[own_name] = module
    spec.loader.exec_module(module)
    handler: Handler = getattr(module, attribute)
    return handler


def _marshalled(result: Json) -> Answer:
    """As Lambda's runtime for Python does it: a lone surrogate or an unknown type fails, NaN and decimals pass."""
    try:
        text = json.dumps(result, ensure_ascii=False, default=_default)
        octets = len(text.encode("utf-8"))
    except (TypeError, ValueError) as wrong:
        return _failure(MARSHAL_ERROR, f"Unable to marshal response: {wrong}")
    if octets > LAMBDA_SYNCHRONOUS_PAYLOAD:
        return _failure(TOO_LARGE, "Response payload size exceeded maximum allowed payload size (6291556 bytes).")
    return Answer(text)


def _default(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _failure(kind: str, text: str) -> Answer:
    return Answer(json.dumps({"errorMessage": text, "errorType": kind}), "Unhandled")
