"""The protocol object under any octets: no exception, nothing unbounded, the same answers however the stream is cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from postern import replies
from postern_frontend.smtp.events import (
    Closed,
    MessageReceived,
    RecipientGiven,
    ReversePathGiven,
    TextReceived,
    TlsRequested,
    TransactionEnded,
)
from postern_frontend.smtp.parameters import ParameterParser
from postern_frontend.smtp.phase import Expects, Phase
from postern_frontend.smtp.profile import Extension, Offered, SmtpProfile, receiver_profile
from postern_frontend.smtp.protocol import SmtpProtocol

PROFILE = receiver_profile("mx.example.com", max_message_octets=10_000, starttls=True)

COMMANDS = st.sampled_from(
    [
        b"EHLO client.example\r\n",
        b"HELO client.example\r\n",
        b"MAIL FROM:<ben@example.org>\r\n",
        b"MAIL FROM:<ben@example.org> SIZE=99 BODY=8BITMIME SMTPUTF8\r\n",
        b"MAIL FROM:<>\r\n",
        b"RCPT TO:<ann@example.com>\r\n",
        b'RCPT TO:<"a b"@example.com>\r\n',
        b"DATA\r\n",
        b"text\r\n",
        b"..\r\n",
        b".\r\n",
        b"\n.\r",
        b"BDAT 4\r\n",
        b"BDAT 3 LAST\r\n",
        b"abcd",
        b"STARTTLS\r\n",
        b"RSET\r\n",
        b"NOOP\r\n",
        b"VRFY x\r\n",
        b"QUIT\r\n",
        b"\r",
        b"\n",
        b"\0",
        b"\xff\xfe",
        b"x" * 2_000,
    ]
)
STREAMS = st.lists(st.one_of(COMMANDS, COMMANDS, COMMANDS, st.binary(max_size=20)), max_size=40).map(b"".join)


def answer_to(event: object) -> replies.Reply | None:
    match event:
        case ReversePathGiven():
            return replies.REVERSE_PATH_OK
        case RecipientGiven():
            return replies.RECIPIENT_OK
        case MessageReceived():
            return replies.accepted("ID")
        case TlsRequested():
            return replies.TLS_UNAVAILABLE
        case _:
            return None


def converse(protocol: SmtpProtocol, chunks: list[bytes]) -> tuple[bytes, list[bytes]]:
    """Everything the server says, and the messages that arrived."""
    output, messages, text = b"", [], b""
    for chunk in chunks:
        protocol.receive(chunk)
        while event := protocol.next_event():
            if isinstance(event, TextReceived):
                text += event.text
            elif isinstance(event, MessageReceived):
                messages.append(text)
            elif isinstance(event, TransactionEnded):
                text = b""
            reply = answer_to(event)
            if reply is not None:
                assert protocol.expects is Expects.ANSWER
                protocol.answer(reply)
        output += protocol.take_output()
        assert protocol.buffered <= PROFILE.max_command_octets
    return output, messages


@given(st.lists(st.one_of(st.binary(max_size=200), COMMANDS), max_size=60))
def test_no_octets_raise_anything(chunks: list[bytes]) -> None:
    output, messages = converse(SmtpProtocol(PROFILE), chunks)
    assert all(line[:3].isdigit() and line[3:4] in (b" ", b"-") for line in output.split(b"\r\n")[:-1])
    assert all(message.endswith(b"\r\n") or not message for message in messages)


@given(STREAMS, st.lists(st.integers(0, 5_000), max_size=20))
@settings(max_examples=300)
def test_the_answers_do_not_depend_on_how_the_stream_is_cut(stream: bytes, places: list[int]) -> None:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(edges)]
    assert converse(SmtpProtocol(PROFILE), pieces) == converse(SmtpProtocol(PROFILE), [stream])


def test_nothing_is_read_while_an_answer_is_owed() -> None:
    protocol = SmtpProtocol(PROFILE)
    protocol.receive(b"HELO x\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n")
    assert isinstance(protocol.next_event(), ReversePathGiven)
    assert protocol.next_event() is None
    assert protocol.expects is Expects.ANSWER
    protocol.answer(replies.REVERSE_PATH_OK)
    assert isinstance(protocol.next_event(), TransactionEnded)
    assert isinstance(protocol.next_event(), Closed)


def test_an_answer_that_closes_ends_the_conversation() -> None:
    protocol = SmtpProtocol(PROFILE)
    protocol.receive(b"HELO x\r\nMAIL FROM:<a@b.example>\r\nNOOP\r\n")
    protocol.next_event()
    protocol.answer(replies.SHUTTING_DOWN)
    assert isinstance(protocol.next_event(), Closed)
    assert protocol.next_event() is None
    assert protocol.take_output().endswith(replies.SHUTTING_DOWN.encode())


def test_an_answer_after_the_end_is_nobodys() -> None:
    protocol = SmtpProtocol(PROFILE)
    protocol.receive(b"HELO x\r\nMAIL FROM:<a@b.example>\r\n")
    protocol.next_event()
    protocol.abort(replies.TIMED_OUT)
    protocol.take_output()
    protocol.answer(replies.REVERSE_PATH_OK)
    assert protocol.take_output() == b""
    assert protocol.phase is Phase.CLOSED


def test_what_came_ahead_of_tls_is_forgotten() -> None:
    protocol = SmtpProtocol(PROFILE)
    protocol.receive(b"EHLO x\r\nSTARTTLS\r\nMAIL FROM:<injected@example.org>\r\n")
    assert isinstance(protocol.next_event(), TlsRequested)
    protocol.answer(replies.READY_FOR_TLS)
    assert protocol.expects is Expects.HANDSHAKE
    protocol.receive(b"RSET\r\n")
    assert protocol.next_event() is None
    protocol.take_output()
    protocol.start_over()
    assert protocol.next_event() is None
    assert (protocol.helo_identity, protocol.secured) == ("", True)
    protocol.receive(b"MAIL FROM:<a@b.example>\r\n")
    assert protocol.next_event() is None
    assert protocol.take_output() == replies.HELLO_FIRST.encode()


def test_tls_is_offered_once() -> None:
    protocol = SmtpProtocol(PROFILE)
    protocol.start_over()
    protocol.receive(b"EHLO x\r\nSTARTTLS\r\n")
    assert protocol.next_event() is None
    output = protocol.take_output()
    assert b"250-STARTTLS" not in output
    assert b"250 STARTTLS" not in output
    assert output.endswith(replies.TLS_ALREADY_ACTIVE.encode())


def test_a_conversation_finishes_after_its_transaction() -> None:
    protocol = SmtpProtocol(PROFILE)
    converse(protocol, [b"HELO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.com>\r\n"])
    protocol.finish(replies.SHUTTING_DOWN)
    output, messages = converse(protocol, [b"DATA\r\n", b"text\r\n.\r\n"])
    assert messages == [b"text\r\n"]
    assert output.endswith(replies.accepted("ID").encode() + replies.SHUTTING_DOWN.encode())


def test_an_idle_conversation_finishes_at_once() -> None:
    protocol = SmtpProtocol(PROFILE)
    protocol.finish(replies.SHUTTING_DOWN)
    assert isinstance(protocol.next_event(), Closed)
    assert protocol.take_output() == replies.SHUTTING_DOWN.encode()


def test_a_message_without_end_is_cut_off() -> None:
    protocol = SmtpProtocol(PROFILE)
    envelope = b"HELO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<ann@example.com>\r\nDATA\r\n"
    output, messages = converse(protocol, [envelope, *[b"x" * 1_000] * 30])
    assert messages == []
    assert output.endswith(replies.MESSAGE_TOO_LARGE.encode())
    assert protocol.phase is Phase.CLOSED


def test_commands_are_counted_from_one_accepted_message_to_the_next() -> None:
    protocol = SmtpProtocol(PROFILE)
    message = b"MAIL FROM:<>\r\nRCPT TO:<ann@example.com>\r\nDATA\r\n.\r\n"
    output, messages = converse(protocol, [b"HELO x\r\n", *[b"NOOP\r\n" * 900 + message] * 3])
    assert len(messages) == 3
    output, _ = converse(protocol, [b"NOOP\r\n" * 1_001])
    assert output == replies.OK.encode() * 1_000 + replies.TOO_MANY_COMMANDS.encode()


def test_an_extension_brings_verbs_lines_and_parameters() -> None:
    """What AUTH and DSN need of the protocol: a verb that exchanges lines, parameters, an announcement under TLS."""
    heard: list[bytes] = []

    def exchange(protocol: SmtpProtocol, argument: str) -> None:
        protocol.reply(replies.Reply(334, None, argument))

        def take(line: bytes) -> None:
            heard.append(line)
            protocol.take_lines(None)
            protocol.reply(replies.OK)

        protocol.take_lines(take)

    parser: ParameterParser = str
    extension = Extension(
        announcement="XCHG ONE",
        offered=Offered.UNDER_TLS,
        verbs={"XCHG": exchange},
        mail_parameters={"ENVID": parser},
        recipient_parameters={"NOTIFY": parser},
    )
    profile = SmtpProfile(
        hostname="mx.example.com", extensions=(extension,), max_message_octets=1_000, max_command_octets=512
    )
    protocol = SmtpProtocol(profile)
    assert b"XCHG" not in converse(protocol, [b"EHLO x\r\n"])[0]
    protocol.start_over()
    assert b"250 XCHG ONE" in converse(protocol, [b"EHLO x\r\n"])[0]
    output, _ = converse(protocol, [b"XCHG abc\r\nsecret line\r\nNOOP\r\n"])
    assert heard == [b"secret line"]
    assert output == b"334 abc\r\n" + replies.OK.encode() * 2
    protocol.receive(b"MAIL FROM:<a@b.example> ENVID=7\r\n")
    event = protocol.next_event()
    assert isinstance(event, ReversePathGiven)
    assert event.parameters == {"ENVID": "7"}


def test_tls_can_be_required() -> None:
    profile = SmtpProfile(
        hostname="mx.example.com",
        extensions=(),
        max_message_octets=1_000,
        max_command_octets=512,
        tls_required=True,
    )
    protocol = SmtpProtocol(profile)
    output, _ = converse(protocol, [b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n"])
    assert output.endswith(replies.TLS_REQUIRED.encode())
