"""What happens when something fails, row by row, through the running service.

=======================================  =========================================================================
what fails                               where it is proved, beside here
=======================================  =========================================================================
a check raises, answers too much or      tests/workflow/test_embedded_workflow.py: each in its own branch, also a
garbage, or takes too long               check that takes too long; tests/unit/test_runner.py: inside the check
the state grows over 262,144 octets      tests/unit/test_runner.py: results are cut; tests/workflow/
                                         test_embedded_workflow.py: the embedded AWS refuses what AWS refuses
the commit's answer is lost              tests/unit/aws/test_outbox.py, tests/unit/frontend/test_transaction.py: it is
                                         read back or made void; test_durability.py: at random, under load
a copy of several cannot be delivered    tests/unit/aws/test_delivery.py: the others are, and it is tried again
what is stuck                            tests/unit/aws/test_delivery.py: told once, tried for ever
a front end is killed or drained         test_durability.py; tests/dialogue/test_endings_and_faults.py: who is idle,
                                         who is in a transaction, who does not finish
a relayed copy is refused or expires     tests/unit/relay/test_reports.py: who is told; test_worker.py: held, told of
                                         once an hour
=======================================  =========================================================================
"""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from postern.model import ResultWord
from postern_aws.receipts import Receipt
from tests.e2e.durability import FRIEND, POLICY
from tests.e2e.local_service import FRONT_ENDS, Service, eventually, is_open, local_service
from tests.e2e.mail_clients import Attempt, Letter

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

ANN, NOBODY = "ann@example.com", "nobody@relayed.example"
UNPROVEN = (FRIEND[0], FRIEND[1], "office@mail.club.example")
DELIVER = "DeliveryDeliver"
TRIES_OF_THE_STREAM = 4
SECONDS = 60
LOCAL_TROUBLE = "451 4.3.0"
DNS_TROUBLE = "451 4.4.3"


