"""One mail transaction on an open connection (RFC 5321 §3.3), and what the server said to it."""

from __future__ import annotations

import smtplib
import time
from dataclasses import replace

from postern_aws.relay_rows import RelayCopy
from postern_frontend.relay.answer import MAX_TEXT, Answer, Outcome, deferred, refused
from postern_frontend.relay.links import Link, words
from postern_frontend.relay.parameters import Lacks, mail_parameters, needs_smtputf8, recipient_parameters
from postern_frontend.relay.smtp_client import BoundedSmtp
from postern_frontend.relay.wire_text import text_of

TEXT_SECONDS = 300
"""For each piece of text, and for the reply to the final dot (RFC 5321 §4.5.3.2 asks for more than our lease has)."""

TRANSFER_SECONDS = 600
"""For all of the text."""

CONVERSATION_SECONDS = 1_200
"""For all of the transaction."""

_OUR_CONFIGURATION = frozenset({530, 534, 535, 538})
"""Log in first, or more safely (RFC 4954 §6): the owner's to settle, not the message's fault."""

_CLOSING = "421"


class _Ended(Exception):  # noqa: N818 - carries the answer out of the conversation
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


class _Progress:
    """How far a transaction has come."""

    text_is_sent = False


def hand_over(link: Link, copy: RelayCopy, message: bytes) -> Answer:
    """Send one copy. Raises nothing that a server can cause; a link that cannot be used again says so."""
    timer = link.connection.cut_after(CONVERSATION_SECONDS)
    progress = _Progress()
    try:
        return _converse(link.connection, copy, message, progress)
    except _Ended as ended:
        link.is_fit = not ended.answer.text.startswith(_CLOSING)
        return ended.answer
    except Lacks as lacking:
        return refused(str(lacking))
    except smtplib.SMTPResponseException as strange:
        link.is_fit = False
        return replace(deferred(words(strange.smtp_code, strange.smtp_error)), is_unsure=progress.text_is_sent)
    except (OSError, smtplib.SMTPException, ValueError) as trouble:
        link.is_fit = False
        return replace(deferred(f"{type(trouble).__name__}: {trouble}"), is_unsure=progress.text_is_sent)
    finally:
        timer.cancel()


def _converse(connection: BoundedSmtp, copy: RelayCopy, message: bytes, progress: _Progress) -> Answer:
    features = connection.esmtp_features
    parameters = mail_parameters(features, copy, message)
    connection.command_encoding = "utf-8" if needs_smtputf8(copy, message) else "ascii"
    _command(connection, "MAIL", f"FROM:<{copy.reverse_path or ''}>{parameters}", expected=250)
    parameters = recipient_parameters(features, copy.report)
    _command(connection, "RCPT", f"TO:<{copy.recipient}>{parameters}", expected=250)
    _command(connection, "DATA", "", expected=354)
    told = _send_text(connection, message, progress)
    return Answer(Outcome.DELIVERED, told, reports="dsn" in features)


def _send_text(connection: BoundedSmtp, message: bytes, progress: _Progress) -> str:
    """Send the text and return what is said to it."""
    if connection.sock is None:
        raise smtplib.SMTPServerDisconnected("the connection is closed")
    usual = connection.sock.gettimeout()
    connection.sock.settimeout(TEXT_SECONDS)
    end = time.monotonic() + TRANSFER_SECONDS
    for piece in text_of(message):
        connection.send(piece)
        if time.monotonic() > end:
            raise TimeoutError("the server takes the message too slowly")
    progress.text_is_sent = True
    code, text = connection.getreply()
    connection.sock.settimeout(usual)
    return _expect(code, text, expected=250)


def _command(connection: BoundedSmtp, verb: str, argument: str, *, expected: int) -> None:
    _expect(*connection.docmd(verb, argument), expected=expected)


def _expect(code: int, text: bytes, *, expected: int) -> str:
    """The server's words when it says what is expected; 251 and 252 are as good as 250."""
    told = words(code, text)[:MAX_TEXT]
    if code // 10 == expected // 10:
        return told
    is_final = 500 <= code < 600 and code not in _OUR_CONFIGURATION
    raise _Ended(refused(told) if is_final else deferred(told))
