"""Dynamic screening: from what front ends report of a client to bans, and to the events that people are told.

One module for all protocols and all front ends. A front end gathers what it sees into reports; each is one atomic
addition, and its totals decide. Events come to exactly one of the front ends that report at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from postern.session import subjects
from postern.session.bans import Ban, BanReason, next_ban_time, weightiest
from postern.session.counters import (
    Counter,
    CounterKind,
    MailProtocol,
    Totals,
    Word,
    excess,
    window,
)
from postern.session.screening_policy import ScreeningPolicy
from postern.session.store import ScreeningStore
from postern.session.subjects import Subject, SubjectKind

_ROUNDS = 3


class EventKind(StrEnum):
    """What people are told."""

    BANNED = "client_banned"
    NETWORK_BANNED = "network_banned"
    ACCOUNT_BANNED = "account_banned"
    ACCOUNT_FAILURES = "account_failures"
    BAN_ENDED = "ban_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a front end saw of one subject since its last report.

    `client_ip` is the client's in all of them: an account's failures name the client that brought the last one.
    """

    counter: Counter
    words: Mapping[str, int]
    protocol: str = ""
    client_ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, once. `ban` is what was made or is over, when the event is about one."""

    kind: EventKind
    at: datetime
    subject: Subject
    count: int
    protocol: str = ""
    client_ip: str = ""
    account: str = ""
    ban: Ban | None = None


@dataclass(frozen=True, slots=True)
class Screener:
    """Screening over a store. Every method blocks and raises `Unavailable`."""

    store: ScreeningStore

    def ban_of(self, whom: tuple[Subject, ...], now: datetime) -> Ban | None:
        """The ban that shuts out one of these subjects now."""
        return weightiest(self.store.bans(whom), now)

    def record(self, report: Report, now: datetime, policy: ScreeningPolicy) -> tuple[Event, ...]:
        """Count what was reported; what follows from it."""
        kind = report.counter.kind
        totals = self.store.add(report.counter, report.words, now, window(kind, policy))
        if kind is CounterKind.ACCOUNT_FAILURES:
            return self._account_failed(report, totals, now, policy)
        too_much = excess(report.counter, totals, policy)
        if too_much is None or self._is_excused(report.counter, now, policy):
            return ()
        return self._ban(report, too_much, now, policy)

    def logged_in(self, account: Subject) -> None:
        """A login succeeded: the account's failures are in a row no more. Costs a write only when there were any."""
        self.store.clear(Counter(account, CounterKind.ACCOUNT_FAILURES))

    def may_tell(self, event: Event, now: datetime, policy: ScreeningPolicy) -> tuple[bool, bool]:
        """Whether to tell the event, and whether to say that further ones of its kind will not be told for a while."""
        counter = Counter(subjects.SITE, CounterKind.NOTICES, event.kind.value)
        told = sum(self.store.add(counter, {event.kind.value: 1}, now, window(counter.kind, policy)).values())
        return told <= policy.notices_per_hour, told == policy.notices_per_hour

    def is_over(self, ban: Ban, now: datetime) -> bool:
        """Whether this very ban has come to its end by itself."""
        return not ban.is_in_force(now) and ban in self.store.bans((ban.subject,))

    # --- what follows ---------------------------------------------------------------------------------

    def _is_excused(self, counter: Counter, now: datetime, policy: ScreeningPolicy) -> bool:
        """Who logged in may connect often; a network whose mail is proven is not banned for some of its addresses."""
        match counter.kind:
            case CounterKind.CONNECTIONS:
                proof = Counter(counter.subject, CounterKind.LOGINS)
            case CounterKind.BANNED_ADDRESSES:
                proof = Counter(counter.subject, CounterKind.SPF_PASSES)
            case _:
                return False
        return bool(self.store.totals(proof, now, window(proof.kind, policy)))

    def _ban(
        self, report: Report, too_much: tuple[BanReason, int], now: datetime, policy: ScreeningPolicy
    ) -> tuple[Event, ...]:
        reason, count = too_much
        subject = report.counter.subject
        ban = self._impose(
            Ban(
                subject=subject,
                since=now.replace(microsecond=0),
                until=None,
                reason=reason,
                count=count,
                protocol=report.protocol,
            ),
            policy,
        )
        if ban is None:
            return ()
        event = Event(
            kind=_BANNED[subject.kind],
            at=now,
            subject=subject,
            count=count,
            protocol=report.protocol,
            client_ip=report.client_ip,
            account=subject.name if subject.kind is SubjectKind.ACCOUNT else "",
            ban=ban,
        )
        return (event, *self._count_neighbour(report, now, policy))

    def _impose(self, wanted: Ban, policy: ScreeningPolicy) -> Ban | None:
        """The ban as it was made; `None` when there is one already, or somebody else made one just now."""
        for _ in range(_ROUNDS):
            known = next(iter(self.store.bans((wanted.subject,))), None)
            if known is not None and known.is_in_force(wanted.since):
                return None
            lasts, repeats = next_ban_time(known, wanted.since, policy)
            until = wanted.since + lasts
            ban = replace(wanted, until=until, repeats=repeats)
            if self.store.impose(ban, known, until + policy.forget_after):
                return ban
        return None

    def _count_neighbour(self, report: Report, now: datetime, policy: ScreeningPolicy) -> tuple[Event, ...]:
        subject = report.counter.subject
        if subject.kind is not SubjectKind.ADDRESS or not policy.neighbours:
            return ()
        counter = Counter(subjects.network(subject.name), CounterKind.BANNED_ADDRESSES)
        return self.record(replace(report, counter=counter, words={subject.name: 1}), now, policy)

    def _account_failed(
        self, report: Report, totals: Totals, now: datetime, policy: ScreeningPolicy
    ) -> tuple[Event, ...]:
        tried = len(totals)
        # A word that was counted as often as we have just counted it is new: its addition was atomic.
        new = sum(totals.get(word) == number for word, number in report.words.items())
        if not tried - new < policy.account_failures <= tried:
            return ()
        subject = report.counter.subject
        told = Event(
            kind=EventKind.ACCOUNT_FAILURES,
            at=now,
            subject=subject,
            count=tried,
            protocol=report.protocol,
            client_ip=report.client_ip,
            account=subject.name,
        )
        banned = self._ban(report, (BanReason.FAILED_LOGINS, tried), now, policy) if policy.ban_account else ()
        return (told, *banned)


