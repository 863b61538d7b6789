"""Ports 587 and 465: each command in each state, well-formed, malformed and too long (RFC 6409, RFC 4954 §4, RFC 3461).

Nothing but greetings, TLS and logging in goes before a login, nobody logs in without TLS, and what is refused changes
nothing.
"""

from __future__ import annotations

import itertools

import pytest

from postern import replies
from postern.replies import Reply
from postern_frontend.smtp.events import (
    Event,
    LoginGiven,
    MessageReceived,
    RecipientGiven,
    ReversePathGiven,
    TlsRequested,
)
from postern_frontend.smtp.protocol import SmtpProtocol
from postern_frontend.smtp.submission import submission_profile

HELLO, LOGIN = "EHLO client.example.org", "AUTH PLAIN AGFubgBwdw=="
MAIL, RCPT = "MAIL FROM:<ann@example.com>", "RCPT TO:<ben@example.org>"
NOOP, TOO_LONG = "NOOP", 20_000

STATES: dict[str, tuple[bool, tuple[str, ...]]] = {
    "plain": (False, ()),
    "plain greeted": (False, (HELLO,)),
    "tls": (True, ()),
    "tls greeted": (True, (HELLO,)),
    "logged in": (True, (HELLO, LOGIN)),
    "mail": (True, (HELLO, LOGIN, MAIL)),
    "recipients": (True, (HELLO, LOGIN, MAIL, RCPT)),
}
"""How a conversation comes to each state: whether under TLS, and what was said."""

ANSWERS: dict[type[Event], Reply] = {
    ReversePathGiven: replies.REVERSE_PATH_OK,
    RecipientGiven: replies.RECIPIENT_OK,
    MessageReceived: replies.accepted("0123456789"),
    LoginGiven: replies.LOGGED_IN,
    TlsRequested: replies.READY_FOR_TLS,
}


def codes(before: int, *after: int) -> tuple[int, ...]:
    """The codes in all states, of which those before a login are one."""
    return (*(before,) * 4, *after)


ALWAYS = 7
CODES: dict[str, tuple[int, ...]] = {
    HELLO: (250,) * ALWAYS,
    "HELO client.example.org": (250,) * ALWAYS,
    "EHLO two words": (501,) * ALWAYS,
    "RSET": (250,) * ALWAYS,
    NOOP: (250,) * ALWAYS,
    "QUIT": (221,) * ALWAYS,
    "XYZZY": (500,) * ALWAYS,
    "X" * TOO_LONG: (500,) * ALWAYS,
    "AUTH PLAIN " + "A" * TOO_LONG: (500,) * ALWAYS,
    "STARTTLS": (503, 220, 503, 503, 503, 503, 503),
    LOGIN: (503, 538, 503, 235, 503, 503, 503),
    "AUTH LOGIN": (503, 538, 503, 334, 503, 503, 503),
    "AUTH CRAM-MD5": (503, 504, 503, 504, 503, 503, 503),
    "AUTH": (503, 501, 503, 501, 503, 503, 503),
    "AUTH PLAIN !!": (503, 538, 503, 501, 503, 503, 503),
    "AUTH PLAIN AGFubg==": (503, 538, 503, 501, 503, 503, 503),
    "AUTH PLAIN =": (503, 538, 503, 501, 503, 503, 503),
    MAIL: codes(530, 250, 503, 503),
    "MAIL FROM:<>": codes(530, 250, 503, 503),
    f"{MAIL} AUTH=<>": codes(530, 250, 503, 503),
    f"{MAIL} RET=HDRS ENVID=one+2Btwo": codes(530, 250, 503, 503),
    f"{MAIL} RET=SOME": codes(530, 501, 503, 503),
    f"{MAIL} ENVID=+ZZ": codes(530, 501, 503, 503),
    f"{MAIL} ENVID={'x' * 101}": codes(530, 501, 503, 503),
    f"{MAIL} NONSENSE=1": codes(530, 555, 503, 503),
    "MAIL FROM:ann": codes(530, 501, 503, 503),
    RCPT: codes(530, 503, 250, 250),
    f"{RCPT} NOTIFY=SUCCESS,FAILURE,DELAY": codes(530, 503, 250, 250),
    f"{RCPT} NOTIFY=NEVER": codes(530, 503, 250, 250),
    f"{RCPT} NOTIFY=NEVER,DELAY": codes(530, 503, 501, 501),
    f"{RCPT} ORCPT=rfc822;ben@example.org": codes(530, 503, 250, 250),
    f"{RCPT} ORCPT=ben": codes(530, 503, 501, 501),
    "RCPT TO:<>": codes(530, 503, 501, 501),
    "DATA": codes(530, 503, 503, 354),
    "BDAT 0 LAST": codes(530, 503, 503, 250),
    "VRFY ann": codes(530, 252, 252, 252),
    "EXPN team": codes(530, 502, 502, 502),
    "HELP": codes(530, 214, 214, 214),
}
"""The code of each command in the states as they are listed."""


class Server:
    """The protocol alone, whose every question is answered with yes."""

    def __init__(self, state: str) -> None:
        under_tls, said = STATES[state]
        self.protocol = SmtpProtocol(submission_profile("mail.example.com", max_message_octets=10_000))
        if under_tls:
            self.protocol.start_over()
        self.protocol.greet()
        self.hear()
        for command in said:
            assert self.say(command)[-1][0] == "2"

    def say(self, command: str) -> list[str]:
        """Say a command, and hear the lines that answer it."""
        self.protocol.receive(command.encode() + b"\r\n")
        return self.hear()

    def hear(self) -> list[str]:
        """Everything the server says now."""
        while event := self.protocol.next_event():
            if type(event) in ANSWERS:
                self.protocol.answer(ANSWERS[type(event)])
        return self.protocol.take_output().decode("ascii").splitlines()


@pytest.mark.parametrize(
    ("command", "state"), [*itertools.product(CODES, STATES)], ids=lambda text: text if len(text) < 60 else text[:20]
)
def test_each_command_has_its_code_in_each_state(command: str, state: str) -> None:
    expected = CODES[command][list(STATES).index(state)]
    lines = Server(state).say(command)
    assert {line[:3] for line in lines} == {str(expected)}


@pytest.mark.parametrize(
    ("command", "state"), [(c, s) for c in CODES for at, s in enumerate(STATES) if CODES[c][at] >= 500]
)
def test_what_is_refused_changes_nothing(command: str, state: str) -> None:
    server, untouched = Server(state), Server(state)
    server.say(command)
    assert server.protocol.phase is untouched.protocol.phase
    assert server.protocol.envelope == untouched.protocol.envelope
    assert server.protocol.logged_in == untouched.protocol.logged_in
    assert server.say(NOOP) == untouched.say(NOOP)


@pytest.mark.parametrize("state", ["plain", "plain greeted", "tls", "tls greeted"])
def test_no_message_begins_before_a_login(state: str) -> None:
    server = Server(state)
    for command in (MAIL, RCPT, "DATA", "BDAT 3 LAST\r\nabc"):
        server.say(command)
    assert server.protocol.envelope is None
    assert not server.protocol.recipients
