"""Programs with which people send mail, against running submission listeners. A test skips where one is missing."""

from __future__ import annotations

import email.message
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from postern.model import Transaction
from tests.dialogue.client import CERTIFICATE
from tests.dialogue.harness import HOSTNAME
from tests.dialogue.submitting import ANN, APP_PASSWORD, BOB, PASSWORD, Office, Ports, submitting
from tests.e2e.test_smtp_clients import attempt, run
from tests.in_background import InBackground

pytestmark = pytest.mark.tools

CARLA = "carla@elsewhere.example"
TEXT = f"From: Ann <{ANN}>\nTo: {BOB}\nSubject: hello\n\nfirst line\n.dot\n"
STORED = b"first line\r\n.dot\r\n"


class Submission(InBackground):
    """Submission in a thread of its own."""

    ports: Ports

    def __init__(self) -> None:
        super().__init__()
        self.office = Office()

    def listening(self) -> AbstractAsyncContextManager[Ports]:
        return submitting(self.office)

    def take(self, listening: Ports) -> None:
        self.ports = listening

    def sent_once(self) -> Transaction:
        """The one message that went out, from Ann to Bob and Carla."""
        (sent,) = self.office.world.ledger.transactions
        assert sent.session is not None
        assert sent.session.authenticated_as == ANN
        assert [one.address for one in sent.recipients] == [BOB, CARLA]
        assert self.office.world.stored[0].endswith(STORED)
        return sent


@pytest.fixture
def submission() -> Iterator[Submission]:
    with Submission() as submission:
        yield submission


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    path = tmp_path / "authority.pem"
    path.write_bytes(CERTIFICATE.certificate_chain)
    return path


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit TLS"])
@pytest.mark.parametrize("password", [PASSWORD, APP_PASSWORD], ids=["password", "app password"])
def test_swaks(submission: Submission, mechanism: str, implicit: bool, password: str) -> None:
    port = submission.ports.implicit if implicit else submission.ports.starttls
    run(
        "swaks",
        *("--server", "127.0.0.1", "--port", str(port), "--tls-on-connect" if implicit else "--tls"),
        *("--auth", mechanism, "--auth-user", ANN, "--auth-password", password),
        *("--from", ANN, "--to", f"{BOB},{CARLA}", "--data", TEXT.strip().replace("\n", "\\n")),
    )
    submission.sent_once()


def test_swaks_is_told_what_is_wrong(submission: Submission) -> None:
    server = ("--server", "127.0.0.1", "--port", str(submission.ports.starttls))
    login = ("--auth", "PLAIN", "--auth-user", ANN, "--auth-password")
    envelope = ("--from", ANN, "--to", BOB)
    assert "535 5.7.8" in attempt("swaks", *server, "--tls", *login, "wrong", *envelope).stdout
    assert "530 5.7.0" in attempt("swaks", *server, *envelope).stdout
    foreign = attempt("swaks", *server, "--tls", *login, PASSWORD, "--from", BOB, "--to", BOB).stdout
    assert "550 5.7.1 This reverse-path is no address of the account" in foreign


@pytest.mark.parametrize("mechanism", ["plain", "login"])
def test_msmtp_with_verified_tls(submission: Submission, authority: Path, tmp_path: Path, mechanism: str) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n", encoding="ascii")
    run(
        "msmtp",
        *("--host=localhost", f"--port={submission.ports.starttls}", f"--from={ANN}", "--tls=on", "--tls-starttls=on"),
        *(f"--tls-trust-file={authority}", f"--auth={mechanism}", f"--user={ANN}", f"--passwordeval=cat {secret}"),
        *("--", BOB, CARLA),
        text=TEXT,
    )
    submission.sent_once()


@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit TLS"])
def test_curl_with_verified_tls(submission: Submission, authority: Path, tmp_path: Path, implicit: bool) -> None:
    message = tmp_path / "message.eml"
    message.write_bytes(TEXT.replace("\n", "\r\n").encode())
    port = submission.ports.implicit if implicit else submission.ports.starttls
    run(
        "curl",
        *("--silent", "--show-error", "--ssl-reqd", "--cacert", str(authority), "--user", f"{ANN}:{PASSWORD}"),
        *("--connect-to", f"{HOSTNAME}:{port}:127.0.0.1:{port}", "--mail-from", ANN),
        *("--mail-rcpt", BOB, "--mail-rcpt", CARLA, "--upload-file", str(message)),
        f"{'smtps' if implicit else 'smtp'}://{HOSTNAME}:{port}/pc.example.com",
    )
    submission.sent_once()


def test_the_standard_library_of_python(submission: Submission) -> None:
    context = ssl.create_default_context(cadata=CERTIFICATE.certificate_chain.decode())
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = f"Ann <{ANN}>", f"{BOB}, {CARLA}", "hello"
    message.set_content("first line\n.dot\n")
    with smtplib.SMTP("localhost", submission.ports.starttls, timeout=20) as client:
        client.starttls(context=context)
        client.login(ANN, PASSWORD)
        assert client.send_message(message) == {}
    sent = submission.sent_once()
    assert sent.observations == ("SUBMISSION_DATE_ADDED", "SUBMISSION_MESSAGE_ID_ADDED")
