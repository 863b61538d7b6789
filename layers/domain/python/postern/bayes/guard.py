"""Against poisoned learning: lessons that are lopsided, or that would change the answer on many known messages.

What users mark is not always what they mean, and what reaches a learning address is not always from users. The guard
refuses the lessons of one source as a whole and says why; an operator can let them through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postern.bayes.combine import State
from postern.bayes.learning import LearntMessages, Totals
from postern.bayes.lessons import Lesson
from postern.bayes.model import Model, classify
from postern.bayes.requests import Label

LOPSIDED_FROM = 50
"""Fewer new messages than this may be of one kind: a user cleans up an inbox."""

MOST_OF_ONE_KIND = 20
"""In the whole set one kind may outnumber the other so many times."""

MOST_CONTRADICTED = 0.3
"""The share of the lessons that may contradict what the present model is sure of."""

MOST_FLIPPED = 0.02
"""The share of known messages whose answer a new model may turn around."""

MAX_COMPARED = 500
FEW = 10
"""Fewer contradictions or flips than this are never suspicious."""


@dataclass(frozen=True, slots=True)
class Objection:
    """Why lessons should not be taken, for people."""

    reason: str


def object_to_lessons(known: LearntMessages, lessons: Sequence[Lesson], present: Model | None) -> Objection | None:
    """What speaks against lessons of one source, before anything is trained; `None` when nothing does."""
    taught = [lesson for lesson in lessons if lesson.label is not Label.FORGOTTEN]
    new = [lesson for lesson in taught if known.label(lesson.digest) is not lesson.label]
    lopsided = _lopsided(known, new)
    if lopsided or present is None or not present.provenance.site:
        return lopsided
    compared = _sample(new)
    contradicted = sum(_wrong(present, lesson) for lesson in compared)
    if contradicted >= FEW and contradicted > MOST_CONTRADICTED * len(compared):
        return Objection(f"{contradicted} of {len(compared)} messages are the opposite of what the filter is sure of")
    return None


def _lopsided(known: LearntMessages, new: Sequence[Lesson]) -> Objection | None:
    """One kind nearly missing does harm only where a model would be made of it: below 200 of each none is."""
    if len(new) < LOPSIDED_FROM:
        return None
    before, after = known.totals(), known.totals_by_label()
    for lesson in new:
        earlier = known.label(lesson.digest)
        after[lesson.label] += 1
        if earlier is not None:
            after[earlier] -= 1
    totals = Totals(after[Label.HAM], after[Label.SPAM])
    fewer, more = sorted((totals.hams, totals.spams))
    if (before.enough or totals.enough) and more > MOST_OF_ONE_KIND * max(1, fewer):
        return Objection(f"ham and spam would be learnt {totals.hams} to {totals.spams}: one kind is nearly missing")
    return None


def object_to_model(known: Sequence[Lesson], before: Model, after: Model) -> Objection | None:
    """What speaks against taking a new model into use: known messages that it turns from right to wrong."""
    compared = _sample(known)
    flipped = [lesson for lesson in compared if not _wrong(before, lesson) and _wrong(after, lesson)]
    if len(flipped) >= FEW and len(flipped) > MOST_FLIPPED * len(compared):
        return Objection(f"{len(flipped)} of {len(compared)} known messages would be judged wrongly from now on")
    return None


def _sample(lessons: Sequence[Lesson]) -> Sequence[Lesson]:
    step = max(1, len(lessons) // MAX_COMPARED)
    return lessons[::step][:MAX_COMPARED]


def _wrong(model: Model, lesson: Lesson) -> bool:
    return classify(model, lesson.features).state is (State.HAM if lesson.spam else State.SPAM)
