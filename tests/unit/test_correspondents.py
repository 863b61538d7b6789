"""What outgoing mail teaches, and the one spelling of an address."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postern.correspondents import MAX_LEARNT, known_as, learnt_from
from postern.message import parse_message
from postern.ports import Correspondence
from tests.transactions import RECEIVED_AT

ANN, KEEP = "ann@receiver.example", timedelta(days=180)


def learnt(forward_paths: list[str], header: str = "Subject: hello") -> tuple[Correspondence, ...]:
    message = parse_message(f"{header}\r\n\r\nhello".encode())
    return learnt_from(ANN, forward_paths, message, RECEIVED_AT, KEEP)


def test_recipients_are_known_in_one_spelling_until_they_expire() -> None:
    found = learnt(["Bob@Example.com", "bob@example.com", "eve@b\u00fccher.example", "postmaster"])
    assert found == tuple(
        Correspondence(ANN, address, RECEIVED_AT + KEEP) for address in ("bob@example.com", "eve@xn--bcher-kva.example")
    )


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; owner=ann",
        "Precedence: bulk",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=x",
    ],
)
def test_what_a_program_sends_teaches_nothing(header: str) -> None:
    assert learnt(["bob@example.com"], header) == ()


def test_what_a_person_sends_may_say_so() -> None:
    assert learnt(["bob@example.com"], "Auto-Submitted: no")


def test_a_mailing_is_no_correspondence() -> None:
    assert learnt([f"u{number}@example.com" for number in range(MAX_LEARNT + 1)]) == ()


@pytest.mark.parametrize(
    ("address", "known"),
    [
        ("prvs=0786d6aa1a=Bob@Example.com", "bob@example.com"),
        ("john.1984@example.com", "john.1984@example.com"),
        ("bob@", ""),
        ("@example.com", ""),
        ("bob", ""),
        ("b\udcffb@example.com", ""),
        ("x" * 400 + "@example.com", ""),
    ],
)
def test_the_spelling_under_which_an_address_is_known(address: str, known: str) -> None:
    assert known_as(address) == known
