"""What learning costs: DynamoDB units and S3 requests per message, counted from the calls that are really made.

    python -m bench.learning_units CORPUS            an archive or directory with folders ham and spam
    python -m bench.learning_units CORPUS --at-once 1

Messages come through the learn function as from the queue, so many in a request; snapshots are made when it finds them
due. Then scans read the model. AWS is moto; units are worked out from the items' sizes as DynamoDB charges them.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.client import BaseClient
from moto import mock_aws

from bench.aws_meter import item_octets, read, written
from bench.labelled_mail import LabelledMail, read_labelled
from postern.bayes.requests import Label, LearnRequest
from postern_aws.learn_function import LearnFunction
from postern_aws.learnt_snapshots import S3LearntSnapshots
from postern_aws.message_store import S3MessageStore
from postern_aws.settings import LearnSettings
from postern_aws.site_model import S3SiteModel

REGION, BUCKET, TABLE = "eu-central-1", "messages", "BayesTokens"
SCANS = 1_000


class Units:
    """Counts while it is open. A deletion costs what the item was, which has to be looked up before."""

    def __init__(self) -> None:
        self.counts: dict[str, float] = defaultdict(float)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count every call of boto3."""
        client: Any = BaseClient
        call = client._make_api_call  # noqa: SLF001 - every request of every client passes here
        units = self

        def counted(this: Any, operation: str, request: Any) -> Any:
            service = this.meta.service_model.service_name
            before = units._stored(this, call, operation, request) if service == "dynamodb" else 0
            try:
                answer = call(this, operation, request)
            finally:
                units.counts[f"{service}.{operation}"] += 1
                if service == "dynamodb" and operation in WRITES:
                    size = max(before, item_octets(request.get("Item", {})))
                    units.counts["write"] += written(size)
            if operation in {"GetItem", "Query"}:
                items = [answer["Item"]] if "Item" in answer else answer.get("Items", [])
                size = sum(map(item_octets, items))
                units.counts["read"] += read(size, consistent=bool(request.get("ConsistentRead")))
            return answer

        client._make_api_call = counted  # noqa: SLF001 - as above
        try:
            yield
        finally:
            client._make_api_call = call  # noqa: SLF001 - as above

    @staticmethod
    def _stored(client: Any, call: Any, operation: str, request: Any) -> int:
        if operation not in WRITES:
            return 0
        key = request.get("Key") or {name: request["Item"][name] for name in ("scope", "entry")}
        return item_octets(call(client, "GetItem", {"TableName": request["TableName"], "Key": key}).get("Item", {}))


WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem"})


def make_installation() -> LearnFunction:
    """The learn function with what it needs."""
    boto3.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    keys = (("scope", "HASH"), ("entry", "RANGE"))
    boto3.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],  # type: ignore[typeddict-item]
    )
    topic = boto3.client("sns").create_topic(Name="notices")["TopicArn"]
    return LearnFunction.of(LearnSettings(message_bucket=BUCKET, bayes_tokens_table=TABLE, notice_topic_arn=topic))


def requests(mail: list[LabelledMail], at_once: int) -> list[LearnRequest]:
    """Requests with ham and spam in turn, the messages uploaded."""
    store = S3MessageStore(boto3.client("s3"), BUCKET)
    by_label = {label: [one for one in mail if one.spam is (label is Label.SPAM)] for label in (Label.HAM, Label.SPAM)}
    found = []
    for label, some in by_label.items():
        stored = [store.put_copy(f"learning/uploads/{one.name}", one.raw) for one in some]
        portions = [tuple(stored[at : at + at_once]) for at in range(0, len(stored), at_once)]
        found += [((at + 1) / len(portions), LearnRequest(label, one, 1_000, "cli")) for at, one in enumerate(portions)]
    return [request for _, request in sorted(found, key=lambda one: one[0])]


def learn(function: LearnFunction, asked: list[LearnRequest]) -> Units:
    """Have them all learnt."""
    units = Units()
    with units.counting():
        for request in asked:
            function.learn(request)
            function.run({})
        function.run({"now": True})
    return units


def scan() -> tuple[Units, float]:
    """Read the model as scans do; and how many milliseconds the first took."""
    units, site = Units(), S3SiteModel(S3LearntSnapshots(boto3.client("s3"), BUCKET))
    with units.counting():
        started = time.perf_counter()
        site.model()
        first = (time.perf_counter() - started) * 1000
        for _ in range(SCANS - 1):
            site.model()
    return units, first


def main() -> None:
    """Learn, scan, and write what it cost."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("corpus", type=Path)
    arguments.add_argument("--messages", type=int, default=1_400)
    arguments.add_argument("--at-once", type=int, default=20, help="messages of one request")
    given = arguments.parse_args()
    logging.getLogger("postern.metrics").disabled = True
    mail = read_labelled(given.corpus)
    mail = mail[:: math.ceil(len(mail) / given.messages)]
    os.environ.update(AWS_DEFAULT_REGION=REGION, AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none")  # noqa: S106
    with mock_aws():
        function = make_installation()
        learnt = learn(function, requests(mail, given.at_once))
        again = learn(function, requests(mail[:100], given.at_once))
        scanned, first = scan()
        kept = function.snapshots.versions()[0]
    print(f"{len(mail)} messages, {given.at_once} in a request; {kept.hams} ham and {kept.spams} spam are known")
    for what, units, messages in (("learning", learnt, len(mail)), ("again", again, 100), ("scanning", scanned, SCANS)):
        write, reads = units.counts.pop("write", 0) / messages, units.counts.pop("read", 0) / messages
        calls = ", ".join(f"{name} {count:.0f}" for name, count in sorted(units.counts.items()))
        print(f"{what:9} {write:6.2f} write and {reads:5.2f} read units a message   ({calls})")
    print(f"reading the model for the first time: {first:.0f} ms")


if __name__ == "__main__":
    main()
