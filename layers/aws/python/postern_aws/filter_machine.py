"""The filter as a synchronous execution of the state machine.

StartSyncExecution answers 200 also when the execution failed, so its `status` decides. Whatever is not a decision is
`Unavailable`, and the sender keeps the message.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from postern.exchange import Answer, read_answer, workflow_input
from postern.model import Decision, Direction, Transaction
from postern.outgoing.resolution import policy_for
from postern.policy import PolicyError
from postern.policy_compiler import Snapshot
from postern.ports import Filter, Unavailable
from postern.wire import WireError, dumps
from postern_aws.clients import error_code, http_status

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

MAX_INPUT_OCTETS = 262_144
"""What a state machine takes as its input."""

THROTTLED = frozenset({"ThrottlingException", "TooManyRequestsException", "ExecutionLimitExceeded"})
MAX_THROTTLED_TRIES = 6
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 3.0


class Snapshots(Protocol):
    """Gives the current snapshot."""

    def current(self) -> Snapshot:
        """The snapshot; raises `Unavailable`."""
        ...


class ReceiptKeeper(Protocol):
    """Keeps how a decision came about."""

    def keep(self, transaction: Transaction, answer: Answer) -> None:
        """Keep the receipt of a decision. It must not raise: an explanation lost is no reason to lose mail."""
        ...


@dataclass(frozen=True, slots=True)
class EveryKeeper:
    """Several keepers as one."""

    keepers: tuple[ReceiptKeeper, ...]

    def keep(self, transaction: Transaction, answer: Answer) -> None:
        """Let each of them keep what it keeps."""
        for keeper in self.keepers:
            keeper.keep(transaction, answer)


@dataclass(frozen=True, slots=True)
class EitherFilter:
    """The filter of the direction in which a message goes. Implements `ports.Filter`."""

    inbound: Filter
    outbound: Filter

    def decide(self, transaction: Transaction) -> Decision:
        """The decision; raises `Unavailable`."""
        one = self.outbound if transaction.direction is Direction.OUTBOUND else self.inbound
        return one.decide(transaction)


@dataclass(frozen=True, slots=True)
class MachineFilter:
    """The deployed filter. Implements `ports.Filter`.

    `pause` sleeps for so many seconds between tries of a throttled call.
    """

    client: SFNClient
    state_machine_arn: str
    snapshots: Snapshots
    receipts: ReceiptKeeper | None = None
    pause: Callable[[float], None] = time.sleep

    def decide(self, transaction: Transaction) -> Decision:
        """The decision; raises `Unavailable`."""
        answer = self.ask(transaction)
        if self.receipts is not None:
            self.receipts.keep(transaction, answer)
        return answer.decision

    def ask(self, transaction: Transaction) -> Answer:
        """The decision together with every result; raises `Unavailable`."""
        execution = self._execute(transaction, self._input(transaction))
        if execution.get("status") != "SUCCEEDED":
            raise Unavailable(f"the filter ended as {execution.get('status')}: {execution.get('error', '')}")
        try:
            answer = read_answer(json.loads(execution["output"]))
        except (AttributeError, KeyError, TypeError, ValueError, WireError) as wrong:
            raise Unavailable("the filter's answer cannot be read") from wrong
        if answer.decision.transaction_id != transaction.transaction_id:
            raise Unavailable("the filter answered for another transaction")
        return answer

    def _input(self, transaction: Transaction) -> str:
        try:
            policy = policy_for(self.snapshots.current().book, transaction)
        except PolicyError as wrong:
            raise Unavailable("the policy cannot be resolved") from wrong
        text = dumps(workflow_input(transaction, policy))
        if len(text.encode("utf-8")) > MAX_INPUT_OCTETS:
            raise Unavailable("the filter's input is larger than a state machine takes")
        return text

    def _execute(self, transaction: Transaction, text: str) -> Any:
        """One execution; only a call that AWS says it did not take is made again."""
        for attempt in range(MAX_THROTTLED_TRIES):
            try:
                return self.client.start_sync_execution(
                    stateMachineArn=self.state_machine_arn, name=transaction.transaction_id, input=text
                )
            except (BotoCoreError, ClientError) as trouble:
                if not _was_throttled(trouble) or not _time_is_left(transaction):
                    raise Unavailable("the filter cannot be asked") from trouble
            self.pause(_pause_seconds(attempt))
        raise Unavailable("the filter is throttled")


def _was_throttled(trouble: Exception) -> bool:
    return error_code(trouble) in THROTTLED or http_status(trouble) == 429


def _time_is_left(transaction: Transaction) -> bool:
    return datetime.now(UTC) < transaction.deadline


def _pause_seconds(attempt: int) -> float:
    longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads callers in time, guards nothing
