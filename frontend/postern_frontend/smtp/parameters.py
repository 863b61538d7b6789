"""The parameters of MAIL and RCPT (RFC 5321 §4.1.2 and the extensions that define them)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from postern import replies
from postern.model import BodyType
from postern.replies import Reply

ParameterParser = Callable[[str | None], object]
"""Turns the text after `=` (`None` without one) into a value; raises ParameterError."""

_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\x00-\x20=\x7f]+))?")
_SIZE = re.compile(r"[0-9]{1,20}")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_ADDRESS_TYPE = re.compile(r"[A-Za-z0-9-]{1,30}")
_RETURNED = ("FULL", "HDRS")
_OCCASIONS = ("SUCCESS", "FAILURE", "DELAY")
_NEVER = "NEVER"
MAX_ENVELOPE_ID = 100
MAX_ORIGINAL_RECIPIENT = 500
_XTEXT_OCTET = re.compile(r"\+([0-9A-F]{2})")


class ParameterError(ValueError):
    """A parameter cannot be taken; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


def parse_parameters(text: str, known: Mapping[str, ParameterParser]) -> dict[str, object]:
    """Values by upper-case keyword. Raises ParameterError: 555 for what is not known, 501 for what is malformed."""
    values: dict[str, object] = {}
    for word in text.split():
        found = _PARAMETER.fullmatch(word)
        if found is None:
            raise ParameterError(replies.PARAMETER_MALFORMED)
        keyword = found[1].upper()
        if keyword not in known:
            raise ParameterError(replies.PARAMETER_UNKNOWN)
        if keyword in values:
            raise ParameterError(replies.PARAMETER_REPEATED)
        values[keyword] = known[keyword](found[2])
    return values


def size(value: str | None) -> int:
    """SIZE: the octets the client announces (RFC 1870 §3)."""
    if value is None or not _SIZE.fullmatch(value):
        raise ParameterError(replies.PARAMETER_MALFORMED)
    return int(value)


def body(value: str | None) -> BodyType:
    """BODY: 7BIT or 8BITMIME (RFC 6152 §2); BINARYMIME is not offered."""
    if value is None:
        raise ParameterError(replies.PARAMETER_MALFORMED)
    try:
        return BodyType(value.upper())
    except ValueError as error:
        raise ParameterError(replies.PARAMETER_UNKNOWN) from error


def flag(value: str | None) -> bool:
    """A keyword without value, such as SMTPUTF8 (RFC 6531 §3.4)."""
    if value is not None:
        raise ParameterError(replies.PARAMETER_MALFORMED)
    return True


def auth(value: str | None) -> str:
    """AUTH: who submitted the message, decoded (RFC 4954 §5). Nobody here believes it: it is only checked."""
    if value is None or not _XTEXT.fullmatch(value):
        raise ParameterError(replies.PARAMETER_MALFORMED)
    return _XTEXT_OCTET.sub(lambda octet: chr(int(octet[1], 16)), value)


def returned(value: str | None) -> str:
    """RET: what a failure notice brings back, FULL or HDRS (RFC 3461 §4.3)."""
    word = (value or "").upper()
    if word not in _RETURNED:
        raise ParameterError(replies.PARAMETER_MALFORMED)
    return word


def envelope_id(value: str | None) -> str:
    """ENVID: the client's name for the transaction, decoded, printable ASCII (RFC 3461 §4.4)."""
    return _xtext(value, MAX_ENVELOPE_ID)


def notify(value: str | None) -> tuple[str, ...]:
    """NOTIFY: NEVER, or the occasions of which the sender wants to hear (RFC 3461 §4.1)."""
    words = tuple((value or "").upper().split(","))
    if words == (_NEVER,):
        return words
    if not set(words) <= set(_OCCASIONS) or len(set(words)) < len(words):
        raise ParameterError(replies.PARAMETER_MALFORMED)
    return words


def original_recipient(value: str | None) -> str:
    """ORCPT: the recipient as the sender knows it, `rfc822;ann@example.com`, decoded (RFC 3461 §4.2)."""
    kind, semicolon, address = (value or "").partition(";")
    if not semicolon or not _ADDRESS_TYPE.fullmatch(kind):
        raise ParameterError(replies.PARAMETER_MALFORMED)
    return f"{kind.lower()};{_xtext(address, MAX_ORIGINAL_RECIPIENT)}"


def _xtext(value: str | None, most: int) -> str:
    """Decoded xtext (RFC 3461 §4) of printable ASCII; what else it could hold would break lines later."""
    if not value or len(value) > most or not _XTEXT.fullmatch(value):
        raise ParameterError(replies.PARAMETER_MALFORMED)
    text = _XTEXT_OCTET.sub(lambda octet: chr(int(octet[1], 16)), value)
    if not text.isascii() or not text.isprintable():
        raise ParameterError(replies.PARAMETER_MALFORMED)
    return text
