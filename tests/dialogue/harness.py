"""A receiver for tests: everything of the front end is real, and the effects behind it are data in memory."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import IO, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from postern import replies
from postern.model import Decision, Disposition, MessageReference, Points, RecipientDecision, Route, Site, Transaction
from postern.ports import KeyMaterial
from postern.recipients import DomainEntry, RecipientCheck
from postern.replies import Reply
from postern.session.smtp_policy import SmtpPolicy
from postern_frontend.connections import Connections
from postern_frontend.envelope_rules import InboundRules
from postern_frontend.listener import Endpoint
from postern_frontend.receiver_service import ReceiverService, Timing
from postern_frontend.recipient_lookup import RecipientLookup
from postern_frontend.screening.screen import Screen
from postern_frontend.screening.session import no_screen
from postern_frontend.server import Server
from postern_frontend.smtp.profile import receiver_profile
from postern_frontend.spool import SpoolBudget
from postern_frontend.submission_guard import NoGuard, SubmissionGuard
from postern_frontend.tls import Certificates
from postern_frontend.tls_rules import TlsRules
from postern_frontend.transaction import Acceptance, Effects, FilterLimits

T = TypeVar("T")
HOSTNAME = "mx.example.com"


@dataclass(frozen=True)
class Tables:
    """A directory as data."""

    domains: Mapping[str, DomainEntry]
    accounts: frozenset[str] = frozenset()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def domain(self, name: str) -> DomainEntry | None:
        return self.domains.get(name)

    def has_account(self, address: str) -> bool:
        return address in self.accounts

    def alias(self, address: str) -> tuple[str, ...]:
        return self.aliases.get(address, ())


TABLES = Tables(
    domains={
        entry.name: entry
        for entry in (
            DomainEntry("example.com"),
            DomainEntry("example.net"),
            DomainEntry("relayed.example", Route.RELAY, RecipientCheck.PATTERN, ("*",), takes_smtputf8=False),
        )
    },
    accounts=frozenset({"ann@example.com", "bob@example.com", *(f"user{n}@example.com" for n in range(200))}),
    aliases={"team@example.com": ("ann@example.com", "bob@example.com"), "@example.net": ("@example.com",)},
)


@dataclass
class Shelf:
    """Keeps messages in memory, by transaction id."""

    messages: dict[str, bytes] = field(default_factory=dict)
    fault: Callable[[], None] = lambda: None

    def put(self, transaction_id: str, body: IO[bytes], *, size: int, sha256: str) -> MessageReference:
        self.fault()
        self.messages[transaction_id] = body.read()
        return MessageReference(f"incoming/{transaction_id}", size, sha256)


def accept_all(transaction: Transaction) -> Reply:
    return replies.accepted(transaction.transaction_id)


@dataclass
class Judge:
    """A filter whose verdict is a function of the transaction."""

    verdict: Callable[[Transaction], Reply] = accept_all
    seen: list[Transaction] = field(default_factory=list)

    def decide(self, transaction: Transaction) -> Decision:
        self.seen.append(transaction)
        reply = self.verdict(transaction)
        disposition = Disposition.ACCEPT if reply.is_positive else Disposition.REJECT
        decided = tuple(
            RecipientDecision(item.address, disposition, disposition, Points(0)) for item in transaction.recipients
        )
        return Decision(transaction.transaction_id, reply, decided)


@dataclass
class Ledger:
    """An outbox in memory."""

    committed: dict[str, tuple[str, Reply]] = field(default_factory=dict)
    transactions: list[Transaction] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None

    def find_duplicate(self, fingerprint: str, now: dt.datetime) -> Reply | None:
        del now
        return self.committed[fingerprint][1] if fingerprint in self.committed else None

    def commit(self, transaction: Transaction, decision: Decision, fingerprint: str) -> Reply:
        self.before()
        first = self.committed.setdefault(fingerprint, (transaction.transaction_id, decision.reply))
        if first[0] == transaction.transaction_id:
            self.transactions.append(transaction)
        self.after()
        return first[1]

    def is_committed(self, fingerprint: str, transaction_id: str) -> bool:
        return self.committed.get(fingerprint, ("",))[0] == transaction_id


@dataclass
class Facts:
    """A site that is known from the start."""

    trusted_networks: tuple[str, ...] = ()

    def site(self) -> Site:
        return Site(HOSTNAME, HOSTNAME, tuple(TABLES.domains), self.trusted_networks)


async def run_directly(work: Callable[[], T]) -> T:
    """A runner for effects that do not block."""
    return work()


async def run_in_thread(work: Callable[[], T]) -> T:
    """A runner for effects that block."""
    return await asyncio.to_thread(work)


@dataclass
class World:
    """Everything behind a receiver, for a test to look at and to disturb."""

    shelf: Shelf = field(default_factory=Shelf)
    judge: Judge = field(default_factory=Judge)
    ledger: Ledger = field(default_factory=Ledger)
    facts: Facts = field(default_factory=Facts)
    tables: Tables = TABLES
    max_message_octets: int = 1_000_000
    spool_octets: int = 50_000_000
    manners: SmtpPolicy = field(default_factory=SmtpPolicy)
    tls_rules: TlsRules = field(default_factory=TlsRules)
    timing: Timing = field(default_factory=Timing)
    filter_limits: FilterLimits = field(default_factory=FilterLimits)
    total: int = 1_000
    per_client: int = 1_000
    in_threads: bool = False
    screen: Screen | None = None
    guard: SubmissionGuard = field(default_factory=NoGuard)

    @property
    def stored(self) -> list[bytes]:
        """The messages that were committed, as stored."""
        return [self.shelf.messages[item.transaction_id] for item in self.ledger.transactions]

    def service(self, *, starttls: bool) -> ReceiverService:
        """The receiver over this world."""
        run = run_in_thread if self.in_threads else run_directly
        effects = Effects(
            messages=self.shelf,
            filter=self.judge,
            outbox=self.ledger,
            sites=self.facts,
            on_storage=run,
            on_filter=run,
            guard=self.guard,
        )
        ticks = itertools.count()
        return ReceiverService(
            profile=receiver_profile(HOSTNAME, max_message_octets=self.max_message_octets, starttls=starttls),
            rules=InboundRules(self.facts),
            lookup=RecipientLookup(self.tables, run, lambda: float(next(ticks)) / 1000),
            acceptance=Acceptance(effects, self.filter_limits),
            sites=self.facts,
            spool_budget=SpoolBudget(self.spool_octets),
            timing=self.timing,
            manners=lambda: self.manners,
            tls_rules=self.tls_rules,
            screen=self.screen or no_screen(),
        )


@dataclass
class Running:
    """A receiver that listens; one port for each endpoint it was given."""

    server: Server
    service: ReceiverService
    ports: list[int]

    @property
    def port(self) -> int:
        return self.ports[0]


@asynccontextmanager
async def running(world: World, *endpoints: Endpoint, material: KeyMaterial | None = None) -> AsyncIterator[Running]:
    """Run a receiver on loopback."""
    source = None if material is None else FixedCertificate(material)
    server = Server(
        Connections(total=world.total, per_client=world.per_client, per_network=world.total), Certificates(source)
    )
    service = world.service(starttls=material is not None)
    await server.start()
    if world.screen is not None:
        world.screen.start()
    ports = server.listen_for_mail(endpoints or (Endpoint(0, "127.0.0.1"),), service)
    try:
        yield Running(server, service, ports)
    finally:
        await server.drain(2)
        if world.screen is not None:
            await world.screen.stop()


@dataclass(frozen=True)
class FixedCertificate:
    """A certificate source that always has the same."""

    material: KeyMaterial

    def read(self) -> KeyMaterial:
        return self.material


def make_certificate(name: str = HOSTNAME) -> KeyMaterial:
    """A self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name), x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return KeyMaterial(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
