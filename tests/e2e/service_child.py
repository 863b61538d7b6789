"""The local service as `postern up` starts it, in a process of its own, failing where it is told to.

`python -m tests.e2e.service_child DIRECTORY PACKING`. It prints a line of JSON when it is up; then each line of
standard input is an order, answered by a line of counts; it stops when standard input ends.

    {"faults": {"s3": 0.1}}                   the share of calls that fail, of front ends and functions alike
    {"functions": {"Checksrules": "raise"}}   functions that fail, by a part of their name: raise, throttle or hang
    {"dns": "down"}                           no question to the DNS is answered; "up" again
    {}                                        how much failed on purpose
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

import postern_aws.dns
from postern.dns import DnsAnswer, DnsStatus, Question
from postern.workflow import Packing
from postern_local.embedded_lambda import EmbeddedLambda, refused
from postern_local.faults import FaultyFunctions
from postern_local.function_runtime import Answer, Deployed, FunctionRuntime
from postern_local.service import LocalOptions, LocalService

SERVICES = ("s3", "dynamodb", "states")
THROTTLE, HANG = "throttle", "hang"


class NobodyAnswers:
    """A resolver whose name servers are all gone."""

    def query(self, name: str, rdtype: str) -> DnsAnswer:
        """No answer."""
        del name, rdtype
        return DnsAnswer(DnsStatus.TIMEOUT)

    def query_all(self, questions: Sequence[Question]) -> tuple[DnsAnswer, ...]:
        """No answers."""
        return tuple(DnsAnswer(DnsStatus.TIMEOUT) for _ in questions)


@dataclass(slots=True)
class Sabotage:
    """Which functions fail, by a part of their name, and how."""

    functions: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def of(self, name: str) -> str:
        """How a function fails; empty when it works."""
        return next((how for part, how in self.functions.items() if part in name), "")

    def install(self) -> None:
        """Stand before every invocation from now on."""
        runtime: Any = FunctionRuntime
        tasks: Any = EmbeddedLambda
        invoke, invoke_for_task = runtime.invoke, tasks.invoke_for_task

        def sabotaged(this: FunctionRuntime, function: Deployed, payload: str) -> Any:
            how = self.of(function.name)
            if not how:
                return invoke(this, function, payload)
            self.counts[how] += 1
            if how == HANG:
                time.sleep(function.seconds)
            return Answer(json.dumps({"errorType": "RuntimeError", "errorMessage": "on purpose"}), "Unhandled")

        def throttled(this: EmbeddedLambda, parameters: Any, region: str, state_credentials: Any) -> Any:
            if self.of(parameters["FunctionName"]) != THROTTLE:
                return invoke_for_task(this, parameters, region, state_credentials)
            self.counts[THROTTLE] += 1
            raise refused("TooManyRequestsException", "Rate exceeded", 429)

        runtime.invoke, tasks.invoke_for_task = sabotaged, throttled


@dataclass(slots=True)
class Trouble:
    """Everything that can be made to fail."""

    shares: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SERVICES, 0.0))
    sabotage: Sabotage = field(default_factory=Sabotage)
    calls: FaultyFunctions = field(init=False)
    resolver: Any = None

    def __post_init__(self) -> None:
        self.calls = FaultyFunctions(self.shares)

    def install(self) -> None:
        """Be ready to fail."""
        self.sabotage.install()
        self.calls.install()
        self.resolver = postern_aws.dns.SystemResolver

    def carry_out(self, order: dict[str, Any]) -> dict[str, int]:
        """Do as told; how much has failed."""
        if "faults" in order:
            self.shares.update({**dict.fromkeys(SERVICES, 0.0), **order["faults"]})
        if "functions" in order:
            self.sabotage.functions = order["functions"]
        if "dns" in order:
            adapter: Any = postern_aws.dns
            adapter.SystemResolver = self.resolver if order["dns"] == "up" else lambda deadline=None: NobodyAnswers()
        return {**self.sabotage.counts, **{f"calls of functions to {name}": n for name, n in self.calls.counts.items()}}


def main(directory: str, packing: str) -> None:
    """Serve until standard input ends."""
    trouble = Trouble()
    options = LocalOptions(
        directory=Path(directory),
        smtp_port=0,
        proxy_port=0,
        packing=Packing(packing),
        faults=trouble.shares,
    )
    with LocalService(options, Console(stderr=True)):
        trouble.install()
        say({})
        for line in sys.stdin:
            say(trouble.carry_out(json.loads(line)))


def say(answer: dict[str, int]) -> None:
    """One line on standard output."""
    sys.stdout.write(f"{json.dumps(answer)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
