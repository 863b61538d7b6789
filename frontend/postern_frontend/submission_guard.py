"""How much an account may send, as the sessions of one front end ask it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from postern import replies
from postern.correspondents import known_as
from postern.model import Transaction
from postern.ports import Correspondents, Unavailable
from postern.replies import Reply
from postern.session.hijack import Outcome, SendingWatch, Verdict
from postern.session.hijack_evidence import network_of
from postern.session.hijack_policy import HijackPolicy
from postern.session.usage import Attempt
from postern_frontend.pools import Runner
from postern_frontend.screening.recently import Recently
from postern_frontend.sending_alarms import SendingAlarms

LOOK_FROM = 0.5
"""The share of its limits from which an account's recipients are looked up: before that nobody needs to know."""

MAX_LOOKED_AT = 100
LIMITED_FOR = 10.0
"""Seconds for which an account that is limited is put off without asking again."""

MAX_REMEMBERED = 10_000
_REPLIES = {
    Outcome.ADMITTED: None,
    Outcome.LIMITED: replies.ACCOUNT_LIMITED,
    Outcome.FROZEN: replies.ACCOUNT_FROZEN,
}


class SubmissionGuard(Protocol):
    """Asked for every message of an account; says nothing of messages that nobody logged in for."""

    def refusal(self, account: str, logged_in_at: float) -> Reply | None:
        """Why an account that logged in at this time of the loop may not begin a message; never blocks."""
        ...

    async def take(self, transaction: Transaction) -> Reply | None:
        """Count a message that is about to be accepted; why it must not be. Raises `Unavailable`."""
        ...

    async def settled(self, transaction: Transaction, reply: Reply) -> None:
        """A message that was taken got this reply; never raises `Unavailable`."""
        ...


class NoGuard:
    """Accounts may send what they like. Implements `SubmissionGuard`."""

    def refusal(self, account: str, logged_in_at: float) -> Reply | None:
        """Never."""
        del account, logged_in_at
        return None

    async def take(self, transaction: Transaction) -> Reply | None:
        """Always."""
        del transaction
        return None

    async def settled(self, transaction: Transaction, reply: Reply) -> None:
        """Nothing was counted."""
        del transaction, reply


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardEffects:
    """What the guard asks of the world."""

    watch: SendingWatch
    policy: Callable[[], HijackPolicy]
    alarms: SendingAlarms
    run: Runner
    correspondents: Correspondents | None = None


class SendingGuard:
    """Implements `SubmissionGuard` over a store that all front ends share."""

    def __init__(self, effects: GuardEffects) -> None:
        self._effects = effects
        self._recently = Recently()
        self._shares: dict[str, float] = {}
        self._refused: dict[str, tuple[float, Reply]] = {}

    # --- for sessions ---------------------------------------------------------------------------------

    def refusal(self, account: str, logged_in_at: float) -> Reply | None:
        """See `SubmissionGuard`. Who could log in since is frozen no more."""
        refused_at, reply = self._refused.get(account, (0.0, None))
        if reply is replies.ACCOUNT_FROZEN:
            return reply if logged_in_at <= refused_at else None
        return reply if _now() < refused_at + LIMITED_FOR else None

    async def take(self, transaction: Transaction) -> Reply | None:
        """See `SubmissionGuard`."""
        account = _account_of(transaction)
        if not account:
            return None
        policy = self._effects.policy()
        verdict = await self._effects.run(lambda: self._take(account, transaction, policy))
        self._remember(account, verdict)
        if verdict.alarm is not None:
            self._effects.alarms.sound(verdict.alarm, policy)
        return _REPLIES[verdict.outcome]

    async def settled(self, transaction: Transaction, reply: Reply) -> None:
        """See `SubmissionGuard`."""
        account = _account_of(transaction)
        if not account:
            return
        with contextlib.suppress(Unavailable):
            if reply.is_temporary:
                attempt, policy = _attempt(account, transaction), self._effects.policy()
                await self._effects.run(lambda: self._effects.watch.give_back(attempt, transaction.received_at, policy))
            elif reply.is_positive:
                await self._note_network(account, transaction)

    # --- inside ---------------------------------------------------------------------------------------

    def _take(self, account: str, transaction: Transaction, policy: HijackPolicy) -> Verdict:
        """Blocking."""
        looked_at, unseen = self._strangers(account, transaction)
        attempt = replace(_attempt(account, transaction), looked_at=looked_at, unseen=unseen)
        return self._effects.watch.take(attempt, transaction.received_at, policy)

    def _strangers(self, account: str, transaction: Transaction) -> tuple[int, int]:
        """How many recipients were looked up, and to how many of them the account had never written. Blocking."""
        correspondents = self._effects.correspondents
        if correspondents is None or self._shares.get(account, 0.0) < LOOK_FROM:
            return 0, 0
        addresses = {known_as(one.forward_path) for one in transaction.recipients[:MAX_LOOKED_AT]} - {""}
        try:
            known = correspondents.known([account], addresses, transaction.received_at)
        except Unavailable:
            return 0, 0
        return len(addresses), len(addresses) - len({one.address for one in known})

    def _remember(self, account: str, verdict: Verdict) -> None:
        for memory in (self._shares, self._refused):
            memory.pop(account, None)
            while len(memory) >= MAX_REMEMBERED:
                del memory[next(iter(memory))]
        self._shares[account] = verdict.share
        reply = _REPLIES[verdict.outcome]
        if reply is not None:
            self._refused[account] = (_now(), reply)

    async def _note_network(self, account: str, transaction: Transaction) -> None:
        network, now = network_of(transaction.client_ip or ""), transaction.received_at
        if network and not self._recently.has(f"{account} {network}", now, timedelta(days=1)):
            await self._effects.run(lambda: self._effects.watch.store.note_network(account, network, now))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _account_of(transaction: Transaction) -> str:
    return (transaction.session.authenticated_as or "") if transaction.session else ""


def _attempt(account: str, transaction: Transaction) -> Attempt:
    return Attempt(
        account=account,
        transaction_id=transaction.transaction_id,
        recipients=len(transaction.recipients),
        client_ip=transaction.client_ip or "",
    )
