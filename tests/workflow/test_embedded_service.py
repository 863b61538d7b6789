"""`postern up`: the whole service, by real SMTP, with front ends and all; and what is left after a kill."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from postern import catalog
from postern.dmarc_reports.counting import AggregateRow, PublishedPolicy
from postern.dmarc_reports.writing import AggregateReport, Reporter, write_report
from postern.evidence import DmarcPolicy
from postern_aws.items import from_item
from postern_local.account import REGION
from postern_local.samples import ProxiedSmtp, read_samples
from postern_local.synthesis import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

UP_SECONDS = 300
EVENTUALLY_SECONDS = 60
CLEAN = next(sample for sample in read_samples(ROOT) if sample.name == "clean")


@dataclass(slots=True)
class Service:
    """`postern up` as a child process."""

    process: subprocess.Popen[bytes]
    data: Path

    @property
    def facts(self) -> dict[str, Any]:
        """What `service.json` says."""
        read: dict[str, Any] = json.loads((self.data / "service.json").read_text(encoding="utf-8"))
        return read

    def is_up(self) -> bool:
        """Whether the file is there and of this process: a killed one leaves its own."""
        return (self.data / "service.json").is_file() and self.facts["pid"] == self.process.pid

    def front_ends(self) -> set[int]:
        """The process ids of the front ends."""
        return {int(file.read_text() or 0) for file in (self.data / "logs").glob("front-end-*.pid")}

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table."""
        session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=REGION)
        client = session.client("dynamodb", endpoint_url=self.facts["endpoint_url"])
        pages = client.get_paginator("scan").paginate(TableName=self.facts["outputs"][table])
        return [from_item(item) for page in pages for item in page["Items"]]

    def inbox(self, address: str) -> list[str]:
        """The subjects in a mailbox."""
        rows = self.rows("MailboxesTable")
        return [row["subject"] for row in rows if row["mailbox"] == f"{address}/Inbox" and "subject" in row]


def start(data: Path, *options: str) -> Service:
    """Start the service and wait until it is up."""
    command = [str(Path(sys.executable).with_name("postern")), "up", "--data", str(data)]
    data.mkdir(exist_ok=True)
    with (data / "said.txt").open("w") as said:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [
                *command,
                "--smtp-port",
                "0",
                "--proxy-port",
                "0",
                "--submission-port",
                "0",
                "--submissions-port",
                "0",
                *options,
            ],
            cwd=ROOT,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    service = Service(process, data)
    if not eventually(lambda: service.is_up() or process.poll() is not None, UP_SECONDS):
        process.kill()
    assert process.poll() is None, (data / "said.txt").read_text()
    return service


def eventually(check: Callable[[], bool], seconds: float = EVENTUALLY_SECONDS) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if check():
            return True
        time.sleep(0.1)
    return False


def send_clean(port: int, message: bytes | None = None) -> str:
    """Send the clean sample by the listener that wants a PROXY header; the reply."""
    with ProxiedSmtp(port, CLEAN.client_ip, CLEAN.helo) as client:
        client.ehlo_or_helo_if_needed()
        client.mail(CLEAN.mail_from)
        for recipient in CLEAN.rcpt_to:
            client.rcpt(recipient)
        code, text = client.data(message or CLEAN.message.read_bytes())
    return f"{code} {text.decode()}"


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = start(tmp_path_factory.mktemp("service") / "data", "--no-samples")
    yield running
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(60) == 0
    assert not (running.data / "service.json").exists()


def test_mail_comes_in_by_smtp_and_lies_in_the_mailbox(service: Service) -> None:
    assert send_clean(service.facts["proxy_port"]).startswith("250 2.0.0 Accepted as ")
    assert eventually(lambda: service.inbox("ann@example.com") == ["Lunch on Thursday?"])


def test_starttls_is_offered_with_a_certificate_of_the_local_authority(service: Service) -> None:
    context = ssl.create_default_context(cafile=service.data / "tls" / "authority.pem")
    with smtplib.SMTP("127.0.0.1", service.facts["smtp_port"], timeout=20) as client:
        client._host = "localhost"  # type: ignore[attr-defined]  # the name that the certificate is checked for
        assert client.starttls(context=context)[0] == 220
        assert client.ehlo()[0] == 250


