"""One attempt to hand a copy to its target by SMTP, and what the target said.

Outcome.DELIVERED   the target took it
Outcome.DEFERRED    not now: no connection, a 4yz reply, TLS or login that policy demands and did not work
Outcome.REFUSED     never: a 5yz reply to the envelope or the message, or an extension it needs and lacks
"""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum

from postern.outgoing.target import RelayTarget, TargetTls
from postern.ports import Unavailable
from postern_aws.relay_rows import RelayCopy
from postern_frontend.relay.wire_text import text_of

COMMAND_SECONDS = 60
TEXT_SECONDS = 300
"""For each piece of text, and for the reply to the final dot (RFC 5321 §4.5.3.2 asks for more than our lease has)."""

TRANSFER_SECONDS = 600
"""For all of the text."""

GOODBYE_SECONDS = 5
IMPLICIT_TLS_PORT = 465
MAX_ANSWER = 300
_OUR_CONFIGURATION = frozenset({530, 534, 535, 538})
"""Log in first, or more safely (RFC 4954 §6): the owner's to settle, not the message's fault."""


class Outcome(StrEnum):
    """How an attempt ended."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt ended, and in whose words."""

    outcome: Outcome
    text: str


class _Ended(Exception):  # noqa: N818 - carries the answer out of the conversation
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


class _TlsFailed(Exception):  # noqa: N818 - states what happened
    """The target offered TLS, and the handshake failed; nothing of the transaction was said yet."""


