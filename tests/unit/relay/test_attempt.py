"""One attempt against a real server on loopback: what it says decides, and how it says goodbye does not."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postern.model import MessageReference
from postern.outgoing.target import RelayTarget, TargetTls
from postern.ports import Unavailable
from postern_aws.relay_rows import RelayCopy
from postern_frontend.relay.answer import Answer, Outcome
from postern_frontend.relay.attempt import NextHop, SmtpSender
from postern_frontend.relay.links import Links, Opener
from tests.smtp_sink import Sink, make_certificate, running

COPY = RelayCopy(
    "t1",
    "ann@relayed.example",
    "bob@sender.example",
    MessageReference("mail/x/t1", 0, ""),
    datetime(2026, 11, 22, tzinfo=UTC),
)
MESSAGE = b"Subject: Tea\r\n\r\n.At four?\r\n"
PASSWORD = "s3cret"


OPENER = Opener("mx.example.com", lambda _: PASSWORD)


def sender(opener: Opener = OPENER) -> SmtpSender:
    return SmtpSender(Links(opener))


def attempt(
    sink: Sink,
    copy: RelayCopy = COPY,
    message: bytes = MESSAGE,
    *,
    tls: TargetTls = TargetTls.OPPORTUNISTIC,
    user: str = "",
    using: Opener = OPENER,
) -> Answer:
    with running(sink):
        target = RelayTarget("127.0.0.1", sink.port, tls, user, "secret" if user else "")
        by = sender(using)
        answer = by.attempt(copy, message, (NextHop(target),))
        by.close_idle()
        return answer


def test_a_copy_is_handed_over() -> None:
    sink = Sink()
    assert attempt(sink) == Answer(Outcome.DELIVERED, "250 2.0.0 queued", "127.0.0.1")
    assert sink.commands == [
        "ehlo mx.example.com",
        f"MAIL FROM:<bob@sender.example> SIZE={len(MESSAGE)}",
        "RCPT TO:<ann@relayed.example>",
        "DATA",
        "quit",
    ]
    assert sink.texts == [b"Subject: Tea\r\n\r\n..At four?\r\n.\r\n"]


def test_the_null_reverse_path_stays_null() -> None:
    sink = Sink()
    attempt(sink, replace(COPY, reverse_path=None))
    assert sink.commands[1].startswith("MAIL FROM:<> ")


@pytest.mark.parametrize("extensions", [("8BITMIME",), ()])
def test_eight_bits_are_announced_where_they_can_be(extensions: tuple[str, ...]) -> None:
    sink = Sink(extensions=extensions)
    assert attempt(sink, message=b"Subject: x\r\n\r\n\xc3\xbc\r\n").outcome is Outcome.DELIVERED
    assert ("BODY=8BITMIME" in sink.commands[1]) is bool(extensions)


def test_smtputf8_is_used_when_an_address_or_the_header_needs_it() -> None:
    sink = Sink()
    assert attempt(sink, replace(COPY, recipient="jürgen@relayed.example")).outcome is Outcome.DELIVERED
    assert sink.commands[1].endswith(" SMTPUTF8")
    assert sink.commands[2] == "RCPT TO:<jürgen@relayed.example>"
    plain = Sink()
    attempt(plain, replace(COPY, smtputf8=True), b"Subject: Tee\r\n\r\n\xc3\xbc\r\n")
    assert "SMTPUTF8" not in plain.commands[1]


@pytest.mark.parametrize(
    ("copy", "message"),
    [
        (replace(COPY, reverse_path="jürgen@x.example"), MESSAGE),
        (replace(COPY, smtputf8=True), b"Subject: \xc3\xbc\r\n\r\n"),
    ],
)
def test_a_target_that_lacks_smtputf8_cannot_be_given_such_a_message(copy: RelayCopy, message: bytes) -> None:
    answer = attempt(Sink(extensions=("8BITMIME",)), copy, message)
    assert answer.outcome is Outcome.REFUSED
    assert "5.6.7" in answer.text


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "TEXT"])
@pytest.mark.parametrize(
    ("reply", "outcome"), [("550 5.1.1 no", Outcome.REFUSED), ("451 4.3.0 later", Outcome.DEFERRED)]
)
def test_the_reply_to_the_transaction_decides(verb: str, reply: str, outcome: Outcome) -> None:
    assert attempt(Sink(replies={verb: reply})) == Answer(outcome, reply, "127.0.0.1")


@pytest.mark.parametrize(
    "replies",
    [{"GREETING": "554 go away"}, {"GREETING": "421 busy"}, {"MAIL": "530 log in"}, {"EHLO": "550 x", "HELO": "550 y"}],
)
def test_what_is_not_about_this_message_is_temporary(replies: dict[str, str]) -> None:
    assert attempt(Sink(replies=replies)).outcome is Outcome.DEFERRED


@pytest.mark.parametrize("where", ["EHLO", "MAIL", "DATA", "TEXT"])
def test_a_lost_connection_is_temporary(where: str) -> None:
    assert attempt(Sink(hangs_up_on=where)).outcome is Outcome.DEFERRED


@pytest.mark.parametrize("goodbye", [{"replies": {"QUIT": "500 what?"}}, {"hangs_up_on": "QUIT"}])
def test_a_message_that_was_taken_was_taken_whatever_follows(goodbye: dict[str, object]) -> None:
    assert attempt(Sink(**goodbye)).outcome is Outcome.DELIVERED  # type: ignore[arg-type]


def test_nobody_there_is_temporary() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answer = sender().attempt(COPY, MESSAGE, (NextHop(RelayTarget("127.0.0.1", port)),))
    assert answer.outcome is Outcome.DEFERRED
    assert "ConnectionRefusedError" in answer.text


def test_a_message_above_the_announced_size_is_not_sent() -> None:
    sink = Sink(extensions=("SIZE 10",))
    assert attempt(sink).outcome is Outcome.REFUSED
    assert not any(command.startswith("MAIL") for command in sink.commands)


@pytest.mark.parametrize("address", ["a\r\nRCPT TO:<x@y.example>", "a\nb"])
def test_an_address_cannot_smuggle_a_command(address: str) -> None:
    sink = Sink()
    assert attempt(sink, replace(COPY, recipient=address)).outcome is Outcome.DEFERRED
    assert not any("x@y.example" in command for command in sink.commands)


# --- TLS and login ----------------------------------------------------------------------------------------


def test_opportunistic_tls_takes_any_certificate(tmp_path: Path) -> None:
    sink = Sink(context=make_certificate(tmp_path)[0])
    assert attempt(sink).outcome is Outcome.DELIVERED
    assert "STARTTLS" in sink.commands


def test_opportunistic_tls_that_fails_does_without() -> None:
    sink = Sink(context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), replies={"STARTTLS": "454 not now"})
    assert attempt(sink).outcome is Outcome.DELIVERED
    assert sink.connections == 2
    assert len(sink.texts) == 1


def test_a_broken_handshake_does_without_when_tls_is_opportunistic(tmp_path: Path) -> None:
    server = make_certificate(tmp_path)[0]
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    client = Opener("mx.example.com", lambda _: PASSWORD)
    client.trusting.minimum_version = ssl.TLSVersion.TLSv1_3
    sink = Sink(context=server)
    assert attempt(sink, using=client).outcome is Outcome.DELIVERED
    assert sink.connections == 2


def test_no_tls_means_none(tmp_path: Path) -> None:
    sink = Sink(context=make_certificate(tmp_path)[0])
    attempt(sink, tls=TargetTls.NONE)
    assert "STARTTLS" not in sink.commands


def test_verified_tls_takes_only_a_certificate_that_is_good(tmp_path: Path) -> None:
    server, trusting_it = make_certificate(tmp_path)
    sink = Sink(context=server)
    assert attempt(sink, tls=TargetTls.VERIFIED).outcome is Outcome.DEFERRED
    assert sink.texts == []
    verifying = replace(OPENER, verifying=trusting_it)
    assert attempt(Sink(context=server), tls=TargetTls.VERIFIED, using=verifying).outcome is Outcome.DELIVERED


def test_verified_tls_takes_only_a_certificate_for_that_host(tmp_path: Path) -> None:
    server, trusting_it = make_certificate(tmp_path, "127.0.0.2")
    verifying = replace(OPENER, verifying=trusting_it)
    assert attempt(Sink(context=server), tls=TargetTls.VERIFIED, using=verifying).outcome is Outcome.DEFERRED


def test_verified_tls_that_is_not_offered_is_waited_for() -> None:
    sink = Sink()
    assert attempt(sink, tls=TargetTls.VERIFIED).outcome is Outcome.DEFERRED
    assert sink.texts == []


def test_we_log_in_after_tls(tmp_path: Path) -> None:
    server, trusting_it = make_certificate(tmp_path)
    sink = Sink(context=server, extensions=("AUTH PLAIN",))
    verifying = replace(OPENER, verifying=trusting_it)
    assert attempt(sink, tls=TargetTls.VERIFIED, user="relay", using=verifying).outcome is Outcome.DELIVERED
    verbs = [command.split()[0].upper() for command in sink.commands]
    assert verbs.index("STARTTLS") < verbs.index("AUTH") < verbs.index("MAIL")


def test_a_login_that_fails_is_temporary_and_tells_no_password(tmp_path: Path) -> None:
    server, trusting_it = make_certificate(tmp_path)
    sink = Sink(context=server, extensions=("AUTH PLAIN",), replies={"AUTH": "535 no"})
    verifying = replace(OPENER, verifying=trusting_it)
    answer = attempt(sink, tls=TargetTls.VERIFIED, user="relay", using=verifying)
    assert answer.outcome is Outcome.DEFERRED
    assert PASSWORD not in answer.text


def test_a_password_that_cannot_be_read_is_temporary(tmp_path: Path) -> None:
    def unreadable(_: str) -> str:
        raise Unavailable("the secret cannot be read")

    server, trusting_it = make_certificate(tmp_path)
    using = Opener("mx.example.com", unreadable, verifying=trusting_it)
    sink = Sink(context=server, extensions=("AUTH PLAIN",))
    assert attempt(sink, tls=TargetTls.VERIFIED, user="relay", using=using).outcome is Outcome.DEFERRED
