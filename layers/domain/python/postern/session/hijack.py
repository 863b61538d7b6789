"""Hijacked accounts: how much an account sends, and what follows when that is too much (DEFENCES §19).

Every message is counted before it is accepted, by one atomic addition whose answer holds the sum so far. Of any
number of front ends that count at the same time each sees another sum, so that no two of them take the last place:
what was accepted was counted before, and its sum was within the limit. Only what was *not* accepted is given back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from postern.accounts import Account, Freeze
from postern.ports import AccountStore
from postern.session.hijack_policy import HijackMode, HijackPolicy, Limits
from postern.session.usage import Attempt, Usage

POSTMASTER = "postmaster"


class Outcome(StrEnum):
    """What becomes of a message."""

    ADMITTED = "admitted"
    LIMITED = "limited"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An account sent too much. Exactly one front end gets it, once per freeze or window."""

    account: str
    at: datetime
    mode: HijackMode
    attempt: Attempt
    usage: Usage
    limits: Limits
    window: timedelta


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a message, how much of its limits the account has used, and the alarm when it is ours."""

    outcome: Outcome
    share: float = 0.0
    alarm: Alarm | None = None


class SendingStore(Protocol):
    """Counts what accounts send. Every method is one atomic step for all front ends; all raise `Unavailable`."""

    def add(self, attempt: Attempt, now: datetime, window: timedelta) -> Usage:
        """Count a message; what the account has sent within the window, this message included."""
        ...

    def give_back(self, attempt: Attempt, now: datetime, window: timedelta) -> None:
        """Count a message no more, which was counted at `now` and was not accepted."""
        ...

    def note_refused(self, account: str, number: int, now: datetime, window: timedelta) -> None:
        """Count copies that the servers of their recipients refused for good."""
        ...

    def claim_notice(self, account: str, now: datetime, quiet: timedelta) -> bool:
        """Whether to tell of this account: `True` for one of all callers within `quiet`."""
        ...

    def note_network(self, account: str, network: str, now: datetime) -> None:
        """Remember that an account is used from a network."""
        ...

    def networks(self, account: str) -> Mapping[str, datetime]:
        """From where an account was used, and when first."""
        ...

    def reset(self, account: str) -> None:
        """Begin to count anew."""
        ...


@dataclass(frozen=True, slots=True)
class SendingWatch:
    """Judges what accounts send. Every method blocks and raises `Unavailable`."""

    store: SendingStore
    accounts: AccountStore

    def take(self, attempt: Attempt, now: datetime, policy: HijackPolicy) -> Verdict:
        """Count a message that is about to be accepted; what becomes of it."""
        account = self.accounts.account(attempt.account)
        if account is None or account.frozen is not None:
            return Verdict(Outcome.FROZEN)
        if policy.mode is HijackMode.OFF:
            return Verdict(Outcome.ADMITTED)
        usage = self.store.add(attempt, now, policy.window)
        limits = policy.limits(account.limits)
        if usage.is_within(limits):
            return Verdict(Outcome.ADMITTED, usage.share_of(limits))
        alarm = Alarm(
            account=account.address,
            at=now,
            mode=mode_for(account, policy),
            attempt=attempt,
            usage=usage,
            limits=limits,
            window=policy.window,
        )
        return self._too_much(alarm)

    def give_back(self, attempt: Attempt, now: datetime, policy: HijackPolicy) -> None:
        """A message that was counted at `now` was put off after all."""
        if policy.mode is not HijackMode.OFF:
            self.store.give_back(attempt, now, policy.window)

    def _too_much(self, alarm: Alarm) -> Verdict:
        share = alarm.usage.share_of(alarm.limits)
        if alarm.mode is HijackMode.DISABLE:
            first = self.accounts.freeze(alarm.account, Freeze(alarm.at.replace(microsecond=0), reason(alarm)))
            return Verdict(Outcome.FROZEN, share, alarm if first else None)
        limited = alarm.mode is HijackMode.LIMIT
        if limited:
            self.store.give_back(alarm.attempt, alarm.at, alarm.window)
        told = self.store.claim_notice(alarm.account, alarm.at, alarm.window)
        return Verdict(Outcome.LIMITED if limited else Outcome.ADMITTED, share, alarm if told else None)


def mode_for(account: Account, policy: HijackPolicy) -> HijackMode:
    """What follows for an account: the postmaster's is limited where others are frozen."""
    never_frozen = account.address.partition("@")[0] == POSTMASTER
    return HijackMode.LIMIT if never_frozen and policy.mode is HijackMode.DISABLE else policy.mode


def reason(alarm: Alarm) -> str:
    """Why an account is frozen, for its row."""
    usage, minutes = alarm.usage, int(alarm.window.total_seconds() // 60)
    return f"{usage.messages} messages to {usage.recipients} recipients within {minutes} minutes"
