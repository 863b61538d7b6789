"""From a complete message to its reply, with each effect failing in turn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import NoReturn, TypeVar

import pytest

from postern import replies
from postern.model import Direction, Envelope, Recipient, Route, Session
from postern.ports import OutcomeUnknown, Unavailable
from postern.replies import Reply
from postern_frontend.client_address import Client
from postern_frontend.pools import Runner
from postern_frontend.session_log import SessionLog
from postern_frontend.spool import Spool, SpoolBudget
from postern_frontend.transaction import Acceptance, Effects, FilterLimits, ReceivedMessage, fingerprint
from tests.dialogue.harness import Facts, Judge, Ledger, Shelf, run_directly

T = TypeVar("T")
LOG = SessionLog(logging.getLogger("test"), "session", Client("203.0.113.9"))
ANN = Recipient("ann@example.com", "ann@example.com")
BOB = Recipient("bob@example.com", "info@example.com")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postern_frontend.transaction.READ_BACK_PAUSES", (0.0, 0.0, 0.0))


class World:
    def __init__(self) -> None:
        self.shelf, self.judge, self.ledger = Shelf(), Judge(), Ledger()
        self.on_storage: Runner = run_directly
        self.on_filter: Runner = run_directly

    def settle(
        self,
        text: bytes = b"Subject: x\r\n\r\ntext\r\n",
        recipients: tuple[Recipient, ...] = (ANN,),
        *,
        trusted: bool = False,
    ) -> Reply:
        effects = Effects(
            messages=self.shelf,
            filter=self.judge,
            outbox=self.ledger,
            sites=Facts(),
            on_storage=self.on_storage,
            on_filter=self.on_filter,
        )
        spool = Spool(SpoolBudget(1 << 24))
        spool.write(text)
        session = Session("session", "203.0.113.9", "client.example.org", trusted=trusted)
        message = ReceivedMessage(session, Envelope("ben@example.org"), recipients, spool)
        try:
            return asyncio.run(Acceptance(effects, FilterLimits()).settle(message, LOG))
        finally:
            spool.close()


def raising(error: Exception) -> Callable[..., NoReturn]:
    def fail(*_: object) -> NoReturn:
        raise error

    return fail


def test_a_message_is_stored_decided_committed_and_then_accepted() -> None:
    world = World()
    reply = world.settle()
    transaction = world.ledger.transactions[0]
    assert reply == replies.accepted(transaction.transaction_id)
    assert world.shelf.messages == {transaction.transaction_id: b"Subject: x\r\n\r\ntext\r\n"}
    assert transaction.message.size == 20
    assert (transaction.deadline - transaction.received_at).total_seconds() == 50


@pytest.mark.parametrize(
    ("trusted", "recipients", "direction"),
    [
        (False, (ANN,), Direction.INBOUND),
        (True, (ANN,), Direction.INBOUND),
        (True, (Recipient("eve@far.example", "eve@far.example", Route.REMOTE),), Direction.OUTBOUND),
    ],
)
def test_a_trusted_client_that_only_reaches_others_sends_outgoing_mail(
    trusted: bool, recipients: tuple[Recipient, ...], direction: Direction
) -> None:
    world = World()
    world.settle(recipients=recipients, trusted=trusted)
    assert world.ledger.transactions[0].direction is direction


def test_a_refused_message_is_not_committed() -> None:
    world = World()
    world.judge.verdict = lambda _: replies.DMARC_FAILED
    assert world.settle() == replies.DMARC_FAILED
    assert world.ledger.committed == {}


def test_the_same_message_again_gets_the_first_reply_and_is_not_stored() -> None:
    world = World()
    first = world.settle()
    assert world.settle() == first
    assert len(world.shelf.messages) == len(world.judge.seen) == len(world.ledger.transactions) == 1
    assert world.settle(recipients=(ANN, BOB)) != first


def test_a_fingerprint_depends_on_everything_but_the_order_of_recipients() -> None:
    one = fingerprint(Envelope("a@b.example"), (ANN, BOB), "00")
    assert fingerprint(Envelope("a@b.example"), (BOB, ANN), "00") == one
    others = {
        fingerprint(Envelope(None), (ANN, BOB), "00"),
        fingerprint(Envelope("a@b.example"), (ANN,), "00"),
        fingerprint(Envelope("a@b.example"), (ANN, BOB), "01"),
    }
    assert one not in others
    assert len(others) == 3


def test_a_store_that_fails_defers() -> None:
    world = World()
    world.shelf.fault = raising(Unavailable())
    assert world.settle() == replies.LOCAL_TROUBLE
    assert world.judge.seen == []


def test_a_filter_that_fails_defers() -> None:
    world = World()
    world.judge.verdict = raising(Unavailable())
    assert world.settle() == replies.LOCAL_TROUBLE
    assert world.ledger.committed == {}


def test_a_commit_that_did_not_happen_defers() -> None:
    world = World()
    world.ledger.before = raising(Unavailable())
    assert world.settle() == replies.LOCAL_TROUBLE
    assert world.ledger.committed == {}


def test_an_unknown_commit_that_happened_is_accepted() -> None:
    world = World()
    world.ledger.after = raising(OutcomeUnknown())
    assert world.settle() == replies.accepted(world.ledger.transactions[0].transaction_id)


def test_an_unknown_commit_that_did_not_happen_defers() -> None:
    world = World()
    world.ledger.before = raising(OutcomeUnknown())
    assert world.settle() == replies.LOCAL_TROUBLE


def test_an_unknown_commit_that_cannot_be_read_back_defers(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.ledger.after = raising(OutcomeUnknown())
    monkeypatch.setattr(world.ledger, "is_committed", raising(Unavailable()))
    assert world.settle() == replies.LOCAL_TROUBLE
    monkeypatch.undo()
    assert world.settle() == replies.accepted(world.ledger.transactions[0].transaction_id)
    assert len(world.ledger.transactions) == 1


def test_a_commit_that_another_session_made_first_gives_its_reply() -> None:
    world = World()
    first = world.settle()
    world.ledger.find_duplicate = lambda *_: None  # type: ignore[method-assign] # as if asked too early
    assert world.settle() == first
    assert len(world.ledger.transactions) == 1


@pytest.mark.parametrize("pool", ["on_storage", "on_filter"])
def test_a_full_pool_defers(pool: str) -> None:
    async def full(work: Callable[[], T]) -> T:
        raise Unavailable("full")

    world = World()
    setattr(world, pool, full)
    assert world.settle() == replies.LOCAL_TROUBLE


def test_a_message_with_too_many_hops_is_refused() -> None:
    received = b"Received: from a by b; Sun, 22 Nov 2026 12:00:00 +0000\r\n"
    assert World().settle(received * 50 + b"\r\n").is_positive
    assert World().settle(received * 51 + b"\r\n") == replies.TOO_MANY_HOPS
    assert World().settle(b"\r\n" + received * 51).is_positive


def test_a_message_that_passed_here_too_often_is_refused() -> None:
    own = b"Received: from a.example\r\n\tby mx.example.com with ESMTP; Sun, 22 Nov 2026 12:00:00 +0000\r\n"
    assert World().settle(own * 5 + b"\r\n").is_positive
    assert World().settle(own * 6 + b"\r\n") == replies.MAIL_LOOP
    assert World().settle(own.replace(b"mx.", b"mx2.") * 6 + b"\r\n").is_positive


def test_an_alias_does_not_bring_a_copy_to_who_had_it() -> None:
    text = b"Delivered-To: bob@example.com\r\nSubject: x\r\n\r\n"
    assert World().settle(text, (BOB,)) == replies.MAIL_LOOP
    world = World()
    assert world.settle(text, (ANN, BOB)).is_positive
    assert world.ledger.transactions[0].recipients == (ANN,)


def test_who_is_named_directly_may_be_sent_the_same_again() -> None:
    text = b"Delivered-To: ann@example.com\r\n\r\n"
    tagged = Recipient("ann@example.com", "Ann+todo@example.com", detail="todo")
    assert World().settle(text, (ANN,)).is_positive
    assert World().settle(text, (tagged,)).is_positive


def test_a_header_section_without_end_is_refused() -> None:
    assert World().settle(b"X: y\r\n" * 180_000) == replies.HEADER_TOO_LARGE
    assert World().settle(b"X: y\r\n" * 1_000).is_positive
    assert World().settle(b"").is_positive
