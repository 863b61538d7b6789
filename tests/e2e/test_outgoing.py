"""Mail from a program to another site's server, through the running service: by smarthost, by MX, and what fails."""

from __future__ import annotations

import email
import email.policy
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from postern_local.demonstration import PASSWORD
from tests.e2e.local_service import Service, eventually, local_service

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

ANN = "ann@example.com"
SECONDS = 60


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with local_service(tmp_path_factory.mktemp("outgoing") / "state") as service:
        yield service


def submit(service: Service, subject: str, *recipients: str, notify: str = "") -> None:
    """As a mail program does."""
    context = ssl.create_default_context(cafile=str(service.directory / "tls" / "authority.pem"))
    context.check_hostname = False
    text = f"From: {ANN}\r\nTo: {recipients[0]}\r\nSubject: {subject}\r\n\r\nAt four?\r\n"
    options = [f"NOTIFY={notify}"] if notify else []
    with smtplib.SMTP_SSL("127.0.0.1", int(service.facts["submissions_port"]), context=context) as program:
        program.login(ANN, PASSWORD)
        program.sendmail(ANN, recipients, text, rcpt_options=options)


def remote(service: Service, subject: str) -> list[bytes]:
    """What the server that stands for all other sites was given."""
    given = (path.read_bytes() for path in sorted((service.directory / "remote").iterdir()))
    return [one for one in given if f"Subject: {subject}\r\n".encode() in one]


def reports(service: Service, about: str) -> list[EmailMessage]:
    """The notifications in Ann's mailbox that are about a recipient."""
    keys = [
        str(row["key"]) for row in service.rows("MailboxesTable") if str(row.get("key", "")).startswith(f"mail/{ANN}/")
    ]
    found = [email.message_from_bytes(service.read(key), policy=email.policy.default) for key in dict.fromkeys(keys)]
    told = [one for one in found if one.get_content_type() == "multipart/report"]
    return [one for one in told if f"Final-Recipient: rfc822; {about}" in one.as_string()]


def test_mail_reaches_the_other_server_and_what_it_refuses_comes_back_as_a_report(service: Service) -> None:
    submit(service, "Tea", "carol@remote.example", "nobody@remote.example")
    assert eventually(lambda: len(remote(service, "Tea")) == 1, SECONDS)
    (given,) = remote(service, "Tea")
    assert given.startswith(b"X-Envelope-From: <ann@example.com>\r\nX-Envelope-To: <carol@remote.example>\r\n")
    assert eventually(lambda: len(reports(service, "nobody@remote.example")) == 1, SECONDS)
    (report,) = reports(service, "nobody@remote.example")
    assert "Diagnostic-Code: smtp; 550 5.1.1 nobody of that name" in report.as_string()
    assert report["Return-Path"] == "<>"
    assert not reports(service, "carol@remote.example")
    assert eventually(lambda: not service.due(), SECONDS)


def test_the_servers_that_the_dns_names_are_found(service: Service) -> None:
    (row,) = (row for row in service.rows("PolicyTable") if row["section"] == "outgoing")
    kept = {name: row[name] for name in ("mx_port", "private_hosts")}
    service.set_policy(outgoing={**kept, "route": "mx"})
    submit(service, "By the DNS", "carol@here.example", "carol@example.org", notify="SUCCESS,FAILURE")
    assert eventually(lambda: len(remote(service, "By the DNS")) == 1, SECONDS)
    assert eventually(lambda: len(reports(service, "carol@example.org")) == 1, SECONDS)
    (null_mx,) = reports(service, "carol@example.org")
    assert "Status: 5.1.10" in null_mx.as_string()
    assert eventually(lambda: len(reports(service, "carol@here.example")) == 1, SECONDS)
    (relayed,) = reports(service, "carol@here.example")
    assert "Action: relayed" in relayed.as_string()
