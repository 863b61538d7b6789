"""The parameters of MAIL and RCPT by which a copy is sent, as far as the server knows them.

A message that needs an extension which the server lacks is refused here, with the reply such a server would give.
"""

from __future__ import annotations

from collections.abc import Mapping

from postern.delivery_status.request import ReportRequest
from postern.delivery_status.xtext import to_xtext
from postern.model import Route
from postern_aws.relay_rows import RelayCopy

Features = Mapping[str, str]
"""What EHLO announced: keyword in lower case to the rest of its line."""


class Lacks(Exception):  # noqa: N818 - it states what is the case
    """The server cannot take this message; the text is a reply."""


def mail_parameters(features: Features, copy: RelayCopy, message: bytes) -> str:
    """What follows the reverse-path, each word after a blank. Raises `Lacks`."""
    found = []
    if "size" in features:
        _check_size(features["size"], len(message))
        found.append(f"SIZE={len(message)}")
    if not message.isascii():
        found.extend(_eight_bits(features, copy))
    if needs_smtputf8(copy, message):
        if "smtputf8" not in features:
            raise Lacks("550 5.6.7 the server does not take SMTPUTF8 messages")
        found.append("SMTPUTF8")
    if "dsn" in features:
        found.extend(_of_envelope(copy.report))
    return "".join(f" {word}" for word in found)


def recipient_parameters(features: Features, report: ReportRequest) -> str:
    """What follows the forward-path: NOTIFY and ORCPT (RFC 3461 §4.1, §4.2)."""
    found = []
    if "dsn" in features and report.notify:
        found.append(f"NOTIFY={','.join(report.notify)}")
    if "dsn" in features and report.original_recipient:
        kind, _, address = report.original_recipient.partition(";")
        found.append(f"ORCPT={kind};{to_xtext(address)}")
    return "".join(f" {word}" for word in found)


def needs_smtputf8(copy: RelayCopy, message: bytes) -> bool:
    """Whether an address or the header section is not ASCII and came by SMTPUTF8 (RFC 6531 §3.4)."""
    if not f"{copy.reverse_path or ''}{copy.recipient}".isascii():
        return True
    return copy.smtputf8 and not message.partition(b"\r\n\r\n")[0].isascii()


def _eight_bits(features: Features, copy: RelayCopy) -> tuple[str, ...]:
    """BODY (RFC 6152). Nothing is converted, which would break signatures.

    The owner's own server gets the octets as they are even if it does not say that it takes them.
    """
    if "8bitmime" in features:
        return ("BODY=8BITMIME",)
    if copy.route is Route.REMOTE:
        raise Lacks("554 5.6.3 the server takes only 7-bit text, and the message has 8-bit text")
    return ()


def _of_envelope(report: ReportRequest) -> tuple[str, ...]:
    returned = (f"RET={report.returned}",) if report.returned else ()
    return (*returned, f"ENVID={to_xtext(report.envelope_id)}") if report.envelope_id else returned


def _check_size(announced: str, octets: int) -> None:
    """RFC 1870 §4; no number, or 0, announces no limit."""
    first = (announced.split() or [""])[0]
    limit = int(first) if first.isdecimal() and len(first) <= 20 else 0
    if 0 < limit < octets:
        raise Lacks(f"552 5.3.4 the server takes {limit} octets, the message has {octets}")
