"""The AUTH command with the mechanisms PLAIN and LOGIN (RFC 4954, RFC 4616), without I/O.

An exchange ends in one `LoginGiven`, whose answer is the reply to AUTH. Nothing that is said here depends on whether
an account exists.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from postern import replies
from postern.replies import Reply
from postern.session.authentication import MAX_NAME_CHARACTERS, MAX_PASSWORD_CHARACTERS
from postern_frontend.smtp import parameters
from postern_frontend.smtp.events import LoginGiven
from postern_frontend.smtp.phase import Phase
from postern_frontend.smtp.profile import Extension, Offered

if TYPE_CHECKING:
    from postern_frontend.smtp.protocol import SmtpProtocol

LINE_OCTETS = 12_288
"""A line of an exchange, and a command line where there is AUTH (RFC 4954 §4)."""

CANCEL = b"*"
_EMPTY_RESPONSE = "="

Use = Callable[["SmtpProtocol", bytes], None]
"""Goes on with a client's response, decoded."""


class ResponseError(ValueError):
    """A response cannot be used; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


def _auth(protocol: SmtpProtocol, argument: str) -> None:
    mechanism, _, initial = argument.partition(" ")
    refusal = _refusal(protocol, mechanism.upper(), initial)
    if refusal is not None:
        protocol.error(refusal)
    elif protocol.failed_logins >= protocol.profile.max_failed_logins:
        protocol.abort(replies.TOO_MANY_FAILED_LOGINS)
    else:
        challenge, use = _MECHANISMS[mechanism.upper()]
        if initial:
            _respond(protocol, b"" if initial == _EMPTY_RESPONSE else initial.encode(), use)
        else:
            _challenge(protocol, challenge, use)


def _refusal(protocol: SmtpProtocol, mechanism: str, initial: str) -> Reply | None:
    """Why there can be no exchange now."""
    if protocol.phase is Phase.NEW or not protocol.extended:
        return replies.EHLO_FIRST
    if protocol.logged_in:
        return replies.ALREADY_LOGGED_IN
    if protocol.phase is not Phase.READY:
        return replies.MAIL_ALREADY_GIVEN
    if not mechanism or " " in initial:
        return replies.ARGUMENT_MALFORMED
    if mechanism not in _MECHANISMS:
        return replies.MECHANISM_UNKNOWN
    return None if protocol.secured else replies.LOGIN_UNDER_TLS


def _challenge(protocol: SmtpProtocol, challenge: Reply, use: Use) -> None:
    """Ask for a response; it is one line, and a `*` instead ends the exchange."""

    def take(line: bytes) -> None:
        protocol.take_lines(None)
        if line == CANCEL:
            protocol.error(replies.LOGIN_CANCELLED)
        else:
            _respond(protocol, line, use)

    protocol.reply(challenge)
    protocol.take_lines(take, too_long=replies.LOGIN_LINE_TOO_LONG)


def _respond(protocol: SmtpProtocol, encoded: bytes, use: Use) -> None:
    try:
        use(protocol, _decoded(encoded))
    except ResponseError as wrong:
        protocol.error(wrong.reply)


def _decoded(encoded: bytes) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as wrong:
        raise ResponseError(replies.LOGIN_NOT_BASE64) from wrong


def _text(octets: bytes, most: int) -> str:
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise ResponseError(replies.LOGIN_MALFORMED) from wrong
    if not text or len(text) > most or "\0" in text:
        raise ResponseError(replies.LOGIN_MALFORMED)
    return text


def _plain(protocol: SmtpProtocol, response: bytes) -> None:
    """[authorization identity] NUL name NUL password (RFC 4616 §2)."""
    parts = response.split(b"\0")
    if len(parts) != 3:
        raise ResponseError(replies.LOGIN_MALFORMED)
    authorization = _text(parts[0], MAX_NAME_CHARACTERS) if parts[0] else ""
    name, password = _text(parts[1], MAX_NAME_CHARACTERS), _text(parts[2], MAX_PASSWORD_CHARACTERS)
    _ask(protocol, LoginGiven(name, password, authorization))


def _login_name(protocol: SmtpProtocol, response: bytes) -> None:
    name = _text(response, MAX_NAME_CHARACTERS)

    def use(protocol: SmtpProtocol, response: bytes) -> None:
        _ask(protocol, LoginGiven(name, _text(response, MAX_PASSWORD_CHARACTERS)))

    _challenge(protocol, replies.ASK_PASSWORD, use)


def _ask(protocol: SmtpProtocol, given: LoginGiven) -> None:
    def answered(reply: Reply) -> None:
        if reply.is_positive:
            protocol.logged_in = True
            protocol.reply(reply)
        else:
            protocol.failed_logins += reply.is_permanent
            protocol.error(reply)

    protocol.ask(given, answered)


_MECHANISMS: Mapping[str, tuple[Reply, Use]] = {
    "PLAIN": (replies.EMPTY_CHALLENGE, _plain),
    "LOGIN": (replies.ASK_NAME, _login_name),
}

AUTH = Extension(
    announcement=f"AUTH {' '.join(_MECHANISMS)}",
    offered=Offered.UNDER_TLS,
    mail_parameters={"AUTH": parameters.auth},
    verbs={"AUTH": _auth},
)
"""AUTH for clients under TLS. The AUTH= of MAIL is taken from them and believed of nobody: no mail is passed on for
others here, so there is nobody whom a client could vouch for (RFC 4954 §5)."""
