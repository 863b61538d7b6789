"""What other servers refuse of an account's mail is counted as evidence, should it send too much."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from postern.delivery_status.request import Action
from postern.policy_compiler import Snapshot
from postern.ports import Unavailable
from postern.session.usage import Attempt
from postern_aws import clients
from postern_aws.relay_rows import RelayState
from postern_aws.sending import DynamoSending
from postern_frontend.relay.answer import Answer, Outcome
from postern_frontend.relay.reports import Told
from tests.unit.relay.relaying import MESSAGE, Relaying

ANN, VICTIM = "ann@example.com", "victim@remote.example"
HOUR = timedelta(hours=1)


def give_up(relaying: Relaying, transaction_id: str, account: str, *, broken: bool = False) -> RelayState:
    now = relaying.clock()
    sending = DynamoSending(clients.dynamodb(), "Screening")

    def note(refused: str) -> None:
        if broken:
            raise Unavailable("broken by a test")
        sending.note_refused(refused, 1, now, HOUR)

    copy = relaying.queue(transaction_id, VICTIM, account=account)
    told = Told(Action.FAILED, Answer(Outcome.REFUSED, "550 5.1.1 No such user", "mail.remote.example"), now + HOUR)
    return replace(relaying.stores, note_refused=note).give_up(copy, MESSAGE, told, Snapshot())


def refused(relaying: Relaying) -> int:
    attempt = Attempt(account=ANN, transaction_id="t", recipients=1)
    return DynamoSending(clients.dynamodb(), "Screening").add(attempt, relaying.clock(), HOUR).refused


def test_each_copy_of_an_account_that_is_refused_for_good_is_counted(relaying: Relaying) -> None:
    give_up(relaying, "t1", ANN)
    give_up(relaying, "t2", ANN)
    give_up(relaying, "t3", "")
    assert refused(relaying) == 2


@pytest.mark.parametrize("broken", [True, False])
def test_what_cannot_be_counted_is_finished_all_the_same(relaying: Relaying, broken: bool) -> None:
    state = give_up(relaying, "t1", ANN, broken=broken)
    assert relaying.row("t1", VICTIM)["state"] == state.value
