"""Connections are used for several copies, by as many at once as policy says, and no server can hold or fill them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from postern.outgoing.target import RelayTarget, TargetTls
from postern_frontend.relay.answer import Answer, Outcome
from postern_frontend.relay.attempt import NextHop, SmtpSender
from postern_frontend.relay.links import COPIES_PER_LINK, CannotConnect, Links, Opener
from postern_frontend.relay.smtp_client import MAX_LINE_OCTETS, MAX_REPLY_LINES
from tests.smtp_sink import Sink, running
from tests.unit.relay.test_attempt import COPY, MESSAGE

OPENER = Opener("mx.example.com", lambda _: "")


def hop(port: int, *addresses: str, name: str = "mail.remote.example") -> NextHop:
    return NextHop(RelayTarget(name, port, TargetTls.NONE), addresses or ("127.0.0.1",))


@pytest.fixture
def sender() -> Iterator[SmtpSender]:
    sender = SmtpSender(Links(OPENER))
    yield sender
    sender.close_idle()


def test_one_connection_takes_several_copies_with_a_reset_between(sender: SmtpSender) -> None:
    with running(Sink()) as sink:
        for _ in range(3):
            assert sender.attempt(COPY, MESSAGE, (hop(sink.port),)).outcome is Outcome.DELIVERED
        sender.close_idle()
    assert sink.connections == 1
    assert [command.lower() for command in sink.commands].count("rset") == 2
    assert len(sink.texts) == 3


def test_a_connection_is_left_after_so_many_copies(sender: SmtpSender) -> None:
    with running(Sink()) as sink:
        for _ in range(COPIES_PER_LINK + 1):
            sender.attempt(COPY, b"x\r\n", (hop(sink.port),))
        sender.close_idle()
    assert sink.connections == 2


def test_a_refused_copy_does_not_cost_the_connection(sender: SmtpSender) -> None:
    with running(Sink(replies={"RCPT": "550 5.1.1 no"})) as sink:
        sender.attempt(COPY, MESSAGE, (hop(sink.port),))
        del sink.replies["RCPT"]
        assert sender.attempt(COPY, MESSAGE, (hop(sink.port),)).outcome is Outcome.DELIVERED
        sender.close_idle()
    assert sink.connections == 1


def test_a_connection_that_is_gone_is_replaced(sender: SmtpSender) -> None:
    with running(Sink()) as sink:
        sender.attempt(COPY, MESSAGE, (hop(sink.port),))
        sink.hangs_up_on = "RSET"
        assert sender.attempt(COPY, MESSAGE, (hop(sink.port),)).outcome is Outcome.DELIVERED
        sender.close_idle()
    assert sink.connections == 2


def test_a_server_gets_no_more_connections_than_policy_says(sender: SmtpSender) -> None:
    target = hop(25).target
    assert sender.links.enter(target, 1)
    answer = sender.attempt(COPY, MESSAGE, (hop(25),), 1)
    assert (answer.outcome, answer.soon) == (Outcome.DEFERRED, True)
    sender.links.exit(target)
    assert sender.links.enter(target, 1)


# --- the next server ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [
        Sink(replies={"GREETING": "554 go away"}),
        Sink(replies={"GREETING": "421 busy"}),
        Sink(replies={"MAIL": "451 4.3.0 later"}),
        Sink(replies={"RCPT": "450 4.2.0 later"}),
        Sink(hangs_up_on="MAIL"),
    ],
)
def test_a_server_that_does_not_take_it_now_leaves_it_to_the_next(sender: SmtpSender, first: Sink) -> None:
    with running(replace(first, commands=[], texts=[])) as one, running(Sink()) as other:
        hops = (hop(one.port, name="a.remote.example"), hop(other.port, name="b.remote.example"))
        assert sender.attempt(COPY, MESSAGE, hops) == Answer(
            Outcome.DELIVERED, "250 2.0.0 queued", "b.remote.example [127.0.0.1]"
        )
        sender.close_idle()
    assert one.texts == []


def test_what_one_server_refuses_for_good_is_refused(sender: SmtpSender) -> None:
    with running(Sink(replies={"RCPT": "550 5.1.1 no"})) as one, running(Sink()) as other:
        answer = sender.attempt(COPY, MESSAGE, (hop(one.port), hop(other.port)))
        sender.close_idle()
    assert answer.outcome is Outcome.REFUSED
    assert other.connections == 0


def test_what_a_server_may_have_taken_is_given_to_no_other(sender: SmtpSender) -> None:
    with running(Sink(hangs_up_on="TEXT")) as one, running(Sink()) as other:
        answer = sender.attempt(COPY, MESSAGE, (hop(one.port), hop(other.port)))
        sender.close_idle()
    assert (answer.outcome, answer.is_unsure) == (Outcome.DEFERRED, True)
    assert other.connections == 0


def test_every_address_of_a_server_is_tried(sender: SmtpSender) -> None:
    with running(Sink()) as sink:
        answer = sender.attempt(COPY, MESSAGE, (hop(sink.port, "127.0.0.2", "127.0.0.1"),))
        sender.close_idle()
    assert answer.outcome is Outcome.DELIVERED


# --- servers that mean us harm --------------------------------------------------------------------------------


@contextmanager
def saying(octets: bytes) -> Iterator[int]:
    """A server that says this to whoever comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    connection.sendall(octets)
                    connection.recv(100)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


@contextmanager
def dripping_after_hello() -> Iterator[int]:
    """A server for one connection, whose second reply never ends and never pauses for long."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            listener.close()
            with connection, suppress(OSError):
                for reply in (b"220 ready\r\n", b"250 hello\r\n"):
                    connection.sendall(reply)
                    connection.recv(100)
                while True:
                    connection.sendall(b"x")
                    time.sleep(0.02)

        port = listener.getsockname()[1]
        thread = threading.Thread(target=serve)
        thread.start()
        yield port
        thread.join(10)


def test_a_kept_connection_that_answers_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postern_frontend.relay.links.OPENING_SECONDS", 0.3)
    links = Links(OPENER)
    with dripping_after_hello() as port:
        target = hop(port).target
        with links.lend(target, "127.0.0.1"):
            pass
        with pytest.raises(CannotConnect), links.lend(target, "127.0.0.1"):
            pass


@pytest.mark.parametrize(
    "octets",
    [
        b"220-more\r\n" * (MAX_REPLY_LINES + 10),
        b"220 " + b"x" * (MAX_LINE_OCTETS + 10) + b"\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff\xfe\r\n",
        b"",
    ],
)
def test_a_reply_that_is_none_is_temporary(sender: SmtpSender, octets: bytes) -> None:
    with saying(octets) as port:
        answer = sender.attempt(COPY, MESSAGE, (hop(port),))
    assert answer.outcome is Outcome.DEFERRED


def test_a_server_that_trickles_its_greeting_is_cut_off(sender: SmtpSender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postern_frontend.relay.smtp_client.GREETING_SECONDS", 0.3)
    with saying(b"220-slow") as port:
        answer = sender.attempt(COPY, MESSAGE, (hop(port),))
    assert answer.outcome is Outcome.DEFERRED