def _modern(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def verifying_context() -> ssl.SSLContext:
    """TLS to a server whose certificate is good and is for its name."""
    return _modern(ssl.create_default_context())


def trusting_context() -> ssl.SSLContext:
    """TLS against listeners only (RFC 7435): whoever answers is believed."""
    context = _modern(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True, slots=True)
class SmtpSender:
    """Makes attempts. `password_of` reads the secret of a target; it raises `Unavailable`."""

    hostname: str
    password_of: Callable[[str], str]
    verifying: ssl.SSLContext = field(default_factory=verifying_context)
    trusting: ssl.SSLContext = field(default_factory=trusting_context)

    def attempt(self, copy: RelayCopy, message: bytes, target: RelayTarget) -> Answer:
        """Hand a copy to its target, once. Raises nothing that a target can cause."""
        try:
            return self._attempt(copy, message, target)
        except _TlsFailed as trouble:
            if target.tls is not TargetTls.OPPORTUNISTIC or target.user:
                return Answer(Outcome.DEFERRED, f"TLS failed: {trouble}"[:MAX_ANSWER])
        # What was offered does not work; opportunistic TLS then does without (RFC 7435 §3).
        return self.attempt(copy, message, replace(target, tls=TargetTls.NONE))

    def _attempt(self, copy: RelayCopy, message: bytes, target: RelayTarget) -> Answer:
        connection: smtplib.SMTP | None = None
        try:
            connection = self._connect(target)
            self._prepare(connection, target)
            return _hand_over(connection, copy, message)
        except _Ended as ended:
            return ended.answer
        except smtplib.SMTPResponseException as refused:
            return Answer(Outcome.DEFERRED, _words(refused.smtp_code, refused.smtp_error))
        except (OSError, smtplib.SMTPException, ValueError) as trouble:
            return Answer(Outcome.DEFERRED, f"{type(trouble).__name__}: {trouble}"[:MAX_ANSWER])
        except Unavailable as trouble:
            return Answer(Outcome.DEFERRED, str(trouble))
        finally:
            _leave(connection)

    def _connect(self, target: RelayTarget) -> smtplib.SMTP:
        if target.port == IMPLICIT_TLS_PORT and target.tls is not TargetTls.NONE:
            context = self._context(target)
            return smtplib.SMTP_SSL(target.host, target.port, self.hostname, timeout=COMMAND_SECONDS, context=context)
        return smtplib.SMTP(target.host, target.port, self.hostname, timeout=COMMAND_SECONDS)

    def _prepare(self, connection: smtplib.SMTP, target: RelayTarget) -> None:
        """Introduce ourselves, secure the connection as policy says, and log in."""
        connection.ehlo_or_helo_if_needed()
        if target.tls is not TargetTls.NONE and not isinstance(connection, smtplib.SMTP_SSL):
            self._start_tls(connection, target)
        if target.user:
            try:
                connection.login(target.user, self.password_of(target.secret))
            except smtplib.SMTPException as refused:
                raise _Ended(Answer(Outcome.DEFERRED, f"login failed: {type(refused).__name__}")) from refused

    def _start_tls(self, connection: smtplib.SMTP, target: RelayTarget) -> None:
        if connection.has_extn("starttls"):
            try:
                connection.starttls(context=self._context(target))
            except (ssl.SSLError, smtplib.SMTPResponseException) as trouble:
                raise _TlsFailed(str(trouble)) from trouble
            connection.ehlo()
        elif target.tls is TargetTls.VERIFIED:
            raise _Ended(Answer(Outcome.DEFERRED, "the target does not offer TLS, which policy demands"))

    def _context(self, target: RelayTarget) -> ssl.SSLContext:
        return self.verifying if target.tls is TargetTls.VERIFIED else self.trusting


def _hand_over(connection: smtplib.SMTP, copy: RelayCopy, message: bytes) -> Answer:
    options = _mail_options(connection, copy, message)
    _command(connection, "MAIL", f"FROM:<{copy.reverse_path or ''}>{options}", expected=250)
    _command(connection, "RCPT", f"TO:<{copy.recipient}>", expected=250)
    _command(connection, "DATA", "", expected=354)
    _send_text(connection, message)
    return Answer(Outcome.DELIVERED, _expect(*connection.getreply(), expected=250))


def _send_text(connection: smtplib.SMTP, message: bytes) -> None:
    if connection.sock is not None:
        connection.sock.settimeout(TEXT_SECONDS)
    end = time.monotonic() + TRANSFER_SECONDS
    for piece in text_of(message):
        connection.send(piece)
        if time.monotonic() > end:
            raise TimeoutError("the target takes the message too slowly")


def _leave(connection: smtplib.SMTP | None) -> None:
    """Say goodbye. What is said back changes nothing: the message was taken, or it was not."""
    if connection is None:
        return
    with suppress(OSError, smtplib.SMTPException):
        if connection.sock is not None:
            connection.sock.settimeout(GOODBYE_SECONDS)
            connection.quit()
    connection.close()


def _mail_options(connection: smtplib.SMTP, copy: RelayCopy, message: bytes) -> str:
    options = []
    if connection.has_extn("size"):
        _refuse_if_too_large(connection, len(message))
        options.append(f" SIZE={len(message)}")
    if not message.isascii() and connection.has_extn("8bitmime"):
        options.append(" BODY=8BITMIME")
    if _needs_smtputf8(copy, message):
        if not connection.has_extn("smtputf8"):
            raise _Ended(Answer(Outcome.REFUSED, "550 5.6.7 the target does not take SMTPUTF8 messages"))
        connection.command_encoding = "utf-8"
        options.append(" SMTPUTF8")
    return "".join(options)


def _needs_smtputf8(copy: RelayCopy, message: bytes) -> bool:
    """Whether an address or the header section is not ASCII and came by SMTPUTF8 (RFC 6531 §3.4)."""
    if not f"{copy.reverse_path or ''}{copy.recipient}".isascii():
        return True
    return copy.smtputf8 and not message.partition(b"\r\n\r\n")[0].isascii()


def _refuse_if_too_large(connection: smtplib.SMTP, octets: int) -> None:
    announced = connection.esmtp_features.get("size", "").split()
    limit = int(announced[0]) if announced and announced[0].isdecimal() else 0
    if 0 < limit < octets:
        raise _Ended(Answer(Outcome.REFUSED, f"552 5.3.4 the target takes {limit} octets, the message has {octets}"))


def _command(connection: smtplib.SMTP, verb: str, argument: str, *, expected: int) -> None:
    _expect(*connection.docmd(verb, argument), expected=expected)


def _expect(code: int, text: bytes, *, expected: int) -> str:
    """The target's words when it says what is expected; 251 and 252 are as good as 250."""
    words = _words(code, text)
    if code // 10 == expected // 10:
        return words
    is_final = 500 <= code < 600 and code not in _OUR_CONFIGURATION
    raise _Ended(Answer(Outcome.REFUSED if is_final else Outcome.DEFERRED, words))


def _words(code: int, text: bytes | str) -> str:
    told = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {told}".strip()[:MAX_ANSWER]
