"""The durability trial: mail under load while front ends die and AWS fails, then every message is looked for.

What must hold for each recipient of each message:

    accepted    exactly one copy, in a mailbox, in the quarantine or at the relay target
    refused     no copy
    unknown     at most one: the client went without knowing

One exception, which SMTP has itself (RFC 5321 §4.5.4.1: a lost reply to the final dot makes a second copy): a copy that
was handed to the relay target, when the worker could then not write that down, is handed over again. So the target
may have as many copies as the Outbox row counts attempts, and for one attempt exactly one.
"""

from __future__ import annotations

import random
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.e2e.local_service import FRONT_ENDS, Service, eventually
from tests.e2e.mail_clients import MARK, Clients, Fate, Letter, Manner

RELAYING_ONLY, PROXIED = FRONT_ENDS
"""Both relay; the clients talk to the second."""

FAULTS = {"s3": 0.25, "dynamodb": 0.2, "states": 0.25}
"""Of each call; those to S3 and DynamoDB are made three times before anybody notices."""

FAILING_FUNCTIONS: Mapping[str, str] = {"DeliveryDeliver": "raise"}
ENDS = (
    (PROXIED, signal.SIGKILL),
    (PROXIED, signal.SIGTERM),
    (RELAYING_ONLY, signal.SIGKILL),
    (PROXIED, signal.SIGKILL),
    (PROXIED, signal.SIGTERM),
)
SETTLE_SECONDS = 60
QUIET_SECONDS = 3.0

MAILBOX, QUARANTINE, RELAY = "mailbox", "quarantine", "relay target"
_MARK = re.compile(rb"(?m)^" + MARK.encode() + rb": (?P<mark>[a-z0-9-]+)\r$")
_RELAYED_TO = re.compile(rb"^X-Envelope-To: <(?P<address>[^>]*)>", re.MULTILINE)

GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
FRIEND = ("198.51.100.10", "mail.friend.example", "carla@friend.example")
SHOP = ("198.51.100.21", "out21.mailer.example", "b48-both@bounces.shop.example")
CLUB = ("198.51.100.40", "mail.club.example", "tester@club.example")
CLIENT_NETWORK = "198.51.100.0/24"
POLICY: Mapping[str, Mapping[str, object]] = {"greylisting": {"mode": "off"}, "screening": {"allow": [CLIENT_NETWORK]}}
"""So that clients may come as often as they have to, and only trouble defers."""

Copies = Counter[tuple[str, str, str]]
"""How many copies by mark, recipient and place."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of letter: whose, for whom, and what is in it."""

    name: str
    client: tuple[str, str, str]
    forward_paths: tuple[str, ...]
    words: bytes = b"At four?"


KINDS = (
    Kind("inbox", FRIEND, ("ann@example.com",)),
    Kind("relayed", FRIEND, ("info@relayed.example",)),
    Kind("both", FRIEND, ("ann@example.com", "desk@relayed.example")),
    Kind("held", SHOP, ("ann@example.com", "bob@example.com")),
    Kind("list", FRIEND, ("team@example.com",)),
    Kind("spam", CLUB, ("ann@example.com",), GTUBE),
    Kind("nobody", FRIEND, ("nobody@relayed.invalid",)),
)
MANNERS = (Manner.PATIENT, Manner.PATIENT, Manner.HASTY, Manner.IMPATIENT)
TARGETS = {"team@example.com": ("ann@example.com", "bob@example.com")}


def letters(count: int, chance: random.Random) -> list[Letter]:
    """So many letters of all kinds and manners, some of them large."""
    return [_letter(number, KINDS[number % len(KINDS)], chance) for number in range(count)]


def _letter(number: int, kind: Kind, chance: random.Random) -> Letter:
    client_ip, helo, reverse_path = kind.client
    text = f"From: <{reverse_path}>\r\nTo: <{kind.forward_paths[0]}>\r\nSubject: Tea {number}\r\n\r\n".encode()
    padding = b"again and again\r\n" * chance.choice((0, 10, 100, 4_000))
    return Letter(
        f"{kind.name}-{number}",
        client_ip,
        helo,
        reverse_path,
        kind.forward_paths,
        text + kind.words + b"\r\n" + padding,
        chance.choice(MANNERS),
    )


