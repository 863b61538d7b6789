"""A delivery status notification as a message (RFC 3464, RFC 6522): for people, for programs, and what it is about.

Everything in it that another server or a sender chose is one clean line of bounded length; the message it is about is
quoted as it is, behind a boundary that it does not contain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import format_datetime

from postern.delivery_status.event import DeliveryEvent
from postern.delivery_status.one_line import ascii_line, one_line
from postern.delivery_status.reply_status import status_of
from postern.delivery_status.request import Action, ReportRequest
from postern.delivery_status.wording import explanation, subject
from postern.delivery_status.xtext import to_utf8_xtext

MAX_QUOTED_OCTETS = 1024 * 1024
"""A longer message is quoted by its header only, whatever was asked for."""

SMALL_OCTETS = 50 * 1024
"""Up to this a message is quoted completely when nothing was asked for."""

MAX_HEADER_OCTETS = 64 * 1024
MAX_ADDRESS = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Who tells: the host, and the domain whose postmaster signs the message. `message_id` has no brackets."""

    hostname: str
    domain: str
    message_id: str


def write_notification(event: DeliveryEvent, request: ReportRequest, message: bytes, reporter: Reporter) -> bytes:
    """The notification, CRLF line ends. `request.sender` is not `None`; `message` is the copy it is about."""
    quoted, is_complete = _quoted(message, event.action, request.returned)
    boundary = _boundary(reporter.message_id, quoted)
    explained = explanation(event, reporter.hostname, is_complete=is_complete).replace("\n", "\r\n").encode()
    status = "".join(f"{line}\r\n" for line in _status_lines(event, request, reporter)).encode()
    kind = "message/rfc822" if is_complete else "text/rfc822-headers"
    parts = (
        _part("text/plain; charset=utf-8", "Notification", explained),
        _part("message/delivery-status", "Delivery report", status),
        _part(kind, "Undelivered message" if is_complete else "Header of the message", quoted),
    )
    delimiter = f"--{boundary}\r\n".encode()
    head = "".join(f"{line}\r\n" for line in _header_lines(event, request, reporter, boundary)).encode()
    body = b"".join(delimiter + part + b"\r\n" for part in parts)
    return (
        head
        + b"\r\nThis is a delivery status notification in MIME format.\r\n\r\n"
        + body
        + f"--{boundary}--\r\n".encode()
    )


def _header_lines(event: DeliveryEvent, request: ReportRequest, reporter: Reporter, boundary: str) -> Iterator[str]:
    yield f"From: Mail Delivery <postmaster@{ascii_line(reporter.domain)}>"
    yield f"To: <{one_line(request.sender or '', MAX_ADDRESS)}>"
    yield f"Subject: {subject(event.action)}"
    yield f"Date: {format_datetime(event.happened_at)}"
    yield f"Message-ID: <{reporter.message_id}>"
    yield "Auto-Submitted: auto-replied"
    yield "MIME-Version: 1.0"
    yield "Content-Type: multipart/report; report-type=delivery-status;"
    yield f'\tboundary="{boundary}"'
    yield "Content-Transfer-Encoding: 8bit"


def _status_lines(event: DeliveryEvent, request: ReportRequest, reporter: Reporter) -> Iterator[str]:
    """The fields of the message, an empty line, and those of the recipient (RFC 3464 §2.2, §2.3)."""
    yield f"Reporting-MTA: dns; {reporter.hostname}"
    if request.envelope_id:
        yield f"Original-Envelope-Id: {ascii_line(request.envelope_id)}"
    yield f"Arrival-Date: {format_datetime(event.arrived_at)}"
    yield ""
    if request.original_recipient:
        kind, _, address = request.original_recipient.partition(";")
        yield f"Original-Recipient: {ascii_line(kind, 40)};{_typed(one_line(address, MAX_ADDRESS))}"
    yield f"Final-Recipient: {_address(event.recipient)}"
    yield f"Action: {event.action.value}"
    yield f"Status: {status_of(event)}"
    if event.remote_host:
        yield f"Remote-MTA: dns; {ascii_line(event.remote_host)}"
        yield f"Diagnostic-Code: smtp; {ascii_line(event.reply)}"
    else:
        yield f"Diagnostic-Code: x-postern; {ascii_line(event.reply)}"
    yield f"Last-Attempt-Date: {format_datetime(event.happened_at)}"
    if event.retry_until is not None:
        yield f"Will-Retry-Until: {format_datetime(event.retry_until)}"


def _address(address: str) -> str:
    """A typed address; what is not ASCII is written as RFC 6533 §3 has it where only ASCII may stand."""
    clean = one_line(address, MAX_ADDRESS)
    return f"rfc822; {clean}" if clean.isascii() else f"utf-8; {to_utf8_xtext(clean)}"


def _typed(address: str) -> str:
    return address if address.isascii() else to_utf8_xtext(address)


def _part(content_type: str, description: str, content: bytes) -> bytes:
    encoding = "7bit" if content.isascii() else "8bit"
    head = (
        f"Content-Type: {content_type}\r\nContent-Description: {description}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + content


def _quoted(message: bytes, action: Action, returned: str) -> tuple[bytes, bool]:
    """What of the message is quoted, and whether that is all. RET is about failures only (RFC 3461 §4.3)."""
    wanted = returned == "FULL" or (not returned and len(message) <= SMALL_OCTETS)
    if action is Action.FAILED and wanted and len(message) <= MAX_QUOTED_OCTETS:
        return message, True
    header = message.partition(b"\r\n\r\n")[0][:MAX_HEADER_OCTETS]
    return header + b"\r\n", False


def _boundary(seed: str, quoted: bytes) -> str:
    """A boundary that does not occur in what it separates."""
    number = 0
    while True:
        boundary = hashlib.sha256(f"{seed} {number}".encode()).hexdigest()[:40]
        if boundary.encode() not in quoted:
            return boundary
        number += 1
