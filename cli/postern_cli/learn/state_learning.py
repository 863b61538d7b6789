"""Learning into a directory: read, note in the journal, then take what waits into the next snapshot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from postern.bayes.compaction import Outcome
from postern.bayes.examples import message_digest
from postern.bayes.features import extract
from postern.bayes.learning import LearntMessages
from postern.bayes.lessons import Lesson, forget, teach
from postern.bayes.requests import Label
from postern.message import parse_message
from postern.text.view import view_text
from postern_cli.learn.place import StatePlace, learnt
from postern_cli.learn.state import LearntState, milliseconds

NOTED_AT_ONCE = 50
SOURCE = "cli"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A message and what somebody says it is."""

    raw: bytes
    label: Label


@dataclass
class StateLearning:
    """Learning into one state; the caller holds its lock. `known` counts messages that were learnt alike before."""

    state: LearntState
    force: bool = False
    known: Counter[Label] = field(default_factory=Counter)
    _last: int = 0

    def note(self, mail: Iterable[Labelled]) -> Iterator[int]:
        """Note messages in the journal; yields how many were read with each step. Raises `Unavailable`.

        What was noted stays when the caller goes away in between.
        """
        before = learnt(StatePlace(self.state))
        lessons: list[Lesson] = []
        try:
            for one in mail:
                lesson = self._lesson(one, before)
                if lesson is not None:
                    lessons.append(lesson)
                if len(lessons) >= NOTED_AT_ONCE:
                    self._write(lessons)
                yield 1
        finally:
            self._write(lessons)

    def finish(self, told: Callable[[str], None]) -> Outcome:
        """Take what waits into the learnt set. Raises `Unavailable`, `SnapshotError`."""
        told("Learning: a model is made of what is known")
        return self.state.compaction().run()

    def _write(self, lessons: list[Lesson]) -> None:
        if lessons:
            self.state.journal.note(lessons)
            lessons.clear()

    def _lesson(self, one: Labelled, before: LearntMessages) -> Lesson | None:
        """What the message teaches; `None` when it is known."""
        message = parse_message(one.raw)
        digest = message_digest(message)
        label = before.label(digest)
        if label is (None if one.label is Label.FORGOTTEN else one.label):
            self.known[one.label] += 1
            return None
        self._last = max(self._last + 1, milliseconds())
        if one.label is Label.FORGOTTEN:
            lesson = forget(message, taught_at=self._last)
        else:
            features = extract(message, view_text(message))
            lesson = teach(message, features, one.label, taught_at=self._last, source=SOURCE, forced=self.force)
        before.take(lesson)
        return lesson