@dataclass(slots=True)
class Trial:
    """One trial on a running service. `run`, then look at `violations` and `report`."""

    service: Service
    letters: list[Letter]
    connections: int
    seconds: float
    clients: Clients = field(init=False)
    ended: Counter[str] = field(default_factory=Counter)
    failed: Mapping[str, int] = field(default_factory=dict)
    swept: int = 0
    copies: Copies = field(default_factory=Counter)
    relay_attempts: dict[tuple[str, str], int] = field(default_factory=dict)
    _relay_rows: list[tuple[str, str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = random.Random(7)  # noqa: S311 - spreads attempts in time
        self.clients = Clients(self.service.proxy_port, self.letters, connections=self.connections, chance=chance)

    def run(self) -> None:
        """Send under trouble, then without, until everything is settled, and look for the copies."""
        self.service.set_policy(**POLICY)
        self.clients.start()
        self._make_trouble()
        assert self.clients.finish(2 * self.seconds), f"{self.clients.left} letters have no answer for good"
        self._settle()
        self._find_copies()

    def _make_trouble(self) -> None:
        """AWS fails from the start; a front end ends whenever another share of the letters is done.

        The last quarter of them meets a service that works again.
        """
        until = time.monotonic() + self.seconds
        with self.service.failing(faults=FAULTS):
            for at, (name, by) in enumerate(ENDS, 1):
                self._wait_for(0.75 * at / (len(ENDS) + 1), until)
                self._end_front_end(name, by)
                self.service.tell(functions=FAILING_FUNCTIONS if at % 2 else {})
            self._wait_for(0.75, until)
        self.failed = self.service.tell()

    def _wait_for(self, share: float, until: float) -> None:
        """Wait until a share of the letters has its answer for good."""
        eventually(lambda: self.clients.left <= len(self.letters) * (1 - share), until - time.monotonic())

    def _end_front_end(self, name: str, by: signal.Signals) -> None:
        before = self.service.front_end(name)
        self.service.end_front_end(name, by)
        self.ended[by.name] += 1
        assert eventually(lambda: self.service.front_end(name) != before, 60)

    def _settle(self) -> None:
        """Until nothing is left to do; what trouble has left behind is due sooner than after its two minutes."""
        until = time.monotonic() + SETTLE_SECONDS
        while (due := self._quiet()) and time.monotonic() < until:
            self.swept += len(due)
            self.service.make_due()
            self.service.sweep()
        assert not self.service.due(), "some accepted mail is neither delivered nor relayed"

    def _quiet(self) -> list[dict[str, object]]:
        """What is due once stream and relay workers have nothing more to do on their own."""
        due = self.service.due()
        while due:
            time.sleep(QUIET_SECONDS)
            before, due = due, self.service.due()
            if due == before:
                return due
        return due

    # --- looking ------------------------------------------------------------------------------------------

    def _find_copies(self) -> None:
        rows = [row for row in self.service.rows("OutboxTable") if row["part"] != "commit"]
        self._relay_rows = [(str(row["id"]), str(row["part"]), int(row.get("attempts", 0))) for row in rows]
        for row in self.service.rows("MailboxesTable"):
            if str(row["item"]).startswith("uid#"):
                self._found(self.service.read(row["key"]), str(row["mailbox"]).partition("/")[0], MAILBOX)
        for row in self.service.rows("QuarantineTable"):
            self._found(self.service.read(row["key"]), str(row["mailbox"]), QUARANTINE)
        for content in self.service.relayed():
            for address in _RELAYED_TO.findall(content):
                mark = self._found(content, address.decode(), RELAY)
                self._count_attempts(content, mark, address.decode())

    def _found(self, content: bytes, address: str, place: str) -> str:
        """Count a copy; the mark of its letter."""
        found = _MARK.search(content)
        assert found is not None, content[:500]
        mark = found["mark"].decode()
        self.copies[mark, address, place] += 1
        return mark

    def _count_attempts(self, content: bytes, mark: str, address: str) -> None:
        """How often the rows of a relayed copy were tried; its trace field names the transaction."""
        for transaction_id, part, attempts in self._relay_rows:
            if part == address and transaction_id.encode() in content:
                self.relay_attempts[mark, address] = attempts

    # --- what must hold -----------------------------------------------------------------------------------

    def violations(self) -> Iterator[str]:
        """Every message that was lost, doubled, or delivered although it was refused."""
        for letter in self.letters:
            for address in recipients(letter):
                count = self.copies_of(letter, address)
                if count not in ALLOWED[letter.fate] and not self._is_relayed_again(letter, address, count):
                    yield f"{letter.mark} for {address}: {letter.fate}, {count} copies; replies {letter.replies}"

    def copies_of(self, letter: Letter, address: str) -> int:
        """How many copies of a letter a recipient has, wherever."""
        return sum(self.copies[letter.mark, address, place] for place in (MAILBOX, QUARANTINE, RELAY))

    def _is_relayed_again(self, letter: Letter, address: str, count: int) -> bool:
        """Whether the target was tried more than once, and has no more copies than there were attempts."""
        attempts = self.relay_attempts.get((letter.mark, address), 1)
        return letter.fate is not Fate.REFUSED and attempts > 1 and 1 <= count <= attempts

    @property
    def relayed_again(self) -> int:
        """Copies that the relay target has more than once."""
        return sum(count > 1 for (_, _, place), count in self.copies.items() if place == RELAY)

    def report(self) -> str:
        """The counts."""
        fates = Counter(letter.fate.value for letter in self.letters)
        wanted = sum(len(recipients(one)) for one in self.letters if one.fate is Fate.ACCEPTED)
        places = Counter[str]()
        for (_, _, place), count in self.copies.items():
            places[place] += count
        return "\n".join(
            (
                f"letters {len(self.letters)}, attempts {sum(one.attempts for one in self.letters)}: {_words(fates)}",
                f"outcomes of attempts: {_words(self.clients.ledger.codes)}",
                f"front ends ended: {_words(self.ended)}; failed on purpose in functions: {_words(self.failed)}",
                f"copies to find {wanted}, found {places.total()}: {_words(places)}",
                f"brought on by the sweeper or a second lease {self.swept}, relayed again {self.relayed_again}",
            )
        )


ALLOWED = {Fate.ACCEPTED: (1,), Fate.REFUSED: (0,), Fate.UNKNOWN: (0, 1)}


def recipients(letter: Letter) -> list[str]:
    """The addresses that copies go to."""
    return [target for path in letter.forward_paths for target in TARGETS.get(path, (path,))]


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
