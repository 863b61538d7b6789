"""Programs that people use to send mail, against a running receiver. A test skips where its program is missing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from postern_frontend.listener import Endpoint
from tests.dialogue.harness import HOSTNAME, Running, World, make_certificate, running
from tests.in_background import InBackground

pytestmark = pytest.mark.tools

CERTIFICATE = make_certificate()
PLAIN, PROXY, IMPLICIT = range(3)
TEXT = "Subject: hello\n\nfirst line\n.dot\n..two dots\nlast line\n"
STORED = b"first line\r\n.dot\r\n..two dots\r\nlast line\r\n"
_SECONDS = 60


class Receiver(InBackground):
    """A receiver in a thread of its own: plain, behind PROXY, and with implicit TLS."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.ports: list[int] = []

    def listening(self) -> AbstractAsyncContextManager[Running]:
        endpoints = (
            Endpoint(0, "127.0.0.1"),
            Endpoint(0, "127.0.0.1", proxy=True),
            Endpoint(0, "127.0.0.1", implicit_tls=True),
        )
        return running(self.world, *endpoints, material=CERTIFICATE)

    def take(self, listening: Running) -> None:
        self.ports = listening.ports


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    path = tmp_path / "authority.pem"
    path.write_bytes(CERTIFICATE.certificate_chain)
    return path


def attempt(program: str, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever that is."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    return subprocess.run(  # noqa: S603 - the programs are named in this file
        [program, *arguments], input=text, capture_output=True, text=True, timeout=_SECONDS, check=False
    )


def run(program: str, *arguments: str, text: str = "") -> str:
    """Run a program to its success; what it printed."""
    done = attempt(program, *arguments, text=text)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def swaks(receiver: Receiver, *arguments: str, port: int = PLAIN) -> str:
    return run(
        "swaks",
        *("--server", "127.0.0.1", "--port", str(receiver.ports[port])),
        *("--from", "ben@example.org", "--to", "ann@example.com,bob@example.com"),
        *("--data", TEXT.strip().replace("\n", "\\n"), *arguments),
    )


def stored_once(receiver: Receiver) -> bytes:
    assert len(receiver.world.stored) == 1
    return receiver.world.stored[0]


def test_swaks(receiver: Receiver) -> None:
    swaks(receiver)
    assert stored_once(receiver).endswith(STORED)
    assert [item.address for item in receiver.world.ledger.transactions[0].recipients] == [
        "ann@example.com",
        "bob@example.com",
    ]


def test_swaks_pipelining(receiver: Receiver) -> None:
    swaks(receiver, "--pipeline")
    assert stored_once(receiver).endswith(STORED)


def test_swaks_starttls(receiver: Receiver) -> None:
    printed = swaks(receiver, "--tls", "--pipeline")
    assert "TLS started with cipher TLSv1.3" in printed
    session = receiver.world.ledger.transactions[0].session
    assert session is not None
    assert session.tls is not None


def test_swaks_implicit_tls(receiver: Receiver) -> None:
    swaks(receiver, "--tls-on-connect", port=IMPLICIT)
    assert stored_once(receiver).endswith(STORED)


@pytest.mark.parametrize("version", ["1", "2"])
def test_swaks_proxy_protocol_and_starttls(receiver: Receiver, version: str) -> None:
    family = "TCP4" if version == "1" else "AF_INET"
    proxy = {
        "--proxy-version": version,
        "--proxy-family": family,
        "--proxy-source": "203.0.113.9",
        "--proxy-source-port": "40000",
        "--proxy-dest": "192.0.2.1",
        "--proxy-dest-port": "25",
    }
    swaks(receiver, "--tls", *(word for option in proxy.items() for word in option), port=PROXY)
    assert receiver.world.ledger.transactions[0].client_ip == "203.0.113.9"


def test_swaks_is_told_that_relaying_is_denied(receiver: Receiver) -> None:
    port = str(receiver.ports[PLAIN])
    envelope = ("--from", "ann@example.com", "--to", "x@foreign.example")
    done = attempt("swaks", "--server", "127.0.0.1", "--port", port, *envelope)
    assert done.returncode == 24
    assert "550 5.7.1 Relaying denied" in done.stdout


def test_smtp_source_with_many_sessions(receiver: Receiver) -> None:
    run(
        "smtp-source",
        *("-s", "10", "-m", "200", "-l", "100000", "-f", "ben@example.org", "-t", "ann@example.com"),
        f"127.0.0.1:{receiver.ports[PLAIN]}",
    )
    assert len(receiver.world.stored) == 200
    assert all(len(message) > 100_000 for message in receiver.world.stored)


def test_smtp_source_with_many_recipients_and_messages_in_one_session(receiver: Receiver) -> None:
    run(
        "smtp-source",
        *("-d", "-s", "2", "-m", "20", "-r", "50", "-f", "ben@example.org", "-t", "user@relayed.example"),
        f"127.0.0.1:{receiver.ports[PLAIN]}",
    )
    assert len(receiver.world.stored) == 20


def test_msmtp_with_verified_tls(receiver: Receiver, authority: Path) -> None:
    run(
        "msmtp",
        *("--host=localhost", f"--port={receiver.ports[PLAIN]}", "--from=ben@example.org", "--tls=on"),
        *("--tls-starttls=on", f"--tls-trust-file={authority}", "--auth=off", "--domain=client.example.org"),
        *("--", "ann@example.com"),
        text=TEXT,
    )
    assert stored_once(receiver).endswith(STORED)
    session = receiver.world.ledger.transactions[0].session
    assert session is not None
    assert session.helo_identity == "client.example.org"


def test_curl_with_verified_tls(receiver: Receiver, authority: Path, tmp_path: Path) -> None:
    message = tmp_path / "message.eml"
    message.write_bytes(TEXT.replace("\n", "\r\n").encode())
    run(
        "curl",
        *("--silent", "--show-error", "--ssl-reqd", "--cacert", str(authority)),
        *("--connect-to", f"{HOSTNAME}:{receiver.ports[PLAIN]}:127.0.0.1:{receiver.ports[PLAIN]}"),
        *("--mail-from", "ben@example.org", "--mail-rcpt", "ann@example.com", "--mail-rcpt", "bob@example.com"),
        *("--upload-file", str(message), f"smtp://{HOSTNAME}:{receiver.ports[PLAIN]}/client.example.org"),
    )
    assert stored_once(receiver).endswith(STORED)


def test_curl_over_implicit_tls(receiver: Receiver, authority: Path, tmp_path: Path) -> None:
    message = tmp_path / "message.eml"
    message.write_bytes(TEXT.replace("\n", "\r\n").encode())
    port = receiver.ports[IMPLICIT]
    run(
        "curl",
        *("--silent", "--show-error", "--cacert", str(authority)),
        *("--connect-to", f"{HOSTNAME}:{port}:127.0.0.1:{port}"),
        *("--mail-from", "ben@example.org", "--mail-rcpt", "ann@example.com"),
        *("--upload-file", str(message), f"smtps://{HOSTNAME}:{port}/client.example.org"),
    )
    assert stored_once(receiver).endswith(STORED)


@pytest.mark.parametrize("arguments", [("-tls1_1",), ("-tls1",), ("-cipher", "AES128-SHA", "-tls1_2")])
def test_openssl_finds_no_weak_tls(receiver: Receiver, arguments: tuple[str, ...]) -> None:
    server = f"127.0.0.1:{receiver.ports[IMPLICIT]}"
    done = attempt("openssl", "s_client", "-connect", server, *arguments, text="QUIT\r\n")
    assert not re.search(r"^220 ", done.stdout, re.MULTILINE)
