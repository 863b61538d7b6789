"""Starts the embedded AWS for tests, sabotages functions of its assembly, and asks its filter."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from postern.exchange import Answer, read_answer, workflow_input
from postern.model import Envelope, MessageReference, Recipient, Session, Site, Transaction
from postern.policy_compiler import Compilation
from postern.wire import dumps, from_json
from postern_local.account import CLIENT_ENVIRONMENT, REGION, STACK
from postern_local.samples import Sample
from postern_local.synthesis import ROOT

ZONE = ROOT / "events" / "zone.json"
HOSTNAME = "mx.example.com"
_CONFIG = Config(
    inject_host_prefix=False, connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 1}
)


@dataclass(slots=True)
class Embedded:
    """A running embedded AWS."""

    process: subprocess.Popen[str]
    endpoint_url: str
    outputs: Mapping[str, str]
    restored: tuple[int, int]

    def client(self, service: str) -> Any:
        """A client of it."""
        session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=REGION)
        make: Any = session.client
        return make(service, endpoint_url=self.endpoint_url, config=_CONFIG)

    def execute(self, text: str, machine: str = "StateMachineArn") -> Any:
        """The answer of StartSyncExecution; `machine` is the output that names the state machine."""
        arn = self.outputs[machine]
        return self.client("stepfunctions").start_sync_execution(stateMachineArn=arn, input=text)

    def judge(self, sample: Sample, policy: Mapping[str, Mapping[str, object]] | None = None) -> Answer:
        """What the filter answers about a sample message, under the compiled policy and these global sections."""
        transaction = self._store(sample)
        bucket = self.outputs["MessageBucket"]
        stored = self.client("s3").get_object(Bucket=bucket, Key="policy/current.json")["Body"].read()
        book = from_json(Compilation, json.loads(stored)).snapshot.book
        scopes = {**book.scopes, "global": {**book.scopes.get("global", {}), **(policy or {})}}
        resolved = type(book)(book.version, scopes).resolve(transaction.recipients)
        execution = self.execute(dumps(workflow_input(transaction, resolved)))
        assert execution["status"] == "SUCCEEDED", execution
        return read_answer(json.loads(execution["output"]))

    def _store(self, sample: Sample) -> Transaction:
        raw = sample.message.read_bytes()
        key = f"incoming/{sample.name}"
        self.client("s3").put_object(Bucket=self.outputs["MessageBucket"], Key=key, Body=raw)
        now = datetime.now(UTC)
        return Transaction(
            transaction_id=f"sample-{sample.name}",
            received_at=now,
            deadline=now + timedelta(seconds=50),
            session=Session("session", sample.client_ip, sample.helo),
            envelope=Envelope(sample.mail_from or None),
            recipients=tuple(Recipient(address, address) for address in sample.rcpt_to),
            message=MessageReference(key, len(raw), hashlib.sha256(raw).hexdigest()),
            site=Site(HOSTNAME, HOSTNAME, ("example.com", "relayed.example")),
        )


@contextmanager
def embedded(assembly: Path, directory: Path, zone_file: Path = ZONE) -> Iterator[Embedded]:
    """The embedded AWS for the time of the block."""
    arguments = [str(path) for path in (assembly, directory, zone_file)]
    process = subprocess.Popen(  # noqa: S603 - a module of these tests
        [sys.executable, "-m", "tests.workflow.embedded_child", *arguments],
        cwd=ROOT,
        env={**os.environ, **CLIENT_ENVIRONMENT},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        up = json.loads(process.stdout.readline())
        yield Embedded(process, up["endpoint_url"], up["outputs"], tuple(up["restored"]))
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def sabotaged(assembly: Path, into: Path, sources: Mapping[str, str]) -> Path:
    """A copy of an assembly in which the functions whose logical id begins so have other code."""
    shutil.copytree(assembly, into)
    path = into / f"{STACK}.template.json"
    template = json.loads(path.read_text(encoding="utf-8"))
    for number, (prefix, source) in enumerate(sources.items()):
        code = into / f"asset.sabotage{number}"
        code.mkdir()
        (code / "handler.py").write_text(source, encoding="utf-8")
        (function,) = [
            one
            for name, one in template["Resources"].items()
            if one["Type"] == "AWS::Lambda::Function" and name.startswith(prefix)
        ]
        function["Properties"]["Code"]["S3Key"] = f"sabotage{number}.zip"
    path.write_text(json.dumps(template), encoding="utf-8")
    assets = into / f"{STACK}.assets.json"
    known = json.loads(assets.read_text(encoding="utf-8"))
    destination = next(iter(next(iter(known["files"].values()))["destinations"].values()))
    for number in range(len(sources)):
        known["files"][f"sabotage{number}"] = {
            "destinations": {"here": {**destination, "objectKey": f"sabotage{number}.zip"}}
        }
    assets.write_text(json.dumps(known), encoding="utf-8")
    return into
