"""The whole service for the samples and a submission, with every AWS call of functions and front ends written down.

`python -m tests.workflow.grants_child DIRECTORY CALLS` writes a line of JSON for each distinct call.
"""

from __future__ import annotations

import io
import json
import os
import smtplib
import ssl
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore import handlers
from rich.console import Console

from postern_local import endpoint
from postern_local.demonstration import HOSTED, PASSWORD
from postern_local.samples import wait_until_delivered
from postern_local.service import LocalOptions, LocalService

FRONT_END = "front end"


class Calls:
    """The distinct calls so far: who, which operation, with which parameters that name a resource."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._known: set[str] = set()

    def note(self, who: str, service: str, operation: str, named: list[str]) -> None:
        """Write a call down, once."""
        line = json.dumps({"who": who, "service": service, "operation": operation, "named": sorted(set(named))})
        with self._writing:
            if line not in self._known:
                self._known.add(line)
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(f"{line}\n")

    def of_function(self, params: Any, model: Any, **_: Any) -> None:
        """botocore's event before a request is built, in the functions of this process."""
        function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        if function:
            self.note(function, model.service_model.service_name, model.name, names_in(params))

    def of_front_end(self, application: Any) -> Any:
        """A WSGI application that notes what comes in by HTTP."""

        def run(environ: Any, start_response: Any) -> Any:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            self.note(FRONT_END, *operation_of(environ, body))
            return application(environ, start_response)

        return run


def names_in(params: Any) -> list[str]:
    """Every name of a resource in the parameters of a call."""
    found: list[str] = []
    if isinstance(params, dict):
        for key in ("TableName", "TopicArn", "QueueUrl", "SecretId", "stateMachineArn", "FunctionName"):
            found += [str(params[key])] if key in params else []
        if "Bucket" in params:
            found.append(f"{params['Bucket']}/{params.get('Key', '')}")
        if "IndexName" in params:
            found = [f"{name}/index/{params['IndexName']}" for name in found]
        found += list(params.get("RequestItems", {})) if isinstance(params.get("RequestItems"), dict) else []
        for item in params.get("TransactItems", ()):
            for kind, details in item.items():
                found.append(f"{kind}:{details['TableName']}")
    return found


def operation_of(environ: Any, body: bytes) -> tuple[str, str, list[str]]:
    """Service, operation and named resources of a request as it is on the wire."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        prefix, _, operation = target.rpartition(".")
        service = {"DynamoDB_20120810": "dynamodb", "AWSStepFunctions": "stepfunctions", "AmazonSQS": "sqs"}
        return service.get(prefix, prefix), operation, names_in(json.loads(body or b"{}"))
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        return "sns", form["Action"], names_in(form)
    operation = {"GET": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject", "HEAD": "HeadObject"}
    return "s3", operation[environ["REQUEST_METHOD"]], [unquote(environ["PATH_INFO"]).lstrip("/")]


def main(directory: Path, path: Path) -> int:
    """Run the service for the samples."""
    calls = Calls(path)
    handlers.BUILTIN_HANDLERS.append(("before-parameter-build", calls.of_function))
    module: Any = endpoint
    dispatcher = module.DomainDispatcherApplication
    module.DomainDispatcherApplication = lambda *arguments: calls.of_front_end(dispatcher(*arguments))
    options = LocalOptions(directory=directory, smtp_port=0, proxy_port=0)
    with LocalService(options, Console()) as service:
        service.send_samples()
        submit(service)
        return 0 if wait_until_delivered(service.running.outputs) else 1


def submit(service: LocalService) -> None:
    """A message of Ann's to somebody elsewhere."""
    sender, there = f"ann@{HOSTED}", "carol@elsewhere.example"
    text = f"From: {sender}\r\nTo: {there}\r\nSubject: the gate\r\n\r\nIt stands open.\r\n"
    with smtplib.SMTP("127.0.0.1", service.running.submission_port) as client:
        client.starttls(context=ssl._create_unverified_context())  # noqa: S323 - our own, on loopback
        client.login(sender, PASSWORD)
        client.sendmail(sender, there, text)


if __name__ == "__main__":
    sys.exit(main(*(Path(argument) for argument in sys.argv[1:])))
