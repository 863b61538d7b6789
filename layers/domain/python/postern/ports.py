"""Protocols for every effect: what the domain asks of the world, and nothing about how it is done.

Adapters implement them (`postern_aws`), tests give them data. An adapter that cannot do what is asked raises
`Unavailable`; callers turn that into `temperror` or `451`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, TYPE_CHECKING, Protocol

from postern.accounts import Account, Freeze
from postern.backscatter.keys import KeyRing
from postern.dns import DnsAnswer, Question
from postern.model import Decision, MessageReference, Points, Site, Transaction
from postern.replies import Reply

if TYPE_CHECKING:
    from postern.bayes.model import Model  # and does not load NumPy
    from postern.dkim.signing import SigningKey  # who only stores mail does not load cryptography
    from postern.rules.rule_set import RuleSet  # nor the engine of rules


class Unavailable(Exception):  # noqa: N818 - it states a condition of the world, not a mistake
    """An effect could not be had now: a store, a queue or a service did not answer. Always temporary."""


class OutcomeUnknown(Unavailable):
    """The effect was asked for and nobody knows whether it happened; it must be read back."""


class Resolver(Protocol):
    """Asks the DNS. Never raises for what the DNS can answer; bounded by the transaction's deadline."""

    def query(self, name: str, rdtype: str) -> DnsAnswer:
        """Ask one question."""
        ...

    def query_all(self, questions: Sequence[Question]) -> tuple[DnsAnswer, ...]:
        """Ask several questions at once; the answers come in the order of the questions."""
        ...


class MessageSource(Protocol):
    """Reads raw messages back."""

    def read(self, reference: MessageReference) -> bytes:
        """The raw message; raises `Unavailable`."""
        ...


