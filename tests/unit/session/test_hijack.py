"""What follows when an account sends too much."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from postern.accounts import Account, Freeze, SendingLimits
from postern.session.hijack import Outcome, SendingWatch, Verdict, mode_for
from postern.session.hijack_policy import HijackMode, HijackPolicy
from postern.session.sending_memory import MemorySending
from postern.session.usage import MAX_OUTLIVED, Attempt

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
POLICY = HijackPolicy(messages=10, recipients=25)
ANN, POSTMASTER = "ann@example.com", "postmaster@example.com"


@dataclass
class Accounts:
    """Accounts as data. Implements `ports.AccountStore`."""

    known: dict[str, Account] = field(default_factory=lambda: {one: Account(one, "hash") for one in (ANN, POSTMASTER)})

    def account(self, address: str) -> Account | None:
        return self.known.get(address)

    def freeze(self, address: str, freeze: Freeze) -> bool:
        before = self.known[address]
        self.known[address] = replace(before, frozen=before.frozen or freeze)
        return before.frozen is None

    def thaw(self, address: str) -> bool:
        before = self.known[address]
        self.known[address] = replace(before, frozen=None)
        return before.frozen is not None

    def note_use(self, address: str, label: str, now: datetime) -> None:
        raise AssertionError((address, label, now))


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


@pytest.fixture
def watch(accounts: Accounts) -> SendingWatch:
    return SendingWatch(MemorySending(), accounts)


def attempt(number: int = 0, recipients: int = 1, account: str = ANN, client_ip: str = "203.0.113.9") -> Attempt:
    return Attempt(account=account, transaction_id=f"t{number}", recipients=recipients, client_ip=client_ip)


def send(
    watch: SendingWatch, number: int, policy: HijackPolicy = POLICY, *, recipients: int = 1, account: str = ANN
) -> list[Verdict]:
    return [watch.take(attempt(at, recipients, account), NOW, policy) for at in range(number)]


def outcomes(verdicts: list[Verdict]) -> list[Outcome]:
    return [one.outcome for one in verdicts]


def test_as_many_messages_as_allowed_are_admitted_and_the_next_one_freezes(
    watch: SendingWatch, accounts: Accounts
) -> None:
    verdicts = send(watch, 12)
    assert outcomes(verdicts) == [Outcome.ADMITTED] * 10 + [Outcome.FROZEN] * 2
    assert [one.alarm is not None for one in verdicts] == [False] * 10 + [True, False]
    assert accounts.known[ANN].frozen == Freeze(NOW, "11 messages to 11 recipients within 60 minutes")


def test_recipients_are_limited_like_messages(watch: SendingWatch) -> None:
    assert outcomes(send(watch, 4, recipients=8)) == [Outcome.ADMITTED] * 3 + [Outcome.FROZEN]


def test_the_alarm_says_what_happened(watch: SendingWatch) -> None:
    for number in range(10):
        watch.take(attempt(number, client_ip=f"203.0.113.{number % 3}"), NOW + number * timedelta(minutes=1), POLICY)
    alarm = watch.take(attempt(10), NOW + timedelta(minutes=10), POLICY).alarm
    assert alarm is not None
    assert (alarm.usage.messages, alarm.usage.recipients) == (11, 11)
    assert alarm.usage.first is not None
    assert (alarm.usage.first.transaction_id, alarm.usage.first.at) == ("t0", NOW)
    assert alarm.usage.last is not None
    assert alarm.usage.last.transaction_id == "t10"
    assert set(alarm.usage.clients) == {"203.0.113.0", "203.0.113.1", "203.0.113.2", "203.0.113.9"}


def test_limiting_puts_off_what_is_too_much_and_counts_only_what_was_taken(
    watch: SendingWatch, accounts: Accounts
) -> None:
    policy = replace(POLICY, mode=HijackMode.LIMIT)
    verdicts = send(watch, 30, policy)
    assert outcomes(verdicts) == [Outcome.ADMITTED] * 10 + [Outcome.LIMITED] * 20
    assert sum(one.alarm is not None for one in verdicts) == 1
    assert accounts.known[ANN].frozen is None
    later = NOW + timedelta(minutes=61)
    assert watch.take(attempt(), later, policy).outcome is Outcome.ADMITTED


def test_a_smaller_message_still_finds_room_when_a_larger_one_did_not(watch: SendingWatch) -> None:
    policy = replace(POLICY, mode=HijackMode.LIMIT)
    assert watch.take(attempt(1, 20), NOW, policy).outcome is Outcome.ADMITTED
    assert watch.take(attempt(2, 6), NOW, policy).outcome is Outcome.LIMITED
    assert watch.take(attempt(3, 5), NOW, policy).outcome is Outcome.ADMITTED


def test_observing_tells_once_and_refuses_nothing(watch: SendingWatch, accounts: Accounts) -> None:
    verdicts = send(watch, 30, replace(POLICY, mode=HijackMode.OBSERVE))
    assert outcomes(verdicts) == [Outcome.ADMITTED] * 30
    assert sum(one.alarm is not None for one in verdicts) == 1
    assert accounts.known[ANN].frozen is None


def test_off_counts_nothing_and_still_refuses_who_is_frozen(accounts: Accounts) -> None:
    store = MemorySending()
    watch = SendingWatch(store, accounts)
    off = replace(POLICY, mode=HijackMode.OFF)
    assert outcomes(send(watch, 30, off)) == [Outcome.ADMITTED] * 30
    assert store.rows == {}
    accounts.freeze(ANN, Freeze(NOW, "by hand"))
    assert watch.take(attempt(), NOW, off).outcome is Outcome.FROZEN


def test_the_postmaster_is_limited_and_told_of_but_never_frozen(watch: SendingWatch, accounts: Accounts) -> None:
    verdicts = send(watch, 12, account=POSTMASTER)
    assert outcomes(verdicts) == [Outcome.ADMITTED] * 10 + [Outcome.LIMITED] * 2
    assert [one.alarm is not None for one in verdicts] == [False] * 10 + [True, False]
    assert accounts.known[POSTMASTER].frozen is None


def test_an_account_has_its_own_limits(watch: SendingWatch, accounts: Accounts) -> None:
    accounts.known[ANN] = Account(ANN, limits=SendingLimits(messages=2))
    assert outcomes(send(watch, 3)) == [Outcome.ADMITTED] * 2 + [Outcome.FROZEN]
    accounts.known[POSTMASTER] = Account(POSTMASTER, limits=SendingLimits(messages=0, recipients=0))
    assert outcomes(send(watch, 1, account=POSTMASTER)) == [Outcome.LIMITED]


def test_who_keeps_within_the_limit_of_every_window_is_never_stopped(watch: SendingWatch) -> None:
    for number in range(200):
        at = NOW + number * timedelta(minutes=6)
        assert watch.take(attempt(number), at, POLICY).outcome is Outcome.ADMITTED


def test_a_message_that_was_put_off_by_us_counts_no_more(watch: SendingWatch) -> None:
    for _ in range(50):
        assert watch.take(attempt(), NOW, POLICY).outcome is Outcome.ADMITTED
        watch.give_back(attempt(), NOW, POLICY)


def test_an_account_that_is_no_more_may_not_send(watch: SendingWatch) -> None:
    assert watch.take(attempt(account="gone@example.com"), NOW, POLICY) == Verdict(Outcome.FROZEN)


def test_a_row_stays_small(accounts: Accounts) -> None:
    store = MemorySending()
    watch = SendingWatch(store, accounts)
    for number in range(3_000):
        client_ip = f"2001:db8:{number:x}::1"
        watch.take(attempt(number, client_ip=client_ip), NOW + number * timedelta(minutes=6), POLICY)
    assert len(store.rows[ANN]) < MAX_OUTLIVED + 80


@pytest.mark.parametrize("mode", list(HijackMode))
def test_only_freezing_is_not_for_the_postmaster(mode: HijackMode) -> None:
    policy = replace(POLICY, mode=mode)
    assert mode_for(Account(ANN), policy) is mode
    expected = HijackMode.LIMIT if mode is HijackMode.DISABLE else mode
    assert mode_for(Account(POSTMASTER), policy) is expected
