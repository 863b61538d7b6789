"""Asks for learning from mail whose score left no doubt, once it is settled: refused, or committed and delivered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from postern.bayes.requests import Label, LearnRequest
from postern.exchange import Answer
from postern.model import Decision, Transaction
from postern.ports import Unavailable
from postern_aws.learn_queue import LearnQueue

SOURCE = "auto"
REFUSED_FROM = 500


@dataclass(frozen=True, slots=True)
class AutoTeacher:
    """Sends requests to the learn queue. What cannot be sent is reported: a lesson lost is no reason to lose mail."""

    queue: LearnQueue
    report: Callable[[str, Exception], None]

    def keep(self, transaction: Transaction, answer: Answer) -> None:
        """Teach a refused message. Implements `filter_machine.ReceiptKeeper`."""
        if answer.decision.reply.code >= REFUSED_FROM:
            self.teach(transaction, answer.decision)

    def teach(self, transaction: Transaction, decision: Decision) -> None:
        """Teach a message as the decision says, if it does."""
        if not decision.learn_as:
            return
        taught_at = round(transaction.received_at.timestamp() * 1000)
        label = Label(decision.learn_as)
        request = LearnRequest(label, (transaction.message,), taught_at, SOURCE, automatic=True)
        try:
            self.queue.send([request])
        except Unavailable as trouble:
            self.report(transaction.transaction_id, trouble)
