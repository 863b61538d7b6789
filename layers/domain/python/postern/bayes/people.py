"""Who writes to whom, as tokens about how author, identifiers, route and recipients fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from postern.bayes.hops import Route
from postern.bayes.organisations import FREE_MAIL, every_address, first_address, magnitude, organisation
from postern.message import Message
from postern.text.view import TextView

MAX_VALUE = 2_000
MAX_RECIPIENTS_COMPARED = 3

_NAMED = re.compile(r'"?[^<@]{1,200}<')
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}")
_VERSION = re.compile(r"[\s/\[(]")
_SIGNS_OF_PROGRAMS = (
    "x-priority", "importance", "x-msmail-priority", "organization", "in-reply-to", "references", "reply-to", "cc",
    "mime-version", "message-id", "to", "disposition-notification-to", "content-disposition", "user-agent",
    "x-originating-ip", "x-accept-language", "comments", "x-originalarrivaltime", "mail-followup-to",
)  # fmt: skip


class People(NamedTuple):
    """Author, reply address and recipients, lower case; `organisations` are those the author may call his own."""

    author: str
    author_name: str
    author_organisation: str
    identifier_organisation: str
    reply_to: str
    recipients: tuple[str, ...]

    @property
    def organisations(self) -> frozenset[str]:
        """The organisations of the author's address and of the Message-ID."""
        return frozenset({self.author_organisation, self.identifier_organisation} - {""})


def read_people(message: Message) -> People:
    """Author and recipients as the header gives them."""
    written = message.value("from")[:MAX_VALUE]
    author, host = first_address(written)
    identifier = message.value("message-id")[:MAX_VALUE].rpartition("@")[2].strip("> ")
    name = written.partition("<")[0].strip().strip('"') if "<" in written else ""
    recipients = every_address(f"{message.value('to')[:MAX_VALUE]},{message.value('cc')[:MAX_VALUE]}")
    return People(
        author,
        name,
        organisation(host),
        organisation(identifier),
        first_address(message.value("reply-to")[:MAX_VALUE])[0],
        tuple(recipients),
    )


def people_tokens(message: Message, view: TextView, people: People, route: Route) -> Iterator[str]:
    """How the people of a message and its identifiers fit together."""
    yield from _relations(people, route)
    yield from _author_tokens(message, people)
    yield from _recipient_tokens(message, view, people)
    yield from _identifier_tokens(message)
    yield from _program_tokens(message)


def _relations(people: People, route: Route) -> Iterator[str]:
    mine, reply = people.author_organisation, organisation(people.reply_to.rpartition("@")[2])
    yield f"author identifier {_same(mine, people.identifier_organisation)}"
    yield f"author reply {_same(mine, reply)}"
    yield f"author reply address {_same(people.author, people.reply_to)}"
    yield f"author on route {_on_route(mine, route)}"
    yield f"identifier on route {_on_route(people.identifier_organisation, route)}"
    if mine in FREE_MAIL:
        yield f"free mail on route {mine in route.senders}"
        yield f"free mail identifier {mine == people.identifier_organisation}"
    if reply in FREE_MAIL:
        yield f"reply to free mail {mine in FREE_MAIL}"


def _same(one: str, other: str) -> str:
    return "unknown" if not one or not other else "same" if one == other else "other"


def _on_route(name: str, route: Route) -> str:
    if not name:
        return "unknown"
    return f"{'sent' if name in route.senders else ''} {'received' if name in route.receivers else ''}"


def _author_tokens(message: Message, people: People) -> Iterator[str]:
    name, (local, _, host) = people.author_name, people.author.rpartition("@")
    case = "none" if not name else "upper" if name.isupper() else "lower" if name.islower() else "mixed"
    yield f"author name {case} {min(5, len(name.split()))}"
    if "@" in name:
        yield "author name is an address"
    yield f"author local digits {magnitude(sum(map(str.isdigit, local)))}"
    yield f"author local length {magnitude(len(local))}"
    yield f"author host labels {min(4, host.count('.'))}"
    yield f"author top level {host.rpartition('.')[2][:8]}"
    if _CONSONANTS.search(local):
        yield "author local consonants"
    if name and local and local.partition(".")[0] in name.lower():
        yield "author local in name"
    if not message.value("from").isascii():
        yield "author not ascii"


def _recipient_tokens(message: Message, view: TextView, people: People) -> Iterator[str]:
    recipients, to = people.recipients, message.value("to")[:MAX_VALUE].strip()
    yield f"recipients {magnitude(len(recipients))}"
    yield f"to {'missing' if not to else 'undisclosed' if 'undisclosed' in to.lower() else 'present'}"
    yield f"to form {'named' if _NAMED.match(to) else 'angle' if to.startswith('<') else 'bare'}"
    if people.author in recipients:
        yield "to author"
    if len(recipients) > 1 and len({address[:3] for address in recipients}) == 1:
        yield "recipients alike"
    subject, text = view.subject.lower(), view.visible[:8_000].lower()
    urls = " ".join(uri.url.lower() for uri in view.uris[:50])
    for address in recipients[:MAX_RECIPIENTS_COMPARED]:
        local, _, host = address.rpartition("@")
        places = {"subject": local in subject, "body": address in text, "link": local in urls}
        yield from (f"recipient in {place}" for place, found in places.items() if found and len(local) > 2)
        if people.author_organisation and organisation(host) == people.author_organisation:
            yield "recipient beside author"


def _identifier_tokens(message: Message) -> Iterator[str]:
    written = message.value("message-id")[:MAX_VALUE].strip()
    form = "none" if not written else "no at" if "@" not in written else "bare" if written[0] != "<" else "usual"
    yield f"identifier {form}"
    yield f"identifier length {magnitude(len(written.partition('@')[0]))}"


def _program_tokens(message: Message) -> Iterator[str]:
    program = (message.value("x-mailer") or message.value("user-agent"))[:100].strip().lower()
    yield f"program {_VERSION.split(program, maxsplit=1)[0][:20] or 'none'}"
    if "outlook" in program or "microsoft" in program:
        yield f"microsoft with mimeole {message.first('x-mimeole') is not None}"
        yield f"microsoft with priority {message.first('x-msmail-priority') is not None}"
    for name in _SIGNS_OF_PROGRAMS:
        yield f"has {name} {message.first(name) is not None}"
