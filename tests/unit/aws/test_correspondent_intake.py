"""Whom an account has written to is known on delivery; whom a program or a machine wrote to is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postern.given_effects import GivenCorrespondents
from postern.model import Direction, Recipient, Route
from postern.policy_compiler import Snapshot
from postern.ports import Unavailable
from postern_aws.correspondent_intake import CorrespondentIntake
from postern_aws.outbox import Commit, CommitState
from tests.transactions import RECEIVED_AT, make_transaction
from tests.unit.aws.commits import decision

ANN, STRANGER, NEIGHBOUR = "ann@receiver.example", "Carol@Elsewhere.example", "bob@receiver.example"
RAW = b"From: ann@receiver.example\r\nTo: carol@elsewhere.example\r\n\r\nHello\r\n"
RECIPIENTS = (Recipient(STRANGER, STRANGER, Route.REMOTE), Recipient(NEIGHBOUR, NEIGHBOUR))


@dataclass
class Given:
    """A snapshot that lies in memory."""

    scopes: Mapping[str, Any]

    def current(self) -> Snapshot:
        """It."""
        return Snapshot(version="1", scopes=self.scopes)


class Broken(Given):
    """A snapshot that cannot be read."""

    def current(self) -> Snapshot:
        """Nothing."""
        raise Unavailable("no snapshot")


def commit(account: str | None = ANN, direction: Direction = Direction.OUTBOUND) -> Commit:
    sent = make_transaction(mail_from=ANN, authenticated_as=account, recipients=RECIPIENTS)
    sent = replace(sent, direction=direction)
    return Commit("mark", CommitState.COMMITTED, sent, decision(sent), datetime.now(UTC))


def taken(one: Commit, raw: bytes = RAW, snapshots: Given | None = None) -> tuple[GivenCorrespondents, list[str]]:
    known, told = GivenCorrespondents(), list[str]()
    CorrespondentIntake(known, snapshots or Given({}), lambda name, why: told.append(f"{name}: {why}")).take(one, raw)
    return known, told


def test_whom_an_account_wrote_to_elsewhere_is_known_to_it_alone() -> None:
    known, _ = taken(commit())
    ((pair, found),) = known.pairs.items()
    assert pair == (ANN, "carol@elsewhere.example")
    assert found.expires_at == RECEIVED_AT + timedelta(days=180)


@pytest.mark.parametrize(
    ("one", "raw", "policy"),
    [
        (commit(account=None), RAW, {}),
        (commit(direction=Direction.INBOUND), RAW, {}),
        (commit(), b"Auto-Submitted: auto-replied\r\n" + RAW, {}),
        (commit(), RAW, {"mode": "off"}),
    ],
)
def test_others_teach_nothing(one: Commit, raw: bytes, policy: dict[str, Any]) -> None:
    known, told = taken(one, raw, Given({"global": {"correspondents": policy}}))
    assert known.pairs == {}
    assert told == []


def test_trouble_is_told_and_not_raised() -> None:
    assert taken(commit(), snapshots=Broken({}))[1] == ["test-1: no snapshot"]
