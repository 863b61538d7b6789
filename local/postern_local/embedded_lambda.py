"""Between moto's Lambda and the runtime in this process: every way to invoke a function leads here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

from postern_local.account import ACCOUNT, REGION
from postern_local.aws_limits import STATE_DATA
from postern_local.function_runtime import Deployed, FunctionRuntime

Json = Any


class EmbeddedLambda:
    """Invokes the functions of a cloud assembly."""

    def __init__(self, assembly: Path, runtime: FunctionRuntime) -> None:
        self._assembly = assembly
        self._runtime = runtime

    def install(self) -> None:
        """Take the place of moto's Docker."""
        embedded = self

        def invoke(function: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
            del request_headers
            return embedded.invoke_for_api(function, body, response_headers)

        model: Any = LambdaFunction
        model.invoke = invoke

    def invoke_for_api(self, function: Any, body: str | bytes | None, response_headers: Any) -> bytes:
        """The Invoke action: the payload out, and a header when the function failed."""
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        answer = self._runtime.invoke(self.deployed(function), text or "{}")
        if answer.error:
            response_headers["x-amz-function-error"] = answer.error
        return answer.payload.encode("utf-8")

    def invoke_for_task(self, parameters: Json, region: str, state_credentials: Any) -> Json:
        """A Task of a state machine: the same, without a client between."""
        del state_credentials
        function = lambda_backends[ACCOUNT][region].get_function(parameters["FunctionName"])
        answer = self._runtime.invoke(self.deployed(function), _text(parameters.get("Payload")))
        if answer.error:
            raise lambda_eval_utils.LambdaFunctionErrorException(answer.error, answer.payload)
        return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": json.loads(answer.payload)}

    def invoke_by_name(self, name: str, event: Json) -> Json:
        """An event from a stream or a schedule. Raises `FunctionFailedError`."""
        function = lambda_backends[ACCOUNT][REGION].get_function(name)
        answer = self._runtime.invoke(self.deployed(function), json.dumps(event))
        if answer.error:
            raise FunctionFailedError(f"{function.function_name}: {answer.payload}")
        return json.loads(answer.payload)

    def deployed(self, function: Any) -> Deployed:
        """A function of moto's as the runtime sees it."""
        asset = Path(function.code["S3Key"]).stem
        return Deployed(
            name=function.function_name,
            arn=function.function_arn,
            code=self._assembly / f"asset.{asset}",
            handler=function.handler,
            seconds=float(function.timeout),
            memory_mb=int(function.memory_size),
            variables={name: str(value) for name, value in function.environment_vars.items()},
        )


class FunctionFailedError(Exception):
    """An asynchronous invocation failed; the text holds Lambda's answer."""


def refused(code: str, text: str, status: int) -> ClientError:
    """What Lambda's API answers when it does not invoke the function."""
    response: Any = {
        "Error": {"Code": code, "Message": text},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "local"},
    }
    return ClientError(response, "Invoke")


def _text(payload: Any) -> str:
    if isinstance(payload, bytes):
        text = payload.decode("utf-8")
    else:
        text = payload if isinstance(payload, str) else json.dumps(payload)
    if len(text.encode("utf-8")) > STATE_DATA:
        raise refused("States.DataLimitExceeded", "The task's input is larger than a state machine may carry", 400)
    return text
