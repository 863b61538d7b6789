"""Every effect of the filter as data: for scans, sample events and tests, where no service is behind it.

A need that comes with a new check gets its value here once, and everything that runs the filter in one process has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from postern.backscatter.keys import KeyRing
from postern.contract import Needs
from postern.greylist.memory import EveryoneReturned
from postern.message import Message
from postern.ports import (
    BatvKeys,
    Correspondence,
    Correspondents,
    Greylist,
    Resolver,
    RuleSets,
    SenderLists,
    SentMessages,
    SiteModel,
)
from postern.rules.rule_set import RuleSet
from postern.sender_list_entry import SenderListEntry

if TYPE_CHECKING:
    from postern.bayes.model import Model  # who runs no such check does not load NumPy


@dataclass(frozen=True, slots=True)
class GivenSenderLists:
    """Entries that lie in memory. Implements `ports.SenderLists`."""

    entries: tuple[SenderListEntry, ...] = ()

    def lookup(self, scopes: Iterable[str], patterns: Iterable[str]) -> tuple[SenderListEntry, ...]:
        """The entries at these scopes with these patterns."""
        at, of = set(scopes), set(patterns)
        return tuple(entry for entry in self.entries if entry.scope in at and entry.pattern in of)


@dataclass(frozen=True, slots=True)
class GivenCorrespondents:
    """Pairs that lie in memory. Implements `ports.Correspondents`."""

    pairs: dict[tuple[str, str], Correspondence] = field(default_factory=dict)

    def known(self, mailboxes: Iterable[str], addresses: Iterable[str], now: datetime) -> tuple[Correspondence, ...]:
        """The pairs that are known and have not expired."""
        wanted = tuple(dict.fromkeys(addresses))
        found = (self.pairs.get((mailbox, address)) for mailbox in dict.fromkeys(mailboxes) for address in wanted)
        return tuple(one for one in found if one is not None and one.expires_at > now)

    def remember(self, correspondences: Iterable[Correspondence]) -> None:
        """Keep these."""
        self.pairs.update({(one.mailbox, one.address): one for one in correspondences})


@dataclass(frozen=True, slots=True)
class GivenKeys:
    """Keys that lie in memory. Implements `ports.BatvKeys`."""

    keys: KeyRing = field(default_factory=KeyRing)

    def ring(self) -> KeyRing:
        """These keys."""
        return self.keys


@dataclass(frozen=True, slots=True)
class GivenSentMessages:
    """Mailboxes by the Message-ID of what they sent. Implements `ports.SentMessages`."""

    mailboxes: dict[str, str] = field(default_factory=dict)

    def senders(self, message_ids: Iterable[str], now: datetime) -> frozenset[str]:
        """Who sent these; in memory nothing expires."""
        return frozenset(self.mailboxes[one] for one in message_ids if one in self.mailboxes)

    def record(self, message_id: str, mailbox: str, expires_at: datetime) -> None:
        """Keep it."""
        self.mailboxes[message_id] = mailbox


@dataclass(frozen=True, slots=True)
class GivenRules:
    """A rule set that lies in memory. Implements `ports.RuleSets`."""

    rule_set: RuleSet = field(default_factory=RuleSet)

    def current(self) -> RuleSet:
        """This set."""
        return self.rule_set

    def database(self, rule_set: RuleSet) -> None:
        """In memory nothing is made beforehand."""
        del rule_set


@dataclass(frozen=True, slots=True)
class GivenSiteModel:
    """What a site has learnt, or that it has learnt nothing. Implements `ports.SiteModel`."""

    learnt: Model | None = None

    def model(self) -> Model | None:
        """This model."""
        return self.learnt


@dataclass(frozen=True, slots=True)
class GivenStores:
    """What the stores hold: nothing, if nothing is said, and nobody has to wait. Attributes have their needs' names."""

    sender_lists: SenderLists = field(default_factory=GivenSenderLists)
    greylist: Greylist = field(default_factory=EveryoneReturned)
    correspondents: Correspondents = field(default_factory=GivenCorrespondents)
    batv_keys: BatvKeys = field(default_factory=GivenKeys)
    sent_messages: SentMessages = field(default_factory=GivenSentMessages)
    site_model: SiteModel = field(default_factory=GivenSiteModel)
    rules: RuleSets = field(default_factory=GivenRules)

    def makers(
        self, resolver: Callable[[], Resolver], message: Callable[[], Message]
    ) -> dict[Needs, Callable[[], Any]]:
        """The makers of every effect; the standing is the pipeline's own."""
        return {
            Needs.RESOLVER: resolver,
            Needs.MESSAGE: message,
            Needs.SENDER_LISTS: lambda: self.sender_lists,
            Needs.GREYLIST: lambda: self.greylist,
            Needs.CORRESPONDENTS: lambda: self.correspondents,
            Needs.BATV_KEYS: lambda: self.batv_keys,
            Needs.SENT_MESSAGES: lambda: self.sent_messages,
            Needs.SITE_MODEL: lambda: self.site_model,
            Needs.RULES: lambda: self.rules,
        }
