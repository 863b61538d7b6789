"""The sample messages, sent to the service by real SMTP, and what became of each."""

from __future__ import annotations

import json
import re
import smtplib
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from postern_aws.receipts import DynamoReceipts, Receipt

SAMPLES = "events/samples.jsonl"
HOST = "127.0.0.1"
SECONDS = 90
SETTLE_SECONDS = 5

_TRANSACTION_ID = re.compile(r"(?:\bas |\()(?P<id>[0-9a-z-]{8,64})")


@dataclass(frozen=True, slots=True)
class Sample:
    """One message of the samples file and the conversation it comes by."""

    name: str
    message: Path
    client_ip: str
    helo: str
    mail_from: str
    rcpt_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A sample, the reply that decided, and the receipt when the filter was asked."""

    sample: Sample
    reply: str
    receipt: Receipt | None = None


class ProxiedSmtp(smtplib.SMTP):
    """A client whose address is what a PROXY v1 header says (on loopback every other would be 127.0.0.1)."""

    def __init__(self, port: int, client_ip: str, helo: str) -> None:
        self._client_ip = client_ip
        super().__init__(HOST, port, local_hostname=helo, timeout=SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = socket.create_connection((host, port), timeout)
        header = f"PROXY TCP4 {self._client_ip} 192.0.2.25 40000 25\r\n"
        connection.sendall(header.encode("ascii"))
        return connection


def read_samples(root: Path) -> list[Sample]:
    """The samples of the repository at `root`."""
    lines = (root / SAMPLES).read_text(encoding="utf-8").splitlines()
    return [_sample(root, json.loads(line)) for line in lines if line.strip()]


def send_samples(samples: Sequence[Sample], port: int, receipts: DynamoReceipts) -> list[Sent]:
    """Send every sample to the listener that wants a PROXY header."""
    return [_sent(sample, _converse(sample, port), receipts) for sample in samples]


def receipts_of(outputs: Mapping[str, str]) -> DynamoReceipts:
    """The table of receipts."""
    return DynamoReceipts(boto3.client("dynamodb"), outputs["ReceiptsTable"])


def wait_until_delivered(outputs: Mapping[str, str]) -> bool:
    """Wait until nothing is due in the outbox; whether that came to be."""
    client: Any = boto3.client("dynamodb")
    until = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < until:
        if not client.scan(TableName=outputs["OutboxTable"], IndexName="due", Limit=1)["Items"]:
            return True
        time.sleep(0.1)
    return False


def _sample(root: Path, line: Mapping[str, Any]) -> Sample:
    return Sample(
        str(line["id"]),
        root / str(line["message"]),
        str(line["client_ip"]),
        str(line["helo"]),
        str(line["mail_from"]),
        tuple(line["rcpt_to"]),
    )


def _converse(sample: Sample, port: int) -> str:
    """The reply that decided: the first refusal, or the one to the end of DATA."""
    with ProxiedSmtp(port, sample.client_ip, sample.helo) as client:
        client.ehlo_or_helo_if_needed()
        for code, text in _envelope(client, sample):
            if code >= 400:
                return _told(code, text)
        return _told(*client.data(sample.message.read_bytes()))


def _envelope(client: smtplib.SMTP, sample: Sample) -> Any:
    yield client.mail(sample.mail_from, ["BODY=8BITMIME"])
    for recipient in sample.rcpt_to:
        yield client.rcpt(recipient)


def _told(code: int, text: bytes) -> str:
    return f"{code} {text.decode('utf-8', 'replace')}"


def _sent(sample: Sample, reply: str, receipts: DynamoReceipts) -> Sent:
    found = _TRANSACTION_ID.search(reply)
    return Sent(sample, reply, receipts.read(found["id"]) if found else None)
