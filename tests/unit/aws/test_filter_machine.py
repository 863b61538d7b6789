"""The filter behind StartSyncExecution: only a decision is a decision."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from postern.exchange import Answer
from postern.model import Direction, Recipient, Transaction
from postern.policy_compiler import Snapshot
from postern.ports import Unavailable
from postern.wire import to_json
from postern_aws import clients
from postern_aws.filter_machine import MAX_THROTTLED_TRIES, EitherFilter, MachineFilter
from tests.sync_executions import add_route, create_machine
from tests.unit.aws.commits import decision, transaction

RECEIVED = replace(transaction(), deadline=datetime(2100, 1, 1, tzinfo=UTC))
MADE = decision(RECEIVED)
RESULT = {"check_id": "spf", "result": "pass"}


@pytest.fixture(autouse=True)
def _workflow(monkeypatch: pytest.MonkeyPatch, aws: object) -> None:
    # Resolving needs every check's section; this file is about the call, so the catalogue is empty here.
    monkeypatch.setattr("postern.policy_book.CHECKS", ())
    add_route(monkeypatch)


@dataclass
class Compiled:
    snapshot: Snapshot = field(default_factory=lambda: Snapshot("v7"))

    def current(self) -> Snapshot:
        return self.snapshot


@dataclass
class Kept:
    answers: list[tuple[str, Answer]] = field(default_factory=list)

    def keep(self, transaction: Transaction, answer: Answer) -> None:
        self.answers.append((transaction.transaction_id, answer))


def answering(output: object) -> MachineFilter:
    definition = {"StartAt": "answer", "States": {"answer": {"Type": "Pass", "Result": output, "End": True}}}
    return MachineFilter(clients.state_machine(), create_machine(json.dumps(definition)), Compiled())


def test_the_decision_and_its_results_come_back_and_the_receipt_is_kept() -> None:
    output = {"decision": to_json(MADE), "results": {"stage_1": {"spf": {"result": RESULT, "final": False}}}}
    kept = Kept()
    found = replace(answering(output), receipts=kept).decide(RECEIVED)
    assert found == MADE
    assert kept.answers == [("t1", Answer(MADE, {"spf": RESULT}))]


def test_the_machine_is_given_the_transaction_and_the_resolved_policy() -> None:
    echo = {"StartAt": "echo", "States": {"echo": {"Type": "Pass", "End": True}}}
    arn = create_machine(json.dumps(echo))
    asked = MachineFilter(clients.state_machine(), arn, Compiled())
    given = json.loads(asked._execute(RECEIVED, asked._input(RECEIVED))["output"])
    assert given["transaction"] == to_json(RECEIVED)
    assert given["policy"]["version"] == "v7"
    assert given["results"] == {}


def test_mail_is_decided_about_by_the_machine_of_its_direction() -> None:
    output = {"decision": to_json(MADE), "results": {}}
    incoming, outgoing = Kept(), Kept()
    one = EitherFilter(
        replace(answering(output), receipts=incoming),
        replace(answering({**output, "signing": {"signing": {"result": RESULT, "final": False}}}), receipts=outgoing),
    )
    one.decide(RECEIVED)
    one.decide(replace(RECEIVED, direction=Direction.OUTBOUND))
    assert [answer.results for _, answer in incoming.answers] == [{}]
    assert [answer.results for _, answer in outgoing.answers] == [{"signing": RESULT}]


def test_an_execution_that_failed_is_answered_200_and_is_no_decision() -> None:
    failing = {"StartAt": "f", "States": {"f": {"Type": "Fail", "Error": "Broken", "Cause": "secret"}}}
    machine = MachineFilter(clients.state_machine(), create_machine(json.dumps(failing)), Compiled())
    with pytest.raises(Unavailable, match="FAILED: Broken"):
        machine.decide(RECEIVED)


@pytest.mark.parametrize(
    "output",
    [{}, {"decision": None, "results": {}}, {"decision": {"nope": 1}, "results": {}}, [], "x", {"decision": {}}],
)
def test_an_answer_that_is_no_decision_is_unavailable(output: object) -> None:
    with pytest.raises(Unavailable):
        answering(output).decide(RECEIVED)


def test_an_answer_for_another_transaction_is_unavailable() -> None:
    output = {"decision": to_json(replace(MADE, transaction_id="t2")), "results": {}}
    with pytest.raises(Unavailable, match="another"):
        answering(output).decide(RECEIVED)


def test_a_machine_that_is_not_there_is_unavailable() -> None:
    arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:none"
    with pytest.raises(Unavailable):
        MachineFilter(clients.state_machine(), arn, Compiled()).decide(RECEIVED)


def test_an_input_too_large_for_a_machine_is_not_sent() -> None:
    many = tuple(Recipient(f"{n}@example.com", "x" * 60) for n in range(3_000))
    with pytest.raises(Unavailable, match="larger"):
        answering({}).decide(replace(RECEIVED, recipients=many))


class Troubled:
    """A client whose calls fail before they reach the machine."""

    def __init__(self, trouble: Exception, times: int) -> None:
        self.calls = 0
        self._trouble, self._times = trouble, times

    def start_sync_execution(self, **call: Any) -> Any:
        self.calls += 1
        if self.calls <= self._times:
            raise self._trouble
        return clients.state_machine().start_sync_execution(**call)


THROTTLED = ClientError({"Error": {"Code": "ThrottlingException"}}, "StartSyncExecution")


def troubled(trouble: Exception, times: int) -> tuple[MachineFilter, Troubled, list[float]]:
    pauses: list[float] = []
    output = {"decision": to_json(MADE), "results": {}}
    client = Troubled(trouble, times)
    return replace(answering(output), client=client, pause=pauses.append), client, pauses  # type: ignore[arg-type]


def test_a_throttled_call_is_made_again_with_growing_pauses() -> None:
    machine, client, pauses = troubled(THROTTLED, 3)
    assert machine.decide(RECEIVED) == MADE
    assert client.calls == 4
    assert 0.1 <= pauses[0] <= 0.2
    assert pauses[0] < pauses[2]


def test_throttling_does_not_go_on_for_ever() -> None:
    machine, client, _ = troubled(THROTTLED, 100)
    with pytest.raises(Unavailable, match="throttled"):
        machine.decide(RECEIVED)
    assert client.calls == MAX_THROTTLED_TRIES


def test_no_throttled_call_is_repeated_after_the_deadline() -> None:
    machine, client, _ = troubled(THROTTLED, 100)
    with pytest.raises(Unavailable):
        machine.decide(replace(RECEIVED, deadline=datetime.now(UTC) - timedelta(seconds=1)))
    assert client.calls == 1


def test_a_call_that_timed_out_is_never_made_twice() -> None:
    machine, client, _ = troubled(ReadTimeoutError(endpoint_url="https://states"), 1)
    with pytest.raises(Unavailable):
        machine.decide(RECEIVED)
    assert client.calls == 1


def test_the_client_itself_sends_a_call_once_and_waits_longer_than_the_machine_runs() -> None:
    config: Any = clients.state_machine().meta.config
    assert config.retries["total_max_attempts"] == 1
    assert config.read_timeout > 50
