"""The whole service on this machine for a test or a benchmark: started, asked, made to fail, killed in part."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from postern.workflow import Packing
from postern_aws.items import from_item, to_item
from postern_aws.receipts import DynamoReceipts, Receipt
from postern_local.account import CLIENT_ENVIRONMENT, REGION
from postern_local.synthesis import ROOT

RELAYED = "relayed"
FRONT_ENDS = ("front-end-1", "front-end-2")
"""The second one takes a PROXY header."""

STOP_SECONDS = 60

Row = Mapping[str, Any]


@dataclass(slots=True)
class Service:
    """A running local service."""

    directory: Path
    process: subprocess.Popen[str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    _clients: dict[str, Any] = field(default_factory=dict)

    @property
    def proxy_port(self) -> int:
        """Where a PROXY header names the client."""
        return int(self.facts["proxy_port"])

    def tell(self, **order: Any) -> dict[str, int]:
        """Give an order (see `service_child`); how much has failed on purpose."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps(order)}\n")
        self.process.stdin.flush()
        answer: dict[str, int] = json.loads(self.process.stdout.readline())
        return answer

    @contextmanager
    def failing(self, **order: Any) -> Iterator[None]:
        """Fail as ordered for the time of the block."""
        self.tell(**order)
        try:
            yield
        finally:
            self.tell(faults={}, functions={}, dns="up")

    def front_end(self, name: str) -> int:
        """The process of a front end that runs now."""
        file = self.directory / "logs" / f"{name}.pid"
        return int(file.read_text(encoding="ascii"))

    def end_front_end(self, name: str, by: signal.Signals) -> None:
        """End a front end; the service starts another one, as ECS does."""
        os.kill(self.front_end(name), by)

    def client(self, service: str) -> Any:
        """A client of the embedded AWS."""
        if service not in self._clients:
            session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=REGION)
            make: Any = session.client
            self._clients[service] = make(service, endpoint_url=self.facts["endpoint_url"])
        return self._clients[service]

    def rows(self, output: str, **query: Any) -> list[dict[str, Any]]:
        """Every row of a table, or of one of its indexes."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=self.facts["outputs"][output], **query)
        return [from_item(item) for page in pages for item in page["Items"]]

    def put(self, output: str, row: Row) -> None:
        """Write a row as a postmaster would."""
        self.client("dynamodb").put_item(TableName=self.facts["outputs"][output], Item=to_item(row))

    def read(self, key: str) -> bytes:
        """An object of the bucket."""
        bucket = self.facts["outputs"]["MessageBucket"]
        content: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def relayed(self) -> list[bytes]:
        """What the relayed domain's server was given, its envelope in front."""
        return [path.read_bytes() for path in sorted((self.directory / RELAYED).iterdir())]

    def receipt(self, transaction_id: str) -> Receipt | None:
        """How a decision came about."""
        receipts = DynamoReceipts(self.client("dynamodb"), self.facts["outputs"]["ReceiptsTable"])
        return receipts.read(transaction_id)

    def due(self) -> list[dict[str, Any]]:
        """The rows of the outbox with something to do."""
        return self.rows("OutboxTable", IndexName="due")

    def sweep(self) -> dict[str, int]:
        """Call the sweeper, as its schedule does every minute."""
        functions = self.client("lambda").list_functions()["Functions"]
        (name,) = [one["FunctionName"] for one in functions if "Sweep" in one["FunctionName"]]
        answer: dict[str, int] = json.loads(self.client("lambda").invoke(FunctionName=name)["Payload"].read())
        return answer

    def make_due(self) -> None:
        """Let the time pass that delivery and relaying have before somebody else looks at a row."""
        for row in self.due():
            self.client("dynamodb").update_item(
                TableName=self.facts["outputs"]["OutboxTable"],
                Key=to_item({"id": row["id"], "part": row["part"]}),
                UpdateExpression="SET next_attempt = :now",
                ConditionExpression="attribute_exists(queue)",
                ExpressionAttributeValues=to_item({":now": int(time.time()) - 1}),
            )

    def set_policy(self, **sections: Row) -> None:
        """Set global sections, and let both front ends have them at once: they start with the newest policy."""
        for section, settings in sections.items():
            self.put("PolicyTable", {"scope": "global", "section": section, **settings})
        assert eventually(lambda: self._is_compiled(sections), 30)
        for name in FRONT_ENDS:
            self.restart(name)

    def restart(self, name: str) -> None:
        """Another process for a front end, by SIGTERM."""
        before = self.front_end(name)
        os.kill(before, signal.SIGTERM)
        assert eventually(lambda: self.front_end(name) != before, 60)
        assert eventually(lambda: is_open(self._port(name)), 60)

    def _port(self, name: str) -> int:
        return int(self.facts["proxy_port" if name == FRONT_ENDS[1] else "smtp_port"])

    def _is_compiled(self, sections: Mapping[str, Row]) -> bool:
        known = json.loads(self.read("policy/current.json"))["snapshot"]["scopes"].get("global", {})
        return all(settings.items() <= known.get(section, {}).items() for section, settings in sections.items())


@contextmanager
def local_service(directory: Path, packing: Packing = Packing.CHECK) -> Iterator[Service]:
    """The service for the time of the block; what it says is in `said.txt` of the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    said = directory / "said.txt"
    with said.open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - a module of these tests
            [sys.executable, "-m", "tests.e2e.service_child", str(directory), packing.value],
            cwd=ROOT,
            env={**os.environ, **CLIENT_ENVIRONMENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    service = Service(directory, process)
    try:
        assert process.stdout is not None
        assert process.stdout.readline(), said.read_text(encoding="utf-8", errors="replace")[-4000:]
        service.facts = json.loads((directory / "service.json").read_text(encoding="utf-8"))
        yield service
    finally:
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Let it stop in order, or make it."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def eventually(check: Callable[[], bool], seconds: float) -> bool:
    """Whether something comes true in time."""
    until = time.monotonic() + seconds
    while not (good := check()) and time.monotonic() < until:
        time.sleep(0.1)
    return good


def is_open(port: int) -> bool:
    """Whether somebody listens on a port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
