"""What no measurement on one machine can tell: how much mail comes, what becomes of it, how fast AWS answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from postern_cli.cost.units import Besides, Fate

LATENCY_MS: Mapping[str, float] = MappingProxyType(
    {
        "s3.GetObject": 20,
        "s3.PutObject": 35,
        "dynamodb.GetItem": 5,
        "dynamodb.BatchGetItem": 6,
        "dynamodb.PutItem": 7,
        "dynamodb.UpdateItem": 7,
        "dynamodb.TransactWriteItems": 15,
        "sqs.SendMessage": 10,
        "sns.Publish": 20,
    }
)
OTHER_LATENCY_MS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Each can be set on the command line. Shares are parts of 1; `message_kb` of `None` is the measured size.

    `processor` says how much slower a processor of Lambda is than the one that was measured on; `dns_ms` is one
    question to the DNS; `request_cpu_ms` is what boto3 computes for one request to AWS, and `step_ms` what the
    workflow adds to each stage.
    """

    messages_per_month: float = 1_000_000
    outgoing_per_month: float = 0.0
    learnt_per_month: float = 0.0
    accepted_share: float = 0.6
    early_share: float = 0.0
    greylisted_share: float = 0.1
    message_kb: float | None = None
    processor: float = 1.3
    dns_ms: float = 20.0
    request_cpu_ms: float = 1.5
    step_ms: float = 25.0
    cold_share: float = 0.005
    cold_ms: float = 700.0
    tasks: int = 2
    latency_ms: Mapping[str, float] = field(default_factory=lambda: LATENCY_MS)

    def besides(self) -> dict[Besides, float]:
        """How many messages a month are sent, and learnt."""
        return {Besides.OUTGOING: self.outgoing_per_month, Besides.LEARNT: self.learnt_per_month}

    def shares(self) -> dict[Fate, float]:
        """How many of all incoming messages meet each fate."""
        accepted = min(1.0, max(0.0, self.accepted_share))
        early = min(1.0 - accepted, max(0.0, self.early_share))
        waiting = min(1.0 - accepted - early, max(0.0, self.greylisted_share))
        return {
            Fate.ACCEPTED: accepted,
            Fate.REFUSED: 1.0 - accepted - early - waiting,
            Fate.REFUSED_EARLY: early,
            Fate.GREYLISTED: waiting,
        }
