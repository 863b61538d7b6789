"""What is counted of a subject, in which window, and when it is too much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from postern.session.bans import BanReason
from postern.session.screening_policy import ScreeningPolicy
from postern.session.subjects import Subject

Totals = Mapping[str, int]


class MailProtocol(StrEnum):
    """What a client speaks; submission is SMTP."""

    SMTP = "smtp"
    IMAP = "imap"
    POP3 = "pop3"

    @property
    def label(self) -> str:
        """As people and logs write it."""
        return self.value.upper()


class CounterKind(StrEnum):
    """What is counted."""

    CONNECTIONS = "connections"
    RECIPIENTS = "recipients"
    FAILED_LOGINS = "failed_logins"
    LOGINS = "logins"
    BANNED_ADDRESSES = "banned_addresses"
    SPF_PASSES = "spf_passes"
    ACCOUNT_FAILURES = "failures"
    NOTICES = "notices"


class Word(StrEnum):
    """The words of counters that do not count names."""

    TAKEN = "taken"
    KNOWN = "known"
    UNKNOWN = "unknown"
    SESSION = "session"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter of a subject. `part` tells counters of a kind apart: a protocol, or an event."""

    subject: Subject
    kind: CounterKind
    part: str = ""

    @property
    def name(self) -> str:
        """Its name within the subject: `connections#smtp`."""
        return f"{self.kind.value}#{self.part}" if self.part else self.kind.value


def window(kind: CounterKind, policy: ScreeningPolicy) -> timedelta:
    """For how long what is counted counts."""
    match kind:
        case CounterKind.CONNECTIONS | CounterKind.LOGINS:
            return timedelta(minutes=policy.connection_minutes)
        case CounterKind.RECIPIENTS:
            return timedelta(minutes=policy.unknown_minutes)
        case CounterKind.FAILED_LOGINS:
            return timedelta(minutes=policy.failed_login_minutes)
        case CounterKind.BANNED_ADDRESSES:
            return timedelta(hours=policy.neighbour_hours)
        case CounterKind.SPF_PASSES:
            return timedelta(days=policy.proven_days)
        case CounterKind.ACCOUNT_FAILURES:
            return timedelta(hours=policy.account_hours)
        case CounterKind.NOTICES:
            return timedelta(hours=1)


def connection_limit(protocol: str, policy: ScreeningPolicy) -> int:
    """How many connections are not too many."""
    return policy.connections if protocol == MailProtocol.SMTP.value else policy.mailbox_connections


def excess(counter: Counter, totals: Totals, policy: ScreeningPolicy) -> tuple[BanReason, int] | None:
    """Why these totals ban their subject, and the count that does; `None` when they do not."""
    match counter.kind:
        case CounterKind.CONNECTIONS:
            made = sum(totals.values())
            return (BanReason.CONNECTIONS, made) if made > connection_limit(counter.part, policy) else None
        case CounterKind.RECIPIENTS:
            return _excess_of_unknown(totals, policy)
        case CounterKind.FAILED_LOGINS:
            # Each word is one wrong password: a client that repeats it is misconfigured, not guessing.
            tried = len(totals)
            return (BanReason.FAILED_LOGINS, tried) if tried >= policy.failed_logins else None
        case CounterKind.BANNED_ADDRESSES:
            banned = len(totals)
            return (BanReason.NEIGHBOURS, banned) if 0 < policy.neighbours <= banned else None
        case _:
            return None


def _excess_of_unknown(totals: Totals, policy: ScreeningPolicy) -> tuple[BanReason, int] | None:
    unknown, known = totals.get(Word.UNKNOWN, 0), totals.get(Word.KNOWN, 0)
    guessing = unknown >= policy.unknown_recipients and unknown > known
    # A session that was cut short for its unknown recipients says so itself.
    return (BanReason.UNKNOWN_RECIPIENTS, unknown) if guessing or totals.get(Word.SESSION) else None