class Mail:
    """Sends messages that are all different, and looks for them."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.sent = 0
        self.letter = self._letter(ANN)

    def send(self, recipient: str = ANN, client: tuple[str, str, str] = FRIEND) -> str:
        """The reply to a new message."""
        self.sent += 1
        self.letter = self._letter(recipient, client)
        return self.again()

    def again(self) -> str:
        """The reply to the same message once more."""
        attempt = Attempt(self.service.proxy_port, self.letter)
        return f"{attempt.make()} {attempt.words}"

    def receipt(self, reply: str) -> Receipt:
        """How the reply came about."""
        found = re.search(r"\bas (?P<id>[0-9a-z-]+)", reply)
        assert found is not None, reply
        receipt = self.service.receipt(found["id"])
        assert receipt is not None
        return receipt

    def copies(self) -> int:
        """How many copies of the last message there are in mailboxes."""
        subject = f"Failure {self.sent}"
        return sum(row.get("subject") == subject for row in self.service.rows("MailboxesTable"))

    def is_nowhere(self) -> bool:
        """Whether nothing was accepted of the last message."""
        return self.copies() == 0 and not self.service.due()

    def _letter(self, recipient: str, client: tuple[str, str, str] = FRIEND) -> Letter:
        client_ip, helo, reverse_path = client
        text = f"From: <{reverse_path}>\r\nTo: <{ANN}>\r\nSubject: Failure {self.sent}\r\n\r\nAt four?\r\n"
        return Letter(f"failure-{self.sent}", client_ip, helo, reverse_path, (recipient,), text.encode())


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mail]:
    with local_service(tmp_path_factory.mktemp("failing") / "state") as service:
        service.set_policy(**POLICY)
        yield Mail(service)


@pytest.fixture(autouse=True)
def everything_works_again(mail: Mail) -> Iterator[None]:
    """Each test leaves a service that accepts and delivers, and nothing undone."""
    yield
    assert mail.send().startswith("250 ")
    assert eventually(lambda: mail.copies() == 1 and not mail.service.due(), SECONDS)


@pytest.mark.parametrize("how", ["raise", "throttle"])
def test_mail_goes_on_without_a_check(mail: Mail, how: str) -> None:
    with mail.service.failing(functions={"Checksspf": how}):
        receipt = mail.receipt(mail.send())
    assert receipt.results["spf"]["result"] == ResultWord.TEMPERROR
    assert not receipt.results["spf"].get("findings")
    assert receipt.results["rules"]["result"] != ResultWord.TEMPERROR


def test_mail_waits_for_a_required_check(mail: Mail) -> None:
    with mail.service.failing(functions={"Checksrules": "raise"}):
        assert mail.send().startswith(LOCAL_TROUBLE)
    assert mail.is_nowhere()


def test_mail_waits_for_the_dns(mail: Mail) -> None:
    with mail.service.failing(dns="down"):
        assert mail.send().startswith(DNS_TROUBLE)
    assert mail.is_nowhere()


@pytest.mark.parametrize(
    "trouble",
    [
        {"faults": {"s3": 1.0}},
        {"faults": {"states": 1.0}},
        {"faults": {"dynamodb": 1.0}},
        {"functions": {"Decide": "raise"}},
        {"functions": {"Decide": "throttle"}},
    ],
    ids=["s3", "workflow", "commit", "decide", "decide throttled"],
)
def test_nothing_is_accepted_without(mail: Mail, trouble: dict[str, Any]) -> None:
    """The recipient is remembered from the messages before, so that it is the end of DATA that fails."""
    with mail.service.failing(**trouble):
        assert mail.send().startswith(LOCAL_TROUBLE)
    assert mail.is_nowhere()
    assert mail.again().startswith("250 ")
    assert eventually(lambda: mail.copies() == 1, SECONDS)


def test_a_delivery_that_fails_is_tried_again_by_the_stream(mail: Mail) -> None:
    with mail.service.failing(functions={DELIVER: "raise"}):
        before = mail.service.tell().get("raise", 0)
        assert mail.send().startswith("250 ")
        assert eventually(lambda: mail.service.tell().get("raise", 0) > before, SECONDS)
        assert mail.copies() == 0
    assert eventually(lambda: mail.copies() == 1 and not mail.service.due(), SECONDS)


def test_what_the_stream_gives_up_is_delivered_by_the_sweeper(mail: Mail) -> None:
    with mail.service.failing(functions={DELIVER: "raise"}):
        before = mail.service.tell().get("raise", 0)
        assert mail.send().startswith("250 ")
        assert eventually(lambda: mail.service.tell().get("raise", 0) == before + TRIES_OF_THE_STREAM, SECONDS)
    assert mail.copies() == 0
    mail.service.make_due()
    mail.service.sweep()
    assert eventually(lambda: mail.copies() == 1 and not mail.service.due(), SECONDS)


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_front_end_that_ends_in_data_has_accepted_nothing(mail: Mail, by: signal.Signals) -> None:
    """Killed, it says nothing; draining, it lets the transaction finish, or says 421 when it does not."""
    service, client_ip = mail.service, FRIEND[0]
    before = service.front_end(FRONT_ENDS[1])
    with socket.create_connection(("127.0.0.1", service.proxy_port), SECONDS) as connection:
        file = connection.makefile("rb")
        connection.sendall(f"PROXY TCP4 {client_ip} 192.0.2.25 40000 25\r\n".encode())
        assert file.readline().startswith(b"220 ")
        for command in ("HELO x", f"MAIL FROM:<{FRIEND[2]}>", f"RCPT TO:<{ANN}>", "DATA"):
            connection.sendall(f"{command}\r\n".encode())
            assert file.readline()[:1] in b"23"
        connection.sendall(b"Subject: Half a message\r\n\r\nwith an end that does not")
        service.end_front_end(FRONT_ENDS[1], by)
        if by is signal.SIGTERM:
            connection.sendall(b" fail to come\r\n.\r\n")
            assert file.readline().startswith(b"250 ")
        else:
            assert _rest(file) == b""
    assert eventually(lambda: service.front_end(FRONT_ENDS[1]) != before and is_open(service.proxy_port), 90)
    subjects = [row.get("subject") for row in service.rows("MailboxesTable")]
    assert subjects.count("Half a message") == (by is signal.SIGTERM)


def test_relayed_mail_that_is_refused_is_told_to_a_proven_sender_and_held_of_any_other(mail: Mail) -> None:
    """Its target knows nobody of that name."""
    service = mail.service
    assert mail.send(NOBODY).startswith("250 ")
    remote = service.directory / "remote"
    assert eventually(lambda: any(path.stat().st_size for path in remote.iterdir()), SECONDS)
    (report,) = (path.read_bytes() for path in remote.iterdir())
    assert report.startswith(f"X-Envelope-From: <>\r\nX-Envelope-To: <{FRIEND[2]}>\r\n".encode())
    assert b"Diagnostic-Code: smtp; 550 5.1.1 nobody of that name" in report
    assert not service.rows("QuarantineTable")

    assert mail.send(NOBODY, UNPROVEN).startswith("250 ")
    assert eventually(lambda: len(service.rows("QuarantineTable")) == 1, SECONDS)
    (held,) = service.rows("QuarantineTable")
    assert (held["mailbox"], held["reasons"]) == (NOBODY, ["relay: 550 5.1.1 nobody of that name"])
    told = service.directory / "logs" / "notices.jsonl"
    assert eventually(lambda: told.exists() and "nobody of that name" in told.read_text(encoding="utf-8"), SECONDS)
    assert len(list(remote.iterdir())) == 1


def _rest(file: Any) -> bytes:
    try:
        rest: bytes = file.read()
    except ConnectionResetError:
        return b""
    return rest
