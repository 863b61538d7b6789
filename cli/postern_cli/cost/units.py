"""What one message uses, as measured by `python -m bench.cost_units` on the embedded AWS: counts, octets, CPU time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

from postern.wire import from_json

MEASURED_FILE = "measured_units.json"


class Fate(StrEnum):
    """What becomes of a message, as far as its cost is concerned."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    REFUSED_EARLY = "refused_early"
    GREYLISTED = "greylisted"


class Besides(StrEnum):
    """What is done besides taking mail in, and counted apart."""

    OUTGOING = "outgoing"
    LEARNT = "learnt"


@dataclass(frozen=True, slots=True)
class FunctionUse:
    """What one message makes a function do; means over the measured messages.

    `stage` counts the workflow's steps from 1 and is 0 for a function outside it. `cpu_ms` is what one invocation takes
    of a whole processor of the measuring machine; `dns_rounds` are questions it asks one after another; `calls` are
    requests to AWS by one invocation, such as `s3.GetObject`.
    """

    name: str
    stage: int
    memory_mb: int
    invocations: float
    cpu_ms: float
    dns_rounds: float
    calls: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class MessageUse:
    """What one message uses in all, front end included; units of DynamoDB as AWS counts them."""

    messages: int
    octets: float
    functions: tuple[FunctionUse, ...]
    calls: Mapping[str, float]
    write_units: float
    read_units: float
    log_octets: float
    state_octets: float
    kept_octets: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PackingUse:
    """What messages use under one packing of the checks, by their fate; `besides` is what one sent or learnt uses.

    `standing` counts what costs by the month: alarms, dashboards, secrets of the template, and metrics that were told.
    """

    definition_octets: int
    standing: Mapping[str, int]
    fates: Mapping[str, MessageUse]
    besides: Mapping[str, MessageUse]


@dataclass(frozen=True, slots=True)
class MeasuredUnits:
    """Everything that was measured, when, and on what."""

    measured_on: str
    machine: str
    python: str
    checks: tuple[str, ...]
    packings: Mapping[str, PackingUse]


def measured_units() -> MeasuredUnits:
    """The measurement that came with this version."""
    text = resources.files(__package__).joinpath(MEASURED_FILE).read_text(encoding="utf-8")
    return from_json(MeasuredUnits, json.loads(text))
