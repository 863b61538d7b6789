"""A state directory survives what may happen to a process, and does not believe damaged files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from postern.bayes.archive import load_lessons
from postern.bayes.guard import Objection
from postern.bayes.learning import Change
from postern.bayes.stores import About, Content, SnapshotReplaced
from postern.ports import Unavailable
from postern_cli.learn.journal import SqliteJournal
from postern_cli.learn.state import LearntState
from tests.letters import lesson, lessons


@pytest.fixture
def state(tmp_path: Path) -> LearntState:
    return LearntState(tmp_path / "state")


def test_who_dies_before_the_journal_is_emptied_learns_nothing_twice(
    state: LearntState, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.journal.note(lessons(5))

    def dies(*_: object) -> None:
        raise Unavailable("the power failed")

    monkeypatch.setattr(SqliteJournal, "settle", dies)
    with pytest.raises(Unavailable):
        state.compaction().run()
    monkeypatch.undo()
    assert len(list(state.journal.waiting())) == 10
    outcome = state.compaction().run()
    assert (outcome.changes, outcome.published) == ({Change.UNCHANGED: 10}, False)
    assert list(state.journal.waiting()) == []
    assert outcome.about is not None
    assert outcome.about.messages == 10


def test_who_dies_before_the_switch_leaves_the_old_snapshot(
    state: LearntState, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.journal.note(lessons(2))
    first = state.compaction().run().about
    state.journal.note([lesson(9, spam=True)])

    def dies(*_: object) -> None:
        raise OSError("the power failed")

    monkeypatch.setattr("postern_cli.learn.snapshot_folder.SnapshotFolder._switch", dies)
    with pytest.raises(Unavailable):
        state.compaction().run()
    monkeypatch.undo()
    current = state.snapshots.current()
    assert current is not None
    assert current.about == first
    again = state.compaction().run()
    assert again.about is not None
    assert again.about.messages == 5


def test_a_rival_snapshot_is_noticed(state: LearntState) -> None:
    state.journal.note(lessons(2))
    about = state.compaction().run().about
    assert about is not None
    with pytest.raises(SnapshotReplaced):
        state.snapshots.publish(About("z", about.made_at, 0, 0, has_model=False), Content(b"", None), None)


def test_damage_is_told(state: LearntState) -> None:
    with pytest.raises(Unavailable, match="nothing has been learnt"):
        state.site_model()
    state.journal.note(lessons(200))
    about = state.compaction().run().about
    assert about is not None
    assert state.site_model().model() is not None
    assert len(load_lessons(state.snapshots.lessons(about.version))) == 400
    path = state.path / "snapshots" / about.version / "model"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Unavailable, match="checksum"):
        state.site_model()
    (state.path / "current").write_text("../../elsewhere")
    with pytest.raises(Unavailable, match="cannot be read"):
        state.site_model()


def test_lessons_that_would_spoil_the_model_are_held_and_the_forced_ones_learnt(
    state: LearntState, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.journal.note(lessons(200))
    state.compaction().run()
    monkeypatch.setattr("postern.bayes.compaction.object_to_model", lambda *_: Objection("it would turn things around"))
    state.journal.note([lesson(500, spam=True, at=1), replace(lesson(501, spam=True, at=1), forced=True)])
    outcome = state.compaction().run()
    assert [(one.source, one.messages, one.reason) for one in outcome.refusals] == [
        ("cli", 1, "it would turn things around")
    ]
    assert outcome.totals.spams == 201
    assert [one.lesson.digest for one in state.journal.held()] == [lesson(500, spam=True).digest]
