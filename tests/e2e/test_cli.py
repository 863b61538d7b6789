"""The commands against a service that runs on this machine, as a person would use them after `postern up`."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parents[2]
UP_SECONDS = 180
SETTLING_SECONDS = 90
"""The front end looks for a new policy once a minute."""

CLIENT = "198.51.100.10"
MESSAGE = (
    b"From: Carla <carla@friend.example>\r\nTo: ann@example.com\r\nSubject: Tea %d\r\n"
    b"Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <%d@friend.example>\r\n\r\nAt four?\r\n"
)


class Proxied(smtplib.SMTP):
    """Names another client in a PROXY header."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made = socket.create_connection((host, port), timeout)
        made.sendall(f"PROXY TCP4 {CLIENT} 192.0.2.25 40000 25\r\n".encode())
        return made


@dataclass(frozen=True, slots=True)
class Running:
    """A service that is up."""

    data: Path
    process: subprocess.Popen[bytes]

    def postern(self, *arguments: str, code: int = 0) -> str:
        """What a command says on standard output; it finds the service by itself, in the working directory."""
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "postern_cli", *arguments],
            cwd=self.data.parent,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """What a command says to machines."""
        return json.loads(self.postern(*arguments, "--json"))

    def send(self, number: int) -> tuple[int, str]:
        """Send a message to Ann by SMTP, from where Carla's mail comes; the reply to it."""
        port = json.loads((self.data / "service.json").read_text(encoding="utf-8"))["proxy_port"]
        with Proxied("127.0.0.1", port, timeout=60) as session:
            session.ehlo("mail.friend.example")
            session.mail("carla@friend.example")
            session.rcpt("ann@example.com")
            code, text = session.data(MESSAGE % (number, number))
        return code, text.decode()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`postern up` with its samples, on ports that are free."""
    data = tmp_path_factory.mktemp("cli") / ".postern"
    command = [
        sys.executable,
        "-m",
        "postern_cli",
        "up",
        "--data",
        str(data),
        "--smtp-port",
        "0",
        "--proxy-port",
        "0",
        "--submission-port",
        "0",
        "--submissions-port",
        "0",
    ]
    said = data.parent / "up.log"
    with said.open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603
    until = time.monotonic() + UP_SECONDS
    while "Postern is up" not in (text := said.read_text(encoding="utf-8", errors="replace")):
        assert process.poll() is None, text
        assert time.monotonic() < until, text
        time.sleep(0.5)
    yield Running(data, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(130) == 0


def test_the_samples_can_be_traced(service: Running) -> None:
    found = service.json("trace", "--last", "50")
    assert {one["decision"]["reply"]["code"] for one in found} >= {250, 550}
    newest = found[0]["transaction"]["transaction_id"]
    assert newest in service.postern("trace", newest)
    assert "Checks" in service.postern("trace", newest)


def test_a_message_is_found_by_its_reply_and_in_its_folder(service: Running) -> None:
    code, reply = service.send(1)
    assert code == 250
    told = _until(lambda: service.json("trace", reply), lambda told: "on its way" not in str(told["whereabouts"]))
    assert told["transaction"]["envelope"]["reverse_path"] == "carla@friend.example"
    assert "message" in told["whereabouts"][0]["place"]


def test_what_was_held_is_released(service: Running) -> None:
    (held, *_) = service.json("quarantine", "list")
    mailbox, transaction_id = held["mailbox"], held["transaction_id"]
    assert held["reasons"][0] in service.postern("quarantine", "show", mailbox, transaction_id)
    service.postern("quarantine", "release", mailbox, transaction_id)
    places = {one["address"]: one["place"] for one in service.json("trace", transaction_id)["whereabouts"]}
    assert places[mailbox].startswith("Inbox")
    assert transaction_id not in service.postern("quarantine", "list")


def test_a_list_entry_counts_for_the_next_messages(service: Running) -> None:
    service.postern("lists", "add", "refuse", "carla@friend.example", "--note", "a test")
    code, reply = _until(lambda: service.send(int(time.time())), lambda answer: answer[0] == 550)
    assert (code, reply.split()[0]) == (550, "5.7.1")
    service.postern("lists", "remove", "refuse", "carla@friend.example")


def test_policy_that_is_wrong_is_found_in_the_tables(service: Running) -> None:
    assert service.json("policy", "check") == []
    service.postern("policy", "set", "spam_filter.refuse_at", "3", "--scope", "domain:example.com")
    assert "refuse_at" in service.postern("policy", "check", code=1)
    service.postern("policy", "unset", "spam_filter.refuse_at", "--scope", "domain:example.com")


def test_a_second_service_on_the_same_data_is_refused(service: Running) -> None:
    service.postern("up", "--data", str(service.data), "--no-samples", "--once", code=3)


def _until(ask: Any, good: Any) -> Any:
    """The answer once it is good, or the last one."""
    until = time.monotonic() + SETTLING_SECONDS
    while not good(answer := ask()) and time.monotonic() < until:
        time.sleep(1.5)
    return answer
