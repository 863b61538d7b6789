"""What greylisting would do to real mail: shares of ham that waits and of spam that is stopped, per mode.

    python -m bench.greylisting                  ../shared/corpora/spamassassin-dev.tar.gz
    python -m bench.greylisting MESSAGES.tar.gz  members whose path holds ham/ or spam/

Messages are replayed in the order of their dates, each from the last host outside that its Received fields tell, with
the score of the rules. Ham comes back after 20 minutes; spam does not. That is the assumption greylisting rests on, and
the share of spam that is stopped falls with every sender that does come back. Old mail is not authenticated, so the
share is given for three worlds: nobody authenticates, senders of ham do, and everybody does.
"""

from __future__ import annotations

import argparse
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from postern.checks import greylisting
from postern.checks.greylisting import Applies, GreylistingPolicy
from postern.contract import Required
from postern.evidence import SpfEvidence, SpfIdentity
from postern.greylist.memory import MemoryGreylist
from postern.message import Message, parse_message
from postern.mime.dates import parse_date
from postern.model import CheckResult, Disposition, RecipientDecision, ResultWord, Transaction
from postern.networks import is_internal, known_address
from postern.policy_book import PolicyBook
from postern.received_hop import read_hop
from postern_cli.scan.case import ScanCase
from postern_cli.scan.judging import UnaskedResolver, judge_case

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpora" / "spamassassin-dev.tar.gz"
MAILBOX = "ann@receiver.example"
RETURNS_AFTER = timedelta(minutes=20)
EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
MAX_HOPS = 10
WORLDS = {"nobody": (False, False), "ham only": (True, False), "everybody": (True, True)}
"""Who authenticates: whether ham passes SPF, whether spam does."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One message, the transaction it may have come by, and where it stands before greylisting."""

    is_spam: bool
    transaction: Transaction
    standing: RecipientDecision


@dataclass(slots=True)
class Shares:
    """What became of the messages of one kind."""

    messages: int = 0
    deferred: int = 0
    inbox: int = 0
    inbox_deferred: int = 0

    def add(self, one: Replayed, *, waited: bool) -> None:
        """Count a message."""
        reaches_inbox = one.standing.disposition is Disposition.ACCEPT
        self.messages += 1
        self.deferred += waited
        self.inbox += reaches_inbox
        self.inbox_deferred += waited and reaches_inbox


def read_corpus(archive: Path) -> Iterator[tuple[bool, bytes]]:
    """Whether each message is spam, and its octets."""
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None and ("ham/" in member.name or "spam/" in member.name):
                yield "ham/" not in member.name, content.read()


def replayed(is_spam: bool, raw: bytes) -> Replayed | None:
    """The message with its transaction; `None` when no host outside handed it over."""
    message = parse_message(raw)
    client_ip = handed_over_by(message)
    if client_ip is None:
        return None
    case = ScanCase(
        raw,
        client_ip=client_ip,
        mail_from=reverse_path(message),
        rcpt_to=(MAILBOX,),
        now=max(parse_date(message.value("date")) or EARLIEST, EARLIEST),
    )
    verdict = judge_case(case, PolicyBook(), UnaskedResolver())
    return Replayed(is_spam, verdict.transaction, verdict.first)


def handed_over_by(message: Message) -> str | None:
    """The last client outside, as the Received fields of the receiving side tell it."""
    for field in message.fields("received")[:MAX_HOPS]:
        hop = read_hop(field.unfolded)
        address = known_address(hop.client_ip) if hop else None
        if address is not None and not is_internal(address):
            return str(address)
    return None


def reverse_path(message: Message) -> str:
    """The reverse-path that delivery wrote down; empty for the null one and for none."""
    return message.value("return-path").strip().strip("<>")


def simulate(messages: Iterable[Replayed], applies_to: Applies, world: tuple[bool, bool]) -> dict[bool, Shares]:
    """The shares by whether it is spam."""
    greylist, policy = MemoryGreylist(), GreylistingPolicy(applies_to=applies_to)
    shares = {False: Shares(), True: Shares()}
    for one in messages:
        required = authenticated(one.transaction, passes=world[one.is_spam])
        waited = has_to_wait(one, policy, required, greylist)
        shares[one.is_spam].add(one, waited=waited)
        if waited and not one.is_spam:
            later = one.transaction.received_at + RETURNS_AFTER
            again = replace(one, transaction=replace(one.transaction, received_at=later))
            assert not has_to_wait(again, policy, required, greylist), "who comes back passes"
    return shares


def authenticated(transaction: Transaction, *, passes: bool) -> Required:
    """What SPF would have found."""
    word = ResultWord.PASS if passes else ResultWord.NONE
    domain = (transaction.reverse_path or "").rpartition("@")[2]
    results: dict[str, CheckResult[Any]] = {
        "spf": CheckResult("spf", word, evidence=SpfEvidence(SpfIdentity(domain, word))),
        "dkim": CheckResult("dkim", ResultWord.NONE),
    }
    return Required(results)


def has_to_wait(one: Replayed, policy: GreylistingPolicy, required: Required, greylist: MemoryGreylist) -> bool:
    """Whether this attempt is deferred."""
    result = greylisting.evaluate(
        one.transaction, policy=policy, required=required, standing=(one.standing,), greylist=greylist
    )
    return bool(result.proposals)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("messages", type=Path, nargs="?", default=CORPUS, help="a tar archive with ham/ and spam/")
    every = list(read_corpus(parser.parse_args().messages))
    known = [one for one in (replayed(is_spam, raw) for is_spam, raw in every) if one is not None]
    known.sort(key=lambda one: one.transaction.received_at)
    print(f"{len(every)} messages, {len(known)} of them from a host that their Received fields tell")
    print(f"{'mode':12}{'authenticates':15}{'ham waits':>12}{'spam waits':>12}{'inbox spam waits':>18}")
    for applies_to in Applies:
        for name, world in WORLDS.items():
            shares = simulate(known, applies_to, world)
            ham, spam = shares[False], shares[True]
            print(
                f"{applies_to:12}{name:15}{ham.deferred / ham.messages:12.1%}{spam.deferred / spam.messages:12.1%}"
                f"{spam.inbox_deferred / spam.inbox:18.1%}"
            )


if __name__ == "__main__":
    main()
