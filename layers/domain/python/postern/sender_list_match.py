"""Which entries of the sender lists concern a message, for whom, and what would prove them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from postern.author import Author
from postern.model import Recipient
from postern.networks import IPAddress
from postern.policy_book import GLOBAL_SCOPE, scopes_of
from postern.ports import ListEntry, SenderLists
from postern.sender_list_entry import address_patterns, client_patterns

MAX_AUTHORS = 10


class Source(StrEnum):
    """What of a message a pattern matched."""

    CLIENT = "client"
    REVERSE_PATH = "reverse-path"
    AUTHOR = "author"


@dataclass(frozen=True, slots=True)
class Correspondent:
    """Everything an entry can match: who connected, the reverse-path, and whom the message shows as author."""

    client: IPAddress | None
    reverse_path: str | None
    author: Author | None

    def patterns(self) -> dict[str, frozenset[Source]]:
        """Every pattern that matches, and by what."""
        found: dict[str, set[Source]] = {}
        for source, patterns in self._patterns_by_source():
            for pattern in patterns:
                found.setdefault(pattern, set()).add(source)
        return {pattern: frozenset(sources) for pattern, sources in found.items()}

    def proofs(self, sources: Iterable[Source]) -> tuple[str, ...]:
        """The checks of which one must pass before a match by these sources is proven; none for the client.

        DMARC proves the author's domain and SPF the reverse-path's. A DMARC pass speaks for a reverse-path only when
        both have the same domain: a forger passes DMARC for a domain of their own.
        """
        if Source.CLIENT in sources:
            return ()
        checks = set()
        if Source.AUTHOR in sources:
            checks.add("dmarc")
        if Source.REVERSE_PATH in sources:
            checks.update(("spf", "dmarc") if self._same_domain() else ("spf",))
        return tuple(sorted(checks))

    def _patterns_by_source(self) -> Iterable[tuple[Source, tuple[str, ...]]]:
        if self.client is not None:
            yield Source.CLIENT, client_patterns(self.client)
        if self.reverse_path:
            local_part, _, domain = self.reverse_path.rpartition("@")
            yield Source.REVERSE_PATH, address_patterns(local_part, domain)
        if self.author is not None:
            for mailbox in self.author.mailboxes[:MAX_AUTHORS]:
                yield Source.AUTHOR, address_patterns(mailbox.local_part, mailbox.domain)
            for domain in self.author.candidate_domains[:MAX_AUTHORS]:
                yield Source.AUTHOR, address_patterns("", domain)

    def _same_domain(self) -> bool:
        """Whether the author's domain is that of the reverse-path."""
        author_domain = self.author.domain if self.author else ""
        reverse_path_domain = (self.reverse_path or "").rpartition("@")[2]
        return bool(author_domain) and f"*@{author_domain}" in address_patterns("", reverse_path_domain)


@dataclass(frozen=True, slots=True)
class Match:
    """An entry that concerns the message; `recipients` is `None` for everyone."""

    entry: ListEntry
    sources: frozenset[Source]
    recipients: tuple[str, ...] | None

    @property
    def name(self) -> str:
        """The entry as people find it again: `scope/action#pattern`."""
        return f"{self.entry.scope}/{self.entry.action}#{self.entry.pattern}"


def find_matches(
    correspondent: Correspondent, recipients: Sequence[Recipient], lists: SenderLists, now: datetime
) -> tuple[Match, ...]:
    """The entries that match and have not expired. Raises `Unavailable`."""
    concerned = _recipients_by_scope(recipients)
    patterns = correspondent.patterns()
    if not patterns:
        return ()
    return tuple(
        Match(entry, patterns[entry.pattern], None if entry.scope == GLOBAL_SCOPE else concerned[entry.scope])
        for entry in lists.lookup(tuple(concerned), tuple(patterns))
        if entry.expires_at is None or entry.expires_at > now
    )


def _recipients_by_scope(recipients: Sequence[Recipient]) -> Mapping[str, tuple[str, ...]]:
    concerned: dict[str, list[str]] = {GLOBAL_SCOPE: []}
    for recipient in recipients:
        for scope in scopes_of(recipient.address):
            concerned.setdefault(scope, []).append(recipient.address)
    return {scope: tuple(addresses) for scope, addresses in concerned.items()}
