"""The way a message took (Received, RFC 5321 §4.4), as tokens about how its hosts present themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from postern.bayes.organisations import organisation
from postern.message import Message

MAX_HOPS = 25
MAX_HOP_LENGTH = 600

_FROM = re.compile(r"from\s+(\S{1,255})\s{0,9}(?:\(([^)]{0,300})\))?", re.IGNORECASE)
_BY = re.compile(r"\bby\s+([\w.\-]{1,255})", re.IGNORECASE)
_WITH = re.compile(r"\bwith\s+([\w\-]{1,12})", re.IGNORECASE)
_REVERSE_NAME = re.compile(r"(?:[^\s@]{1,64}@)?([a-z][\w\-]{0,62}(?:\.[\w\-]{1,63}){1,10})")
_IP = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}")
_DYNAMIC = re.compile(r"\d{1,3}[-.x]\d{1,3}[-.x]\d|dsl|dial|dhcp|cable|ppp|pool|dyn|client")


class Hop(NamedTuple):
    """One Received field: the name given at HELO, the client's reverse name, the receiving host, and the rest."""

    helo: str
    reverse_name: str
    remark: str
    by: str
    protocol: str
    text: str


class Route(NamedTuple):
    """All hops, newest first, and the organisations that sent and that received along the way."""

    hops: tuple[Hop, ...]
    senders: frozenset[str]
    receivers: frozenset[str]


def read_route(message: Message) -> Route:
    """The route as the header tells it; a sender can invent the older part."""
    hops = tuple(_read_hop(field.value[:MAX_HOP_LENGTH]) for field in message.fields("received")[:MAX_HOPS])
    senders = {organisation(name) for hop in hops for name in (hop.helo, hop.reverse_name) if name}
    return Route(hops, frozenset(senders), frozenset(organisation(hop.by) for hop in hops if hop.by))


def _read_hop(text: str) -> Hop:
    sender, receiver, protocol = _FROM.match(text), _BY.search(text), _WITH.search(text)
    remark = (sender[2] or "").lower() if sender else ""
    reverse = _REVERSE_NAME.match(remark)
    return Hop(
        sender[1].lower() if sender else "",
        reverse[1] if reverse else "",
        remark,
        receiver[1] if receiver else "",
        protocol[1].lower() if protocol else "",
        text,
    )


def route_tokens(route: Route, author_organisation: str) -> Iterator[str]:
    """What the way says about the sender."""
    yield f"hops {min(9, len(route.hops))}"
    for hop in route.hops:
        if hop.protocol:
            yield f"hop with {hop.protocol}"
        if hop.helo:
            yield from _hop_tokens(hop)
    if route.hops:
        origin = route.hops[-1]
        yield f"origin {'host' if origin.helo else origin.text[:8]}"
        if origin.helo:
            yield f"origin is author {organisation(origin.helo) == author_organisation}"


def _hop_tokens(hop: Hop) -> Iterator[str]:
    form = "ip" if _IP.search(hop.helo) else "name" if "." in hop.helo else "word"
    yield f"helo {form}"
    yield f"helo {form} reverse {_agreement(hop)}"
    if "unknown" in hop.remark:
        yield "client unknown"
    if "may be forged" in hop.text:
        yield "client may be forged"
    if not _IP.search(hop.text):
        yield "client without address"
    if hop.reverse_name and _DYNAMIC.search(hop.reverse_name):
        yield "client dynamic"


def _agreement(hop: Hop) -> str:
    if not hop.reverse_name:
        return "none"
    if hop.reverse_name == hop.helo:
        return "same"
    return "related" if organisation(hop.reverse_name) == organisation(hop.helo) else "other"
