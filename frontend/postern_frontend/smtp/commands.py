"""What each SMTP command does, and when it may come (RFC 5321 §4.1, §4.1.4; RFC 3030; RFC 3207)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from postern import replies
from postern.model import BodyType, Envelope
from postern.replies import Reply
from postern_frontend.smtp.events import RecipientGiven, ReversePathGiven, TlsRequested
from postern_frontend.smtp.parameters import ParameterError, parse_parameters
from postern_frontend.smtp.paths import PathError, parse_path
from postern_frontend.smtp.phase import Phase

if TYPE_CHECKING:
    from postern_frontend.smtp.profile import VerbHandler
    from postern_frontend.smtp.protocol import SmtpProtocol

_HELLO_NAME = re.compile(r"[!-~]{1,255}")
_CHUNK = re.compile(r"([0-9]{1,12})(?: +(LAST))?", re.IGNORECASE)
_FROM, _TO = "FROM:", "TO:"

_FOR_ANYBODY = frozenset({"HELO", "EHLO", "STARTTLS", "AUTH", "NOOP", "RSET", "QUIT"})
"""What a client may say before TLS and before it has logged in, where these are required (RFC 3207 §4, RFC 4954 §6)."""

_OUT_OF_ORDER: Mapping[str, Mapping[Phase, Reply]] = {
    "MAIL": {
        Phase.NEW: replies.HELLO_FIRST,
        Phase.MAIL: replies.MAIL_ALREADY_GIVEN,
        Phase.RECIPIENTS: replies.MAIL_ALREADY_GIVEN,
        Phase.CHUNKS: replies.MAIL_ALREADY_GIVEN,
    },
    "RCPT": {Phase.NEW: replies.HELLO_FIRST, Phase.READY: replies.MAIL_FIRST, Phase.CHUNKS: replies.CHUNKS_STARTED},
    "DATA": {
        Phase.NEW: replies.HELLO_FIRST,
        Phase.READY: replies.MAIL_FIRST,
        Phase.MAIL: replies.RECIPIENT_FIRST,
        Phase.CHUNKS: replies.CHUNKS_STARTED,
    },
    "BDAT": {Phase.NEW: replies.HELLO_FIRST, Phase.READY: replies.MAIL_FIRST, Phase.MAIL: replies.RECIPIENT_FIRST},
    "STARTTLS": {
        Phase.NEW: replies.HELLO_FIRST,
        Phase.MAIL: replies.MAIL_ALREADY_GIVEN,
        Phase.RECIPIENTS: replies.MAIL_ALREADY_GIVEN,
        Phase.CHUNKS: replies.MAIL_ALREADY_GIVEN,
    },
}


def carry_out(protocol: SmtpProtocol, line: bytes) -> None:
    """Carry out one command line, given without its CRLF."""
    try:
        verb, _, argument = line.decode("utf-8").partition(" ")
    except UnicodeDecodeError:
        protocol.error(replies.LINE_MALFORMED)
        return
    verb = verb.upper()
    handler = _HANDLERS.get(verb) or protocol.profile.verbs.get(verb)
    refusal = None if verb == "BDAT" else _admission(protocol, verb)
    if handler is None:
        protocol.error(replies.COMMAND_UNKNOWN)
    elif refusal is not None:
        protocol.error(refusal)
    else:
        handler(protocol, argument.strip(" "))


def _admission(protocol: SmtpProtocol, verb: str) -> Reply | None:
    """What a client must do first before it may say this."""
    if verb in _FOR_ANYBODY:
        return None
    if protocol.profile.tls_required and not protocol.secured:
        return replies.TLS_REQUIRED
    if protocol.profile.login_required and not protocol.logged_in:
        return replies.LOGIN_REQUIRED
    return None


def _is_out_of_order(protocol: SmtpProtocol, verb: str) -> bool:
    """Answer a command that may not come in this phase."""
    refusal = _OUT_OF_ORDER[verb].get(protocol.phase)
    if refusal is replies.RECIPIENT_FIRST and protocol.recipients_refused:
        protocol.reply(replies.NO_VALID_RECIPIENTS)
    elif refusal is not None:
        protocol.error(refusal)
    return refusal is not None


def _hello(protocol: SmtpProtocol, argument: str, *, extended: bool) -> bool:
    if not _HELLO_NAME.fullmatch(argument):
        protocol.error(replies.HELLO_NEEDS_NAME)
        return False
    protocol.end_transaction()
    protocol.introduce(argument, extended=extended)
    return True


def _helo(protocol: SmtpProtocol, argument: str) -> None:
    if _hello(protocol, argument, extended=False):
        protocol.reply(replies.hello(protocol.profile.hostname))


def _ehlo(protocol: SmtpProtocol, argument: str) -> None:
    if _hello(protocol, argument, extended=True):
        extensions = protocol.profile.announcements(secured=protocol.secured, tls_available=protocol.tls_available)
        protocol.reply(replies.extended_hello(protocol.profile.hostname, extensions))


def _mail(protocol: SmtpProtocol, argument: str) -> None:
    if _is_out_of_order(protocol, "MAIL"):
        return
    if argument[: len(_FROM)].upper() != _FROM:
        protocol.error(replies.ARGUMENT_MALFORMED)
        return
    try:
        event = _reverse_path(protocol, argument[len(_FROM) :])
    except PathError:
        protocol.error(replies.REVERSE_PATH_MALFORMED)
    except ParameterError as error:
        protocol.error(error.reply)
    else:
        _ask_reverse_path(protocol, event)


def _reverse_path(protocol: SmtpProtocol, text: str) -> ReversePathGiven:
    path, rest = parse_path(text)
    if path is not None and path.domain is None:
        raise PathError("no domain")
    parameters = parse_parameters(rest, protocol.profile.mail_parameters)
    body_type, size = parameters.get("BODY"), parameters.get("SIZE")
    envelope = Envelope(
        reverse_path=None if path is None else str(path),
        body_type=body_type if isinstance(body_type, BodyType) else BodyType.SEVEN_BIT,
        smtputf8="SMTPUTF8" in parameters,
        declared_size=size if isinstance(size, int) else None,
        returned=str(parameters.get("RET", "")),
        envelope_id=str(parameters.get("ENVID", "")),
    )
    return ReversePathGiven(path, envelope, parameters)


def _ask_reverse_path(protocol: SmtpProtocol, event: ReversePathGiven) -> None:
    envelope = event.envelope
    if envelope.reverse_path and not envelope.reverse_path.isascii() and not envelope.smtputf8:
        protocol.error(replies.REVERSE_PATH_NEEDS_SMTPUTF8)
        return
    if (envelope.declared_size or 0) > protocol.profile.max_message_octets:
        protocol.reply(replies.MESSAGE_TOO_LARGE)
        return

    def answered(reply: Reply) -> None:
        if reply.is_positive:
            protocol.open_transaction(envelope)
        protocol.reply(reply)

    protocol.ask(event, answered)


def _rcpt(protocol: SmtpProtocol, argument: str) -> None:
    if _is_out_of_order(protocol, "RCPT"):
        return
    if argument[: len(_TO)].upper() != _TO:
        protocol.error(replies.ARGUMENT_MALFORMED)
        return
    try:
        event = _forward_path(protocol, argument[len(_TO) :])
    except PathError:
        protocol.error(replies.FORWARD_PATH_MALFORMED)
    except ParameterError as error:
        protocol.error(error.reply)
    else:
        _ask_recipient(protocol, event)


def _forward_path(protocol: SmtpProtocol, text: str) -> RecipientGiven:
    path, rest = parse_path(text)
    if path is None:
        raise PathError("the null path receives nothing")
    return RecipientGiven(path, parse_parameters(rest, protocol.profile.recipient_parameters))


def _ask_recipient(protocol: SmtpProtocol, event: RecipientGiven) -> None:
    smtputf8 = protocol.envelope is not None and protocol.envelope.smtputf8
    if not smtputf8 and not str(event.path).isascii():
        protocol.error(replies.RECIPIENT_NEEDS_SMTPUTF8)
        return
    if protocol.recipients >= protocol.profile.max_recipients:
        protocol.reply(replies.TOO_MANY_RECIPIENTS)
        return

    def answered(reply: Reply) -> None:
        protocol.add_recipient(accepted=reply.is_positive)
        protocol.reply(reply)

    protocol.ask(event, answered)


def _data(protocol: SmtpProtocol, argument: str) -> None:
    if argument:
        protocol.error(replies.NO_ARGUMENT_ALLOWED)
    elif not _is_out_of_order(protocol, "DATA"):
        protocol.reply(replies.START_MAIL_INPUT)
        protocol.start_data()


def _bdat(protocol: SmtpProtocol, argument: str) -> None:
    chunk = _CHUNK.fullmatch(argument)
    if chunk is None:
        protocol.error(replies.ARGUMENT_MALFORMED)
        return
    octets = int(chunk[1])
    # The octets of a chunk follow whatever the reply is, and must not be taken for commands.
    refusal = _admission(protocol, "BDAT") or _OUT_OF_ORDER["BDAT"].get(protocol.phase)
    if octets > 2 * protocol.profile.max_message_octets:
        protocol.abort(replies.MESSAGE_TOO_LARGE)
    elif refusal is not None:
        protocol.skip_chunk(octets, replies.NO_VALID_RECIPIENTS if protocol.recipients_refused else refusal)
    else:
        protocol.start_chunk(octets, last=chunk[2] is not None)


def _starttls(protocol: SmtpProtocol, argument: str) -> None:
    if argument:
        protocol.error(replies.NO_ARGUMENT_ALLOWED)
    elif not protocol.profile.offers("STARTTLS"):
        protocol.error(replies.COMMAND_NOT_IMPLEMENTED)
    elif protocol.secured:
        protocol.error(replies.TLS_ALREADY_ACTIVE)
    elif not protocol.tls_available:
        protocol.reply(replies.TLS_UNAVAILABLE)
    elif not _is_out_of_order(protocol, "STARTTLS"):
        protocol.ask(TlsRequested(), lambda reply: _tls_answered(protocol, reply))


def _tls_answered(protocol: SmtpProtocol, reply: Reply) -> None:
    protocol.reply(reply)
    if reply.is_positive:
        protocol.await_tls()


def _rset(protocol: SmtpProtocol, argument: str) -> None:
    if argument:
        protocol.error(replies.NO_ARGUMENT_ALLOWED)
        return
    protocol.end_transaction()
    protocol.reply(replies.RESET)


def _noop(protocol: SmtpProtocol, _argument: str) -> None:
    protocol.reply(replies.OK)


def _help(protocol: SmtpProtocol, _argument: str) -> None:
    protocol.reply(replies.HELP)


def _vrfy(protocol: SmtpProtocol, argument: str) -> None:
    if argument:
        protocol.reply(replies.CANNOT_VERIFY)
    else:
        protocol.error(replies.ARGUMENT_MALFORMED)


def _expn(protocol: SmtpProtocol, _argument: str) -> None:
    protocol.error(replies.COMMAND_NOT_IMPLEMENTED)


def _quit(protocol: SmtpProtocol, argument: str) -> None:
    if argument:
        protocol.error(replies.NO_ARGUMENT_ALLOWED)
    else:
        protocol.abort(replies.GOODBYE, abrupt=False)


_HANDLERS: Mapping[str, VerbHandler] = {
    "HELO": _helo,
    "EHLO": _ehlo,
    "MAIL": _mail,
    "RCPT": _rcpt,
    "DATA": _data,
    "BDAT": _bdat,
    "STARTTLS": _starttls,
    "RSET": _rset,
    "NOOP": _noop,
    "HELP": _help,
    "VRFY": _vrfy,
    "EXPN": _expn,
    "QUIT": _quit,
}
