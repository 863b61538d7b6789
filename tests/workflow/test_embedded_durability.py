"""The embedded AWS keeps what it has answered, whatever ends it, and does by itself what AWS does by itself."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from postern_aws.items import from_item, to_item
from tests.infra.template import synthesized
from tests.workflow.embedded import Embedded, embedded

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

WRITERS = 6
SECONDS = 60
UNTIL_THE_KILL = 1.5


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with embedded(synthesized().assembly, tmp_path_factory.mktemp("embedded") / "state") as running:
        yield running


def eventually(check: Callable[[], bool]) -> bool:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if check():
            return True
        time.sleep(0.1)
    return False


class Writer(threading.Thread):
    """Writes rows, transactions and objects until the service is gone; remembers what was answered."""

    def __init__(self, running: Embedded, number: int) -> None:
        super().__init__()
        self.number = number
        self.answered: list[str] = []
        self._tables, self._objects = running.client("dynamodb"), running.client("s3")
        self._outputs = running.outputs

    def run(self) -> None:
        """Three kinds of writes in turn."""
        writes = (self._put_row, self._put_object, self._put_pair)
        for at in range(10_000):
            name = f"{self.number}-{at}"
            try:
                writes[at % 3](name)
            except (BotoCoreError, ClientError):
                return
            self.answered.append(name)

    def _put_row(self, name: str) -> None:
        row = to_item({"mailbox": name, "item": "row", "octets": b"\x00\xff"})
        self._tables.put_item(TableName=self._outputs["MailboxesTable"], Item=row)

    def _put_object(self, name: str) -> None:
        bucket = self._outputs["MessageBucket"]
        self._objects.put_object(Bucket=bucket, Key=f"mail/{name}", Body=name.encode() * 100)

    def _put_pair(self, name: str) -> None:
        table = self._outputs["MailboxesTable"]
        rows = [to_item({"mailbox": name, "item": item}) for item in ("left", "right")]
        self._tables.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": row}} for row in rows])


def rows_of(running: Embedded, table: str) -> list[dict[str, Any]]:
    pages = running.client("dynamodb").get_paginator("scan").paginate(TableName=running.outputs[table])
    return [from_item(item) for page in pages for item in page["Items"]]


def test_nothing_that_was_answered_is_lost_by_a_kill(tmp_path: Path) -> None:
    assembly = synthesized().assembly
    with embedded(assembly, tmp_path / "state") as running:
        writers = [Writer(running, number) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        time.sleep(UNTIL_THE_KILL)
        os.kill(running.process.pid, signal.SIGKILL)
        for writer in writers:
            writer.join()
    answered = {name for writer in writers for name in writer.answered}
    assert len(answered) > 3 * WRITERS
    with embedded(assembly, tmp_path / "state") as again:
        assert sum(again.restored) >= len(answered)
        found: dict[str, set[str]] = {}
        for row in rows_of(again, "MailboxesTable"):
            found.setdefault(row["mailbox"], set()).add(row["item"])
            assert row.get("octets", b"\x00\xff") == b"\x00\xff"
        objects, bucket = again.client("s3"), again.outputs["MessageBucket"]
        for name in answered:
            kind = int(name.partition("-")[2]) % 3
            if kind == 1:
                kept = objects.get_object(Bucket=bucket, Key=f"mail/{name}")["Body"].read()
                assert kept == name.encode() * 100
            else:
                assert found[name] == ({"row"} if kind == 0 else {"left", "right"})
        assert all(items in ({"row"}, {"left", "right"}) for items in found.values())


def test_secrets_outlive_a_kill_whoever_made_them(tmp_path: Path) -> None:
    assembly = synthesized().assembly
    with embedded(assembly, tmp_path / "state") as running:
        secrets, batv = running.client("secretsmanager"), running.outputs["BatvSecretArn"]
        secrets.put_secret_value(SecretId=batv, SecretString="rotated")
        for name in ("kept", "changed", "deleted"):
            secrets.create_secret(Name=f"postern-dkim/{name}.example", SecretString="made", Description=name)
        secrets.put_secret_value(SecretId="postern-dkim/changed.example", SecretString="changed")
        secrets.delete_secret(SecretId="postern-dkim/deleted.example", ForceDeleteWithoutRecovery=True)
        os.kill(running.process.pid, signal.SIGKILL)
    with embedded(assembly, tmp_path / "state") as again:
        secrets = again.client("secretsmanager")
        found = {one["Name"]: one.get("Description") for one in secrets.list_secrets()["SecretList"]}
        assert found["postern-dkim/kept.example"] == "kept"
        assert "postern-dkim/deleted.example" not in found
        texts = [
            secrets.get_secret_value(SecretId=secret)["SecretString"]
            for secret in (again.outputs["BatvSecretArn"], "postern-dkim/kept.example", "postern-dkim/changed.example")
        ]
        assert texts == ["rotated", "made", "changed"]


def test_of_many_conditional_writes_at_once_one_succeeds(one: Embedded) -> None:
    row = to_item({"id": "fingerprint", "part": "commit"})
    codes: list[str] = []

    def commit() -> None:
        try:
            one.client("dynamodb").put_item(
                TableName=one.outputs["OutboxTable"], Item=row, ConditionExpression="attribute_not_exists(id)"
            )
        except ClientError as lost:
            codes.append(lost.response["Error"]["Code"])
        else:
            codes.append("won")

    threads = [threading.Thread(target=commit) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["ConditionalCheckFailedException"] * 11 + ["won"]


def test_a_transaction_whose_condition_fails_changes_nothing(one: Embedded) -> None:
    client, table = one.client("dynamodb"), one.outputs["MailboxesTable"]
    client.put_item(TableName=table, Item=to_item({"mailbox": "ann/Inbox", "item": "state", "next_uid": 7}))
    advance = {
        "TableName": table,
        "Key": to_item({"mailbox": "ann/Inbox", "item": "state"}),
        "UpdateExpression": "SET next_uid = :next",
        "ConditionExpression": "next_uid = :seen",
        "ExpressionAttributeValues": to_item({":next": 6, ":seen": 5}),
    }
    put = {"TableName": table, "Item": to_item({"mailbox": "ann/Inbox", "item": "uid#5"})}
    with pytest.raises(ClientError) as cancelled:
        client.transact_write_items(TransactItems=[{"Put": put}, {"Update": advance}])
    reasons = [reason["Code"] for reason in cancelled.value.response["CancellationReasons"]]
    assert reasons == ["None", "ConditionalCheckFailed"]
    mailbox = {row["item"]: row for row in rows_of(one, "MailboxesTable") if row["mailbox"] == "ann/Inbox"}
    assert set(mailbox) == {"state"}
    assert mailbox["state"]["next_uid"] == 7


def test_rows_expire(tmp_path: Path) -> None:
    """Within half a minute; at once at a start."""
    assembly = synthesized().assembly
    with embedded(assembly, tmp_path / "state") as running:
        for name, expires_at in (("over", int(time.time()) - 10), ("kept", int(time.time()) + 3600)):
            row = to_item({"transaction_id": name, "expires_at": expires_at})
            running.client("dynamodb").put_item(TableName=running.outputs["ReceiptsTable"], Item=row)
    with embedded(assembly, tmp_path / "state") as again:

        def left() -> set[str]:
            return {row["transaction_id"] for row in rows_of(again, "ReceiptsTable")}

        assert eventually(lambda: left() == {"kept"})


def test_a_changed_policy_row_becomes_a_snapshot_by_the_stream(one: Embedded) -> None:
    row = to_item({"scope": "global", "section": "spam_filter", "spam_at": 4})
    one.client("dynamodb").put_item(TableName=one.outputs["PolicyTable"], Item=row)

    def is_published() -> bool:
        try:
            answer = one.client("s3").get_object(Bucket=one.outputs["MessageBucket"], Key="policy/current.json")
        except ClientError:
            return False
        scopes = json.loads(answer["Body"].read())["snapshot"]["scopes"]
        return bool(scopes.get("global", {}).get("spam_filter") == {"spam_at": 4})

    assert eventually(is_published)


def test_the_sweeper_is_called_by_its_schedule(tmp_path: Path) -> None:
    with embedded(synthesized().assembly, tmp_path / "state"):
        log = tmp_path / "state" / "logs" / "metrics.log"
        assert eventually(lambda: log.is_file() and "StuckRows" in log.read_text(encoding="utf-8"))
