"""From lessons that wait to the next snapshot: guard, merge, expire, train, publish, settle.

Any step may be the last one before the power fails: a lesson leaves the journal only after a snapshot that has it is
in use, and taking it once more changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from postern.bayes.archive import dump_lessons, load_lessons
from postern.bayes.codec import dump_model, load_model
from postern.bayes.guard import object_to_lessons, object_to_model
from postern.bayes.learning import CHANGES, Change, LearntMessages, Totals
from postern.bayes.lessons import Lesson
from postern.bayes.model import Model
from postern.bayes.stores import About, Content, Current, Journal, Snapshots
from postern.bayes.training import train

SEVERAL = "several sources"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Lessons of one source that the guard did not let through, and why."""

    source: str
    messages: int
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a compaction did. `about` is the snapshot that is in use after it, `None` while there is none."""

    about: About | None
    totals: Totals
    changes: Counter[Change] = field(default_factory=Counter)
    refusals: tuple[Refusal, ...] = ()
    expired: int = 0
    published: bool = False


@dataclass(frozen=True, slots=True)
class Compaction:
    """Takes what waits into the learnt set.

    `seed` gives the model that training starts from, or `None`; `now` the time; `version` a name for a snapshot made
    at that time, which sorts by age.
    """

    journal: Journal
    snapshots: Snapshots
    seed: Callable[[], Model | None]
    now: Callable[[], datetime]
    version: Callable[[datetime], str]

    def run(self) -> Outcome:
        """Do it. Raises `Unavailable`, `SnapshotReplaced`, `SnapshotError`."""
        current = self.snapshots.current()
        known = LearntMessages(load_lessons(self.snapshots.lessons(current.about.version)) if current else ())
        waiting = list(self.journal.waiting())
        if not waiting:
            return Outcome(current.about if current else None, known.totals())
        present = self._present(current)
        accepted, refusals = self._guarded(known, waiting, present)
        return self._take(_Work(current, known, present, accepted), refusals)

    def _present(self, current: Current | None) -> Model | None:
        if current is None or not current.about.has_model:
            return None
        return load_model(self.snapshots.model(current.about.version))

    def _guarded(
        self, known: LearntMessages, waiting: Sequence[Lesson], present: Model | None
    ) -> tuple[list[Lesson], list[Refusal]]:
        """What may be taken; what may not is held."""
        accepted = [lesson for lesson in waiting if lesson.forced]
        refusals = []
        for source in sorted({lesson.source for lesson in waiting if not lesson.forced}):
            lessons = [one for one in waiting if one.source == source and not one.forced]
            objection = object_to_lessons(known, lessons, present)
            if objection is None:
                accepted += lessons
            else:
                refusals.append(self._refuse(source, lessons, objection.reason))
        return accepted, refusals

    def _refuse(self, source: str, lessons: Sequence[Lesson], reason: str) -> Refusal:
        self.journal.hold(lessons, reason)
        return Refusal(source, len(lessons), reason)

    def _take(self, work: _Work, refusals: list[Refusal]) -> Outcome:
        before = list(work.known)
        changes = Counter(work.known.take(lesson) for lesson in work.accepted)
        if not CHANGES & changes.keys():
            self.journal.settle(work.accepted)
            return Outcome(work.about, work.known.totals(), changes, tuple(refusals))
        gone = work.known.expire(_milliseconds(self.now()))
        totals = work.known.totals()
        model = train([lesson.example for lesson in work.known], self.seed()) if totals.enough else None
        objection = object_to_model(before, work.present, model) if model and work.present else None
        guarded = [lesson for lesson in work.accepted if not lesson.forced]
        if objection is not None and guarded:
            return self._start_over(guarded, objection.reason, refusals)
        about = self._publish(work, totals, model, changes)
        self.journal.settle(work.accepted)
        return Outcome(about, totals, changes, tuple(refusals), len(gone), published=True)

    def _start_over(self, guarded: Sequence[Lesson], reason: str, refusals: list[Refusal]) -> Outcome:
        """Without the lessons that would spoil the model."""
        sources = sorted({lesson.source for lesson in guarded})
        refused = self._refuse(sources[0] if len(sources) == 1 else SEVERAL, guarded, reason)
        again = self.run()
        return Outcome(
            again.about,
            again.totals,
            again.changes,
            (*refusals, refused, *again.refusals),
            again.expired,
            published=again.published,
        )

    def _publish(self, work: _Work, totals: Totals, model: Model | None, changes: Counter[Change]) -> About:
        now = self.now()
        told = ", ".join(f"{changes[one]} {one}" for one in Change if changes[one])
        about = About(self.version(now), now, totals.hams, totals.spams, model is not None, told)
        content = Content(dump_lessons(work.known.every()), dump_model(model) if model else None)
        self.snapshots.publish(about, content, work.current)
        return about


@dataclass(slots=True)
class _Work:
    """One compaction under way."""

    current: Current | None
    known: LearntMessages
    present: Model | None
    accepted: list[Lesson]

    @property
    def about(self) -> About | None:
        """The snapshot it began from."""
        return self.current.about if self.current else None


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def snapshot_version(now: datetime, unique: str) -> str:
    """A version that sorts by age and that two makers at the same time do not share."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S}.{now.microsecond // 1000:03d}Z-{unique}"
