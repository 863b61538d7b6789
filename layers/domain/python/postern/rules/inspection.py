"""One message under inspection: everything that rules and their functions look at, each made when first asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from postern.message import Message
from postern.rules.body_texts import BodyTexts
from postern.rules.domains import Domains
from postern.rules.header_views import HeaderViews
from postern.rules.mime_facts import MimeFacts
from postern.rules.relays import Relay
from postern.rules.uri_list import UriList

ORIGINATING_FIELDS = ("X-Originating-IP",)


@dataclass(frozen=True)
class Settings:
    """What the directives of the rule files give the functions, compiled once for a rule book."""

    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    redirectors: tuple[Any, ...] = ()
    patterns: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """Patterns and word lists of functions, compiled when first used."""

    @cached_property
    def domains(self) -> Domains:
        """The lists of domain suffixes."""
        return Domains(self.words)

    @cached_property
    def lists(self) -> dict[str, tuple[str, ...]]:
        """The address lists of `enlist_addrlist (NAME) entries`, by name."""
        found: dict[str, tuple[str, ...]] = {}
        for line in self.words.get("enlist_addrlist", ()):
            name, _, entries = line.partition(")")
            found[name.strip(" (")] = (*found.get(name.strip(" ("), ()), *entries.lower().split())
        return found

    def all(self, *names: str) -> frozenset[str]:
        """The words of those directives, in lower case."""
        return frozenset(word.lower() for name in names for word in self.words.get(name, ()))


@dataclass(frozen=True)
class Circumstances:
    """How a message came: the client, MAIL FROM (`""`: `<>`) and when; `None` where only the message can tell."""

    client: Relay | None = None
    reverse_path: str | None = None
    received_at: datetime | None = None


NOTHING_KNOWN = Circumstances()


class Inspection:
    """A message, and how it came, to one evaluation of a rule book."""

    def __init__(self, message: Message, settings: Settings, circumstances: Circumstances = NOTHING_KNOWN) -> None:
        self.message = message
        self.settings = settings
        self.circumstances = circumstances
        self.headers = HeaderViews(
            message,
            settings.domains,
            client=circumstances.client,
            reverse_path=circumstances.reverse_path,
            originating=settings.words.get("originating_ip_headers", ORIGINATING_FIELDS),
        )
        self.notes: dict[str, Any] = {}
        """What functions of rules have worked out and ask for again."""

    @cached_property
    def bodies(self) -> BodyTexts:
        """The bodies, rendered and raw."""
        return BodyTexts(self.message, self.headers.text("Subject") or b"\n")

    @cached_property
    def uris(self) -> UriList:
        """The URIs."""
        return UriList(self.bodies.lines, self.bodies.html, self.settings.redirectors, self.settings.domains)

    @cached_property
    def mime(self) -> MimeFacts:
        """The facts of its MIME structure."""
        return MimeFacts(self.message)

    @cached_property
    def authors(self) -> tuple[str, ...]:
        """All addresses the message claims to be from, the envelope's too."""
        views = self.headers
        found: Iterable[str] = views.strings("Resent-From", "first", "addr")
        if not found:
            names = ("From", "Envelope-Sender", "Resent-Sender", "X-Envelope-From", "EnvelopeFrom")
            found = [one for name in names for one in views.strings(name, "addr") if one]
        return tuple(dict.fromkeys(found))