_BANNED = {
    SubjectKind.ADDRESS: EventKind.BANNED,
    SubjectKind.NETWORK: EventKind.NETWORK_BANNED,
    SubjectKind.ACCOUNT: EventKind.ACCOUNT_BANNED,
}


def connections_report(client_ip: str, protocol: MailProtocol, number: int) -> Report:
    """So many connections of a client."""
    counter = Counter(subjects.address(client_ip), CounterKind.CONNECTIONS, protocol.value)
    return Report(counter=counter, words={Word.TAKEN: number}, protocol=protocol.value, client_ip=client_ip)


def recipients_report(client_ip: str, *, known: int = 0, unknown: int = 0, session: bool = False) -> Report:
    """So many recipients that a client gave; `session` when a session was ended for those that are unknown."""
    counter = Counter(subjects.address(client_ip), CounterKind.RECIPIENTS, MailProtocol.SMTP.value)
    words = {Word.KNOWN: known, Word.UNKNOWN: unknown, Word.SESSION: int(session)}
    given = {word.value: number for word, number in words.items() if number}
    return Report(counter=counter, words=given, protocol=MailProtocol.SMTP.value, client_ip=client_ip)


def failed_login_reports(
    client_ip: str | None, protocol: MailProtocol, account: str, wrong_password: str
) -> tuple[Report, ...]:
    """One failed login, of the client (unless it is `None`) and of the account.

    `wrong_password` is a keyed digest: the same password makes the same one, and nobody can tell which.
    """
    counters = [Counter(subjects.account(account), CounterKind.ACCOUNT_FAILURES)]
    if client_ip is not None:
        counters.append(Counter(subjects.address(client_ip), CounterKind.FAILED_LOGINS, protocol.value))
    return tuple(
        Report(counter=counter, words={wrong_password: 1}, protocol=protocol.value, client_ip=client_ip or "")
        for counter in counters
    )


def login_report(client_ip: str, protocol: MailProtocol) -> Report:
    """A login that succeeded."""
    counter = Counter(subjects.address(client_ip), CounterKind.LOGINS)
    return Report(counter=counter, words={Word.PASSED: 1}, protocol=protocol.value, client_ip=client_ip)


def spf_pass_report(client_ip: str) -> Report:
    """A client's mail passed SPF and was accepted."""
    counter = Counter(subjects.network(client_ip), CounterKind.SPF_PASSES)
    return Report(counter=counter, words={Word.PASSED: 1}, protocol=MailProtocol.SMTP.value, client_ip=client_ip)


def session_limit_passed(unknown: int, policy: ScreeningPolicy) -> bool:
    """Whether a session has given too many unknown recipients."""
    return unknown > policy.unknown_in_session