def test_the_self_test_finds_every_defence_alive(service: Service) -> None:
    command = [str(Path(sys.executable).with_name("postern")), "selftest", "--local", str(service.data), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - our own
    assert done.returncode == 0, done.stdout + done.stderr
    found = {one["check_id"]: one["health"] for one in json.loads(done.stdout)["outcomes"]}
    assert set(found) == set(catalog.CHECKS)
    assert {check_id for check_id, health in found.items() if health == "dead"} == set()
    assert found["rules"] == found["dmarc"] == found["ip_shield"] == "alive"


def postern(service: Service, *words: str) -> str:
    """What a command says about the running service."""
    command = [str(Path(sys.executable).with_name("postern")), *words, "--local", str(service.data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - our own
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def report_by_mail(number: int) -> bytes:
    """A message with an aggregate report about example.com; a number makes it differ from others."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    published = PublishedPolicy("example.com", "reject")
    row = AggregateRow(
        published=published,
        source_ip="203.0.113.9",
        author_domain="example.com",
        envelope_from="example.com",
        disposition=DmarcPolicy.QUARANTINE,
        dkim_aligned=False,
        spf_aligned=False,
        spf_domain="example.com",
        spf_result="fail",
        signatures=(),
    )
    reporter = Reporter("Friends", "reports@friend.example", "mail.friend.example", "")
    message = EmailMessage()
    message["From"], message["To"] = CLEAN.mail_from, CLEAN.rcpt_to[0]
    message["Subject"], message["Message-ID"] = f"Report {number}", f"<{number}@friend.example>"
    message["Date"] = format_datetime(datetime.now(UTC))
    message.set_content("A report.")
    document = write_report(AggregateReport(reporter, published, yesterday, ((row, 12),)))
    message.add_attachment(gzip.compress(document), maintype="application", subtype="gzip", filename="a!b!1!2.xml.gz")
    return message.as_bytes(policy=SMTP)


def test_a_report_that_comes_by_mail_is_summed_up_with_a_chart(service: Service) -> None:
    postern(service, "policy", "set", "dmarc_reports.report_mailboxes", CLEAN.rcpt_to[0])
    numbers = itertools.count()

    def is_read() -> bool:
        """Send it until the functions know of the mailbox; however often it comes, it is one report."""
        assert send_clean(service.facts["proxy_port"], report_by_mail(next(numbers))).startswith("250 ")
        return eventually(lambda: bool(json.loads(postern(service, "reports", "show", "--json"))), 10)

    assert eventually(is_read, 120)
    (summary,) = json.loads(postern(service, "reports", "show", "--json"))
    assert (summary["domain"], summary["messages"], summary["aligned"]) == ("example.com", 12, 0)
    shown = postern(service, "reports", "show")
    assert "203.0.113.9" in shown
    assert "not aligned" in shown
    assert "░" in shown


def test_a_killed_front_end_is_started_again(service: Service) -> None:
    before = service.front_ends()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not before & service.front_ends())
    port = service.facts["proxy_port"]
    assert eventually(lambda: is_open(port))
    count = len(service.inbox("ann@example.com"))
    other = CLEAN.message.read_bytes().replace(b"the photographs", b"the new photographs")
    assert send_clean(port, other).startswith("250 ")
    assert eventually(lambda: len(service.inbox("ann@example.com")) == count + 1)


def test_after_a_kill_mail_is_there_and_known_and_nobody_listens_meanwhile(tmp_path: Path) -> None:
    first = start(tmp_path / "data", "--no-samples")
    facts = first.facts
    reply = send_clean(facts["proxy_port"])
    first.process.kill()
    first.process.wait()
    assert eventually(lambda: not is_open(facts["proxy_port"]) and not is_open(facts["smtp_port"]))
    again = start(tmp_path / "data", "--no-samples")
    try:
        assert send_clean(again.facts["proxy_port"]) == reply
        assert eventually(lambda: again.inbox("ann@example.com") == ["Lunch on Thursday?"])
    finally:
        again.process.send_signal(signal.SIGTERM)
        again.process.wait(60)


def test_the_samples_are_sent_and_explained(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("postern")), "up", "--data", str(tmp_path / "data"), "--once"]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "--smtp-port", "0", "--proxy-port", "0", "--submission-port", "0", "--submissions-port", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=UP_SECONDS,
        env={**os.environ, "COLUMNS": "160"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    told = {words[1].strip(): words for line in done.stdout.splitlines() if len(words := line.split("│")) > 5}
    assert {sample.name for sample in read_samples(ROOT)} <= set(told)
    assert told["clean"][3].strip() == "accept"
    assert told["gtube"][3].strip() == "reject"
    assert "GTUBE 1000.0" in told["gtube"][5]
    assert told["spf-fail"][6].strip() == "451 4.7.1"
    assert told["relaying"][6].strip() == "550 5.7.1"
    assert "swaks --server 127.0.0.1:" in done.stdout
    relayed = list((tmp_path / "data" / "relayed").glob("*.eml"))
    assert len(relayed) == 1
    assert b"X-Envelope-To: <info@relayed.example>" in relayed[0].read_bytes()
