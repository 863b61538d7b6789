"""Submission through the whole local service: from a login to a mailbox, and from guesses to a ban."""

from __future__ import annotations

import json
import smtplib
import socket
import ssl
from collections.abc import Iterator

import pytest

from postern_local.demonstration import PASSWORD
from tests.e2e.local_service import Service, eventually, local_service

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

ANN, BOB = "ann@example.com", "bob@example.com"
GUESSER = "203.0.113.66"
TEXT = f"From: Ann <ann>\r\nTo: {BOB}\r\nSubject: disk full\r\n\r\n93 %\r\n"


class Guesser(smtplib.SMTP):
    """Comes from an address of the Internet, by a PROXY header."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made = socket.create_connection((host, port), timeout)
        made.sendall(f"PROXY TCP4 {GUESSER} 192.0.2.25 40000 587\r\n".encode())
        return made


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with local_service(tmp_path_factory.mktemp("submission") / "state") as running:
        yield running


def trusting(service: Service) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(service.directory / "tls" / "authority.pem"))


def test_what_an_account_sends_is_completed_and_reaches_a_mailbox(service: Service) -> None:
    with smtplib.SMTP_SSL("localhost", service.facts["submissions_port"], context=trusting(service)) as client:
        client.login(ANN, PASSWORD)
        assert client.sendmail(ANN, [BOB], TEXT) == {}

    def delivered() -> list[bytes]:
        rows = service.rows("MailboxesTable")
        keys = [row["key"] for row in rows if row["mailbox"] == f"{BOB}/Inbox" and "key" in row]
        return [service.read(key) for key in keys]

    assert eventually(lambda: bool(delivered()), 60)
    (message,) = delivered()
    assert b"\r\nFrom: Ann <ann@example.com>\r\n" in message
    assert b" with ESMTPSA id " in message
    assert b"127.0.0.1" not in message
    assert message.endswith(b"\r\n\r\n93 %\r\n")


def guess(service: Service, password: str) -> int:
    """What the guesser hears in the end."""
    context = trusting(service)
    try:
        with Guesser("127.0.0.1", service.facts["submission_proxy_port"], timeout=30) as client:
            client.starttls(context=context)
            client.ehlo()
            client.user, client.password = ANN, password
            code, _ = client.auth("PLAIN", client.auth_plain)
            return code
    except smtplib.SMTPResponseException as refused:
        return refused.smtp_code


def test_guessing_ends_in_a_ban_a_line_for_each_guess_and_one_notice(service: Service) -> None:
    heard = [guess(service, f"guess {number}") for number in range(5)]
    notices = service.directory / "logs" / "notices.jsonl"
    assert eventually(lambda: notices.is_file() and GUESSER in notices.read_text(encoding="utf-8"), 30)
    heard += [guess(service, f"guess {number}") for number in range(5, 10)]
    assert heard == [535] * 5 + [421] * 5
    log = (service.directory / "logs" / "front-end-2.log").read_text(encoding="utf-8").splitlines()
    line = f'Failed SMTP authentication attempt from {GUESSER} for "{ANN}"'
    assert [one for one in log if one.startswith("Failed ")] == [line] * 5
    told = [json.loads(one) for one in notices.read_text(encoding="utf-8").splitlines()]
    assert [one["subject"] for one in told] == [f"Postern: {GUESSER} is banned: too many failed logins"]
