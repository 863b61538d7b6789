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
