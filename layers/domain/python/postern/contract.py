"""The contract of a check: what it declares about itself and what it is given.

A check is a module with `SPEC` and `evaluate`. Everything around it (its Lambda, role, grants, alarm, log group,
branch of the state machine, default scores, documentation row) follows from its `SPEC`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from postern.model import CheckResult, Direction, Points, ResultWord, Transaction
from postern.policy import CheckPolicy

EvidenceT = TypeVar("EvidenceT")


class Phase(StrEnum):
    """When a check runs: on the envelope, on the content, or late, given the score so far."""

    ENVELOPE = "envelope"
    CONTENT = "content"
    LATE = "late"


class Needs(StrEnum):
    """The effects a check is given, as the keyword argument of the same name; grants and layers follow from them."""

    RESOLVER = "resolver"
    MESSAGE = "message"
    SENDER_LISTS = "sender_lists"
    STANDING = "standing"
    GREYLIST = "greylist"
    CORRESPONDENTS = "correspondents"
    BATV_KEYS = "batv_keys"
    SENT_MESSAGES = "sent_messages"
    RULES = "rules"
    SITE_MODEL = "site_model"


@dataclass(frozen=True, slots=True)
class SymbolSpec:
    """A symbol a check may report: its default points (hundredths) and one line for people.

    One that `is_trouble` tells of something that only the postmaster can mend: it is counted, and has an alarm.
    """

    name: str
    score: Points
    description: str
    corroborates: bool = False
    is_trouble: bool = False


def symbol(
    name: str, points: float, description: str, *, corroborates: bool = False, is_trouble: bool = False
) -> SymbolSpec:
    """A symbol with its points as people write them: `symbol("SPF_FAIL", 3.0, "…")`."""
    return SymbolSpec(name, Points(round(points * 100)), description, corroborates, is_trouble)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpec:
    """What a check declares.

    `seconds` and `memory_mb` size its Lambda; `requires` names checks whose evidence it reads; `layers` are the groups
    of others' packages it imports beside the core (`scan`: hyperscan, numpy).

    `directions` says which mail it judges: what comes in, unless told otherwise.

    `own_symbols` says that it also reports symbols that are not listed here (the names of rules), with their score.
    """

    check_id: str
    title: str
    phase: Phase
    policy: type[CheckPolicy]
    evidence: type
    symbols: tuple[SymbolSpec, ...] = ()
    requires: tuple[str, ...] = ()
    needs: frozenset[Needs] = field(default_factory=frozenset)
    seconds: int = 12
    memory_mb: int = 256
    layers: tuple[str, ...] = ()
    own_symbols: bool = False
    directions: frozenset[Direction] = frozenset({Direction.INBOUND})
    standards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoEvidence:
    """The evidence of a check that has nothing to tell other checks."""


class Required:
    """The results of the checks that a check requires."""

    def __init__(self, results: Mapping[str, CheckResult[Any]]) -> None:
        self._results = dict(results)

    def result(self, check_id: str) -> ResultWord:
        """The result word; `skipped` for a check that did not run."""
        found = self._results.get(check_id)
        return found.result if found else ResultWord.SKIPPED

    def evidence(self, check_id: str, kind: type[EvidenceT]) -> EvidenceT | None:
        """The evidence of a required check, or `None` when it did not run or could not tell."""
        found = self._results.get(check_id)
        return found.evidence if found and isinstance(found.evidence, kind) else None


class Check(Protocol):
    """A check module. `evaluate` always returns a result, whatever the message and the network are like.

    It is called as `evaluate(transaction, policy=…, required=…, **needs)`.
    """

    @property
    def SPEC(self) -> CheckSpec:  # noqa: N802 - the module constant's name
        """What the check declares about itself."""
        ...

    @property
    def evaluate(self) -> Evaluate:
        """The check itself."""
        ...


class Evaluate(Protocol):
    """The signature of every check's `evaluate`; `needs` are the effects it declared."""

    def __call__(
        self, transaction: Transaction, *, policy: Any, required: Required, **needs: Any
    ) -> CheckResult[Any]: ...
