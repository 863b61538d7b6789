"""Mail that answers other mail by itself: what kind it is, and which message it is about."""

from __future__ import annotations

import re
from enum import StrEnum
from itertools import islice

from postern.message import Message
from postern.mime.headers import HeaderField
from postern.mime.parts import Part

MAX_PARTS = 50
MAX_MESSAGE_ID = 998
MAX_HEADER_OCTETS = 65_536
_DAEMON = re.compile(r"mailer[-_.]?daemon", re.IGNORECASE)
_REPORT, _HEADERS = "multipart/report", "text/rfc822-headers"
_VACATION_FIELDS = ("x-autoreply", "x-autorespond", "x-autoresponder")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,996}>")
_HEADER_LINE = re.compile(rb"^message-id[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)", re.IGNORECASE | re.MULTILINE)


class Reporting(StrEnum):
    """What kind of automatic answer a message is."""

    NO = "no report"
    DELIVERY = "delivery report"
    READ_RECEIPT = "read receipt"
    AUTO_REPLY = "automatic reply"


def kind_of(reverse_path: str | None, message: Message) -> Reporting:
    """The kind of an answer. A delivery report is known by its reverse-path, for its content can look like anything."""
    if _report_type(message) == "disposition-notification":
        return Reporting.READ_RECEIPT  # RFC 8098: to the author, not to the reverse-path, so never tagged
    if reverse_path is None or _DAEMON.fullmatch(reverse_path.rpartition("@")[0].strip('"')):
        return Reporting.DELIVERY
    return Reporting.AUTO_REPLY if _is_auto_reply(message) else Reporting.NO


def original_message_ids(report: Message) -> tuple[str, ...]:
    """The Message-ID of the message that a report gives back, whole or only its header (RFC 3464, RFC 6522 §3)."""
    found = (_message_id(part) for part in islice(report.parts(), 1, MAX_PARTS))
    return tuple(dict.fromkeys(one for one in found if one))


def _report_type(message: Message) -> str:
    root = message.root
    return root.parameters.get("report-type", "").strip().lower() if root.content_type == _REPORT else ""


def _is_auto_reply(message: Message) -> bool:
    """RFC 3834 §5, and what vacation programs wrote before it."""
    submitted = message.value("auto-submitted").partition(";")[0].strip().lower()
    return submitted == "auto-replied" or any(message.fields(name) for name in _VACATION_FIELDS)


def _message_id(part: Part) -> str:
    if part.content_type == _HEADERS:
        found = _HEADER_LINE.search(part.content()[:MAX_HEADER_OCTETS])
        return _first_id(found[1].decode("utf-8", "replace")) if found else ""
    if part.is_message and part.children:
        field: HeaderField | None = part.children[0].first("message-id")
        return _first_id(field.unfolded) if field else ""
    return ""


def _first_id(text: str) -> str:
    found = _MESSAGE_ID.search(text[:MAX_MESSAGE_ID])
    return found[0] if found else ""
