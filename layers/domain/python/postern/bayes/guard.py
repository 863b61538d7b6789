"""Against poisoned learning: a batch that is lopsided, or that would change the answer on many known messages.

What users mark is not always what they mean, and what reaches a learning address is not always from users. The guard
refuses the batch as a whole and says why; an operator can learn it all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postern.bayes.combine import State
from postern.bayes.examples import Example
from postern.bayes.learning import LearntMessages
from postern.bayes.model import Model, classify

LOPSIDED_FROM = 50
"""Batches smaller than this may be of one kind: a user cleans up an inbox."""

MOST_OF_ONE_KIND = 20
"""In the whole set one kind may outnumber the other so many times."""

MOST_CONTRADICTED = 0.3
"""The share of a batch that may contradict what the present model is sure of."""

MOST_FLIPPED = 0.02
"""The share of known messages whose answer a new model may turn around."""

MAX_COMPARED = 500
FEW = 10
"""Fewer contradictions or flips than this are never suspicious."""


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a batch should not be learnt, for people."""

    reason: str


def object_to_batch(known: LearntMessages, batch: Sequence[Example], present: Model | None) -> Objection | None:
    """What speaks against learning a batch, before anything is trained; `None` when nothing does."""
    lopsided = _lopsided(known, batch)
    if lopsided or present is None or not present.provenance.site:
        return lopsided
    certain = [
        example
        for example in batch
        if classify(present, example.features).state is (State.HAM if example.spam else State.SPAM)
    ]
    if len(certain) >= FEW and len(certain) > MOST_CONTRADICTED * len(batch):
        return Objection(f"{len(certain)} of {len(batch)} messages are the opposite of what the filter is sure of")
    return None


def _lopsided(known: LearntMessages, batch: Sequence[Example]) -> Objection | None:
    if len(batch) < LOPSIDED_FROM:
        return None
    new = [example for example in batch if example.digest not in known]
    totals, spams = known.totals(), sum(example.spam for example in new)
    counts = sorted((totals.hams + len(new) - spams, totals.spams + spams))
    if counts[1] >= 2 * LOPSIDED_FROM and counts[1] > MOST_OF_ONE_KIND * max(1, counts[0]):
        return Objection(f"ham and spam would be learnt {counts[0]} to {counts[1]}: one kind is nearly missing")
    return None


def object_to_model(known: Sequence[Example], before: Model, after: Model) -> Objection | None:
    """What speaks against taking a new model into use: known messages that it turns from right to wrong."""
    step = max(1, len(known) // MAX_COMPARED)
    compared = known[::step][:MAX_COMPARED]
    flipped = [example for example in compared if not _wrong(before, example) and _wrong(after, example)]
    if len(flipped) >= FEW and len(flipped) > MOST_FLIPPED * len(compared):
        return Objection(f"{len(flipped)} of {len(compared)} known messages would be judged wrongly from now on")
    return None


def _wrong(model: Model, example: Example) -> bool:
    return classify(model, example.features).state is (State.HAM if example.spam else State.SPAM)
