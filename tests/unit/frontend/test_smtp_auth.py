"""AUTH without a socket: whatever a client sends, nothing raises, no password shows, nobody is in by accident."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postern import replies
from postern.replies import Reply
from postern_frontend.smtp.events import LoginGiven
from postern_frontend.smtp.protocol import SmtpProtocol
from postern_frontend.smtp.submission import submission_profile

PROFILE = submission_profile("mx.example.com", max_message_octets=10_000)
WORDS = st.sampled_from(
    [
        b"EHLO pc.example\r\n",
        b"AUTH PLAIN\r\n",
        b"AUTH LOGIN\r\n",
        b"AUTH PLAIN =\r\n",
        b"AUTH PLAIN AGFubgBwdw==\r\n",
        b"AUTH LOGIN YW5u\r\n",
        b"YW5u\r\n",
        b"AGFubgBwdw==\r\n",
        b"*\r\n",
        b"=\r\n",
        b"\r\n",
        b"AUTH PLAIN " + b"A" * 13_000 + b"\r\n",
        b"MAIL FROM:<>\r\n",
        b"RSET\r\n",
        b"NOOP\r\n",
        b"BDAT 5\r\n",
    ]
)


def under_tls() -> SmtpProtocol:
    protocol = SmtpProtocol(PROFILE)
    protocol.start_over()
    return protocol


def converse(
    protocol: SmtpProtocol, octets: bytes, login: Reply = replies.LOGIN_FAILED
) -> tuple[str, list[LoginGiven]]:
    """What is said, and the logins that were asked about."""
    given_: list[LoginGiven] = []
    protocol.receive(octets)
    while event := protocol.next_event():
        if isinstance(event, LoginGiven):
            given_.append(event)
            protocol.answer(login)
    return protocol.take_output().decode("ascii"), given_


@given(st.lists(st.one_of(st.binary(max_size=100), WORDS), max_size=40))
@settings(max_examples=200)
def test_nothing_that_is_sent_raises_and_nobody_is_in_whose_login_was_refused(pieces: list[bytes]) -> None:
    protocol = under_tls()
    said, _ = converse(protocol, b"".join(pieces))
    assert all(line[:3].isdigit() for line in said.splitlines())
    assert not protocol.logged_in
    assert protocol.envelope is None


@given(st.text(max_size=400), st.text(max_size=300), st.text(max_size=400))
def test_names_and_passwords_arrive_as_they_were_sent_or_not_at_all(
    name: str, password: str, authorization: str
) -> None:
    words = f"{authorization}\0{name}\0{password}".encode()
    _, asked = converse(under_tls(), b"EHLO x\r\nAUTH PLAIN " + (base64.b64encode(words) or b"=") + b"\r\n")
    assert asked in ([], [LoginGiven(name, password, authorization)])
    fits = 0 < len(name) <= 320 and 0 < len(password) <= 256 and len(authorization) <= 320
    assert bool(asked) is (fits and "\0" not in name + password + authorization)


def test_a_password_shows_nowhere() -> None:
    _, (asked,) = converse(under_tls(), b"EHLO x\r\nAUTH PLAIN AGFubgBzZXNhbWU=\r\n")
    assert asked.password == "sesame"
    assert "sesame" not in repr(asked)


def test_tls_that_begins_anew_ends_a_login() -> None:
    protocol = under_tls()
    converse(protocol, b"EHLO x\r\nAUTH PLAIN AGFubgBwdw==\r\n", replies.LOGGED_IN)
    assert protocol.logged_in
    protocol.start_over()
    assert not protocol.logged_in


@pytest.mark.parametrize("login", [replies.LOGIN_UNAVAILABLE, replies.LOGIN_FAILED])
def test_only_wrong_passwords_use_up_the_attempts_of_a_session(login: Reply) -> None:
    said, asked = converse(under_tls(), b"EHLO x\r\n" + b"AUTH PLAIN AGFubgBwdw==\r\n" * 5, login)
    assert len(asked) == (3 if login is replies.LOGIN_FAILED else 5)
    assert ("421 4.7.0 Too many failed logins" in said) is (login is replies.LOGIN_FAILED)
