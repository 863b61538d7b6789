"""Who handed a message over, as one Received field tells it (RFC 5321 §4.4).

The `from` clause is read strictly: the name that the client claimed, then comments, then `by`. The address is the
one that the receiving server saw and put into a comment. A client can write comments of its own into its HELO, so a
clause with two different addresses says nothing. Decisions about a client rest on this reader; `postern.mime.trace`
reads the same fields leniently, as claims for people to look at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from postern.networks import known_address

MAX_LENGTH = 1000
"""Characters of a field that are looked at; a `from` clause stands at its beginning."""

_CLAIMED = re.compile(r"from[ \t]+([^\s()]+)", re.IGNORECASE)
_COMMENT = re.compile(r"[ \t]*\(((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*+\))*+)\)")
_BY = re.compile(r"[ \t]+by[ \t]", re.IGNORECASE)
_WITHOUT_FROM = re.compile(r"(?:by[ \t]|\()", re.IGNORECASE)
_LITERAL = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]{2,45})\]", re.IGNORECASE)
_HELO = re.compile(r"\bhelo[= ]([^\s()]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReceivedHop:
    """A client as its server saw it. `client_ip` is `None` for a message that the server itself handed on."""

    client_ip: str | None
    helo_identity: str


def read_hop(value: str) -> ReceivedHop | None:
    """The hop that an unfolded Received value describes, or `None` when it cannot be told for sure."""
    value = value[:MAX_LENGTH].strip()
    claimed = _CLAIMED.match(value)
    if claimed is None:
        return ReceivedHop(None, "") if _WITHOUT_FROM.match(value) else None
    comments, end = _comments(value, claimed.end())
    if not _BY.match(value, end):
        return None
    stated = next((found[1] for found in map(_HELO.search, comments) if found), None)
    addresses = {address for comment in comments for address in _addresses(comment)}
    if not addresses and stated:
        addresses = _addresses(claimed[1])  # Exim without a host name: from [192.0.2.1] (helo=…)
    return ReceivedHop(addresses.pop(), stated or claimed[1]) if len(addresses) == 1 else None


def _comments(value: str, position: int) -> tuple[list[str], int]:
    comments = []
    while found := _COMMENT.match(value, position):
        comments.append(found[1])
        position = found.end()
    return comments, position


def _addresses(text: str) -> set[str]:
    text = _HELO.sub("", text)
    # Exchange and qmail write the bare address as the whole comment.
    candidates = [*_LITERAL.findall(text), text.strip()]
    return {str(address) for address in map(known_address, candidates) if address is not None}
