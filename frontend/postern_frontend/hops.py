"""Loops: what the trace fields of a message say about where it has been (RFC 5321 §6.3)."""

from __future__ import annotations

import re

from postern import replies
from postern.model import Recipient
from postern.recipients import canonical_address, canonical_domain
from postern.replies import Reply
from postern_frontend.spool import Spool

MAX_HEADER_OCTETS = 1_048_576
MAX_HOPS = 50
MAX_OWN_HOPS = 5
"""How often a message may pass here: list mail and forwarding bring one back twice or three times."""

_FIRST_LOOK_OCTETS = 65_536
_END_OF_HEADER = b"\r\n\r\n"
_RECEIVED = re.compile(rb"^received[ \t]*:", re.MULTILINE)
_DELIVERED_TO = re.compile(rb"^delivered-to[ \t]*:[ \t]*([^\r\n]{1,512}?)[ \t]*\r$", re.MULTILINE)


def header_section(spool: Spool) -> bytes | None:
    """The header section of a message as it came, without the empty line; `None` when it is longer than allowed."""
    for octets in (_FIRST_LOOK_OCTETS, MAX_HEADER_OCTETS + 1):
        head = spool.head(octets)
        if head.startswith(b"\r\n"):
            return b""
        end = head.find(_END_OF_HEADER)
        if end >= 0:
            return head[: end + 2]
        if len(head) < octets:
            return head
    return None


def loop_refusal(header: bytes, hostname: str) -> Reply | None:
    """The reply to a message that was passed on too often, or too often by this host. `header` is in lower case."""
    if header.count(b"received") <= MAX_OWN_HOPS:
        return None
    if len(_RECEIVED.findall(header)) > MAX_HOPS:
        return replies.TOO_MANY_HOPS
    host = re.escape(hostname.lower().encode())
    own = re.compile(rb"^received[ \t]*:(?:[^\r\n]|\r\n[ \t]){0,1000}?\bby[ \t]+" + host + rb"[\s;]", re.MULTILINE)
    return replies.MAIL_LOOP if len(own.findall(header)) > MAX_OWN_HOPS else None


def without_loops(recipients: tuple[Recipient, ...], header: bytes) -> tuple[Recipient, ...]:
    """The recipients but those who, by an alias, would get what `Delivered-To` says they have had already.

    `header` is in lower case.
    """
    if b"delivered-to" not in header:
        return recipients
    delivered = {_canonical(found.decode("utf-8", "replace")) for found in _DELIVERED_TO.findall(header)}
    return tuple(item for item in recipients if item.address not in delivered or not _is_by_alias(item))


def _is_by_alias(recipient: Recipient) -> bool:
    local_part, _, domain = recipient.address.rpartition("@")
    tagged = f"{local_part}+{recipient.detail}@{domain}" if recipient.detail else recipient.address
    return _canonical(recipient.forward_path) != _canonical(tagged)


def _canonical(address: str) -> str:
    local_part, _, domain = address.rpartition("@")
    return canonical_address(local_part, canonical_domain(domain) or "")
