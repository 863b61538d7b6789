"""What a mailbox keeps beside a message, so that an IMAP server lists it without reading it.

Plain JSON data in the order of IMAP's ENVELOPE and BODYSTRUCTURE (RFC 3501 §7.4.2, RFC 9051 §7.5.2), with names.
Everything a sender controls is bounded; what does not fit is left out, and `complete` says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from postern.message import Message
from postern.mime.addresses import parse_address_list
from postern.mime.parts import Part
from postern.wire import clean_text, truncate

Json = Any

MAX_SUMMARY_PARTS = 200
MAX_SUMMARY_DEPTH = 20
MAX_SUMMARY_ADDRESSES = 50
MAX_SUMMARY_TEXT = 500
_ADDRESS_FIELDS = ("from", "sender", "reply-to", "to", "cc", "bcc")


@dataclass(frozen=True, slots=True)
class MessageSummary:
    """The envelope and the body structure of a message. Without `complete`, ask the message itself."""

    envelope: Json
    body_structure: Json
    complete: bool


def summarize(message: Message) -> MessageSummary:
    """The summary of a message; never raises, whatever the message is like."""
    budget = _Budget()
    structure = _structure(message.root, budget, 0)
    return MessageSummary(_envelope(message.root), structure, budget.complete)


@dataclass(slots=True)
class _Budget:
    """The parts that may still be described."""

    parts: int = MAX_SUMMARY_PARTS
    complete: bool = True

    def take(self, depth: int) -> bool:
        self.parts -= 1
        allowed = self.parts >= 0 and depth <= MAX_SUMMARY_DEPTH
        self.complete = self.complete and allowed
        return allowed


def _envelope(root: Part) -> Json:
    """`sender` and `reply-to` are the author's when they are absent (RFC 3501 §7.4.2)."""
    addresses = {name: list(_addresses(root, name)) for name in _ADDRESS_FIELDS}
    author = addresses["from"]
    return {
        "date": _text(root, "date"),
        "subject": _text(root, "subject"),
        "from": author,
        "sender": addresses["sender"] or author,
        "reply_to": addresses["reply-to"] or author,
        "to": addresses["to"],
        "cc": addresses["cc"],
        "bcc": addresses["bcc"],
        "in_reply_to": _text(root, "in-reply-to"),
        "message_id": _text(root, "message-id"),
    }


def _addresses(root: Part, name: str) -> Iterator[Json]:
    text = ", ".join(found.unfolded for found in root.fields(name)[:MAX_SUMMARY_ADDRESSES])
    for mailbox in parse_address_list(text)[:MAX_SUMMARY_ADDRESSES]:
        yield [_short(mailbox.display_name), _short(mailbox.local_part), _short(mailbox.domain)]


def _structure(part: Part, budget: _Budget, depth: int) -> Json:
    kind, _, subtype = part.content_type.partition("/")
    described: dict[str, Json] = {"type": _short(kind), "subtype": _short(subtype), "parameters": _parameters(part)}
    if part.disposition:
        described["disposition"] = [_short(part.disposition), _short(part.filename)]
    if part.is_multipart and part.children:
        described["parts"] = [_structure(child, budget, depth + 1) for child in part.children if budget.take(depth)]
        return described
    described |= {
        "id": _text(part, "content-id"),
        "description": _text(part, "content-description"),
        "encoding": _short(part.transfer_encoding or "7bit"),
        "octets": part.size,
    }
    if part.is_text or part.is_message:
        described["lines"] = part.line_count
    if part.is_message and part.children and budget.take(depth):
        described["envelope"] = _envelope(part.children[0])
        described["structure"] = _structure(part.children[0], budget, depth + 1)
    return described


def _parameters(part: Part) -> dict[str, str]:
    return {_short(name): _short(value) for name, value in list(part.parameters.items())[:20]}


def _text(part: Part, name: str) -> str:
    """The unfolded value as it is written: who shows it decodes its encoded words."""
    found = part.first(name)
    return _short(found.unfolded) if found else ""


def _short(text: str) -> str:
    return truncate(clean_text(text), MAX_SUMMARY_TEXT)
