"""Loops: what the trace fields of a message say about where it has been (RFC 5321 §6.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from postern import replies
from postern.model import Recipient
from postern.recipients import canonical_address, canonical_domain
from postern.replies import Reply

MAX_HEADER_OCTETS = 1_048_576
MAX_HOPS = 50
MAX_OWN_HOPS = 5
"""How often a message may pass here: list mail and forwarding bring one back twice or three times."""

_END_OF_HEADER = b"\r\n\r\n"
_RECEIVED = re.compile(rb"^Received[ \t]*:", re.IGNORECASE | re.MULTILINE)
_DELIVERED_TO = re.compile(rb"^Delivered-To[ \t]*:[ \t]*([^\r\n]{1,512}?)[ \t]*\r$", re.IGNORECASE | re.MULTILINE)


def header_section(head: bytes) -> bytes | None:
    """The header section of a message given its first octets; `None` when it is longer than allowed."""
    if head.startswith(b"\r\n"):
        return b""
    end = head.find(_END_OF_HEADER)
    if end >= 0:
        return head[: end + 2]
    return head if len(head) <= MAX_HEADER_OCTETS else None


def loop_refusal(header: bytes, hostname: str) -> Reply | None:
    """The reply to a message that was passed on too often, or too often by this host."""
    if len(_RECEIVED.findall(header)) > MAX_HOPS:
        return replies.TOO_MANY_HOPS
    own = re.compile(
        rb"^Received[ \t]*:(?:[^\r\n]|\r\n[ \t])*?\bby[ \t]+" + re.escape(hostname.encode()) + rb"[\s;]",
        re.IGNORECASE | re.MULTILINE,
    )
    return replies.MAIL_LOOP if len(own.findall(header)) > MAX_OWN_HOPS else None


def without_loops(recipients: Sequence[Recipient], header: bytes) -> tuple[Recipient, ...]:
    """The recipients but those who, by an alias, would get what `Delivered-To` says they have had already."""
    delivered = {_canonical(found.decode("utf-8", "replace")) for found in _DELIVERED_TO.findall(header)}
    return tuple(item for item in recipients if item.address not in delivered or not _is_by_alias(item))


def _is_by_alias(recipient: Recipient) -> bool:
    local_part, _, domain = recipient.address.rpartition("@")
    tagged = f"{local_part}+{recipient.detail}@{domain}" if recipient.detail else recipient.address
    return _canonical(recipient.forward_path) != _canonical(tagged)


def _canonical(address: str) -> str:
    local_part, _, domain = address.rpartition("@")
    return canonical_address(local_part, canonical_domain(domain) or "")