class ListEntry(Protocol):
    """One entry of a sender list, as stored: see `SenderListEntry`."""

    @property
    def scope(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def pattern(self) -> str: ...
    @property
    def points(self) -> Points | None: ...
    @property
    def note(self) -> str: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def needs_proof(self) -> bool: ...


class SenderLists(Protocol):
    """Looks up exact keys of the sender lists; patterns are turned into candidate keys by the caller."""

    def lookup(self, scopes: Iterable[str], patterns: Iterable[str]) -> tuple[ListEntry, ...]:
        """Every stored entry, of any action, at one of `scopes` whose pattern is one of `patterns`."""
        ...


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is known of a triplet: its first attempt since it was last forgotten, the latest one, and how many."""

    first_seen: datetime
    last_attempt: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class GreylistTimes:
    """How long a first attempt waits, and when a triplet that was never used, or once was, is forgotten."""

    delay: timedelta
    unused: timedelta
    used: timedelta


class Greylist(Protocol):
    """Remembers who tried to send what to whom. Every method is one atomic step, whoever else is asking."""

    def attempt(self, key: str, recipient: str, now: datetime, times: GreylistTimes) -> Sighting | None:
        """Count an attempt, and say what was known before it.

        `None` for a first one, and when what was known is forgotten by now. Raises `Unavailable`.
        """
        ...

    def open_mailboxes(self, mailboxes: Iterable[str], now: datetime) -> frozenset[str]:
        """Those of the mailboxes whose owner is waiting for a message just now. Raises `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class Correspondence:
    """A mailbox wrote to an address, which is known to it until `expires_at`. Both are canonical."""

    mailbox: str
    address: str
    expires_at: datetime


class Correspondents(Protocol):
    """Remembers to whom each mailbox has written."""

    def known(self, mailboxes: Iterable[str], addresses: Iterable[str], now: datetime) -> tuple[Correspondence, ...]:
        """Every pair of these that is known now. Raises `Unavailable`."""
        ...

    def remember(self, correspondences: Iterable[Correspondence]) -> None:
        """Remember these, over what was known of the same pairs. Raises `Unavailable`."""
        ...


class BatvKeys(Protocol):
    """Knows the keys of bounce address tags."""

    def ring(self) -> KeyRing:
        """The keys, some minutes old at most; none before the first rotation. Raises `Unavailable`."""
        ...


class SigningKeys(Protocol):
    """Knows the keys that domains sign their mail with."""

    def keys(self, domain: str) -> tuple[SigningKey, ...]:
        """The keys with which a domain signs now, some minutes old at most; none when it has none.

        Raises `Unavailable`, also for keys that cannot be used.
        """
        ...


class RuleSets(Protocol):
    """Knows the rules of the site beside those that come with Postern."""

    def current(self) -> RuleSet:
        """The set in force, a minute old at most; an empty one when there is none. Raises `Unavailable`."""
        ...

    def database(self, rule_set: RuleSet) -> bytes | None:
        """What `build_database` made of the set and the shipped rules; `None` when it is not at hand, or not for here.

        Called for every message; never raises.
        """
        ...


class SentMessages(Protocol):
    """The ledger of messages that left by a way on which no tag comes back."""

    def senders(self, message_ids: Iterable[str], now: datetime) -> frozenset[str]:
        """The mailboxes that sent messages with these Message-IDs, brackets included. Raises `Unavailable`."""
        ...

    def record(self, message_id: str, mailbox: str, expires_at: datetime) -> None:
        """Remember a sent message, under the Message-ID it left with. Raises `Unavailable`."""
        ...


class SiteModel(Protocol):
    """Knows what the site has learnt."""

    def model(self) -> Model | None:
        """The model in use, a minute old at most; `None` while the site has not learnt enough. Raises `Unavailable`."""
        ...


class MessageStore(Protocol):
    """Keeps raw messages. Blocking; called from a pool of threads."""

    def put(self, transaction_id: str, body: IO[bytes], *, size: int, sha256: str) -> MessageReference:
        """Store the message durably from its seekable `body`; raises `Unavailable`."""
        ...


class Filter(Protocol):
    """Judges a stored message. Blocking; called from a pool of threads."""

    def decide(self, transaction: Transaction) -> Decision:
        """The decision, within the transaction's deadline; changes nothing. Raises `Unavailable`."""
        ...


class OutboxStore(Protocol):
    """Holds what was accepted. A committed message is durable and will be delivered. Blocking."""

    def find_duplicate(self, fingerprint: str, now: datetime) -> Reply | None:
        """The first 250 given to the same message in the last 24 hours; raises `Unavailable`."""
        ...

    def commit(self, transaction: Transaction, decision: Decision, fingerprint: str) -> Reply:
        """Commit once and for all, atomically with the fingerprint, and return the reply to give.

        That is the decision's own, or the first one when the same message was committed meanwhile. Raises
        `OutcomeUnknown` when it may have happened, `Unavailable` when it certainly did not.
        """
        ...

    def is_committed(self, fingerprint: str, transaction_id: str) -> bool:
        """Whether the commit of this transaction happened, read consistently; raises `Unavailable`."""
        ...


class SiteSource(Protocol):
    """Knows the installation's current facts."""

    def site(self) -> Site:
        """The last facts that were read; never blocks."""
        ...


class AccountStore(Protocol):
    """Reads accounts and freezes them. Blocking."""

    def account(self, address: str) -> Account | None:
        """The account with this canonical address.

        `None` when there is none, or its row cannot be used. Raises `Unavailable`.
        """
        ...

    def freeze(self, address: str, freeze: Freeze) -> bool:
        """Freeze an account; whether it was not frozen before, so that one of several callers tells the postmaster.

        Raises `Unavailable`.
        """
        ...

    def thaw(self, address: str) -> bool:
        """Let an account send again; whether it was frozen. Raises `Unavailable`."""
        ...

    def note_use(self, address: str, label: str, now: datetime) -> None:
        """Note that an app password was used. Raises `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """A certificate with its chain, and its private key, both PEM."""

    certificate_chain: bytes
    private_key: bytes


class CertificateSource(Protocol):
    """Where the certificate lies. Blocking; called from a thread."""

    def read(self) -> KeyMaterial:
        """The current certificate and key; raises `Unavailable`."""
        ...
