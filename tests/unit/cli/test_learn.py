"""`postern learn --state`: learning into a directory is durable, exact, reversible, and guarded."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from postern.bayes.stores import SNAPSHOTS_KEPT
from postern_cli.learn.mail_files import MailFileError, expand, read_mail
from postern_cli.learn.state import LearntState
from postern_cli.main import app
from tests.letters import letter

RUN = CliRunner()


def run(*words: object, code: int = 0) -> Any:
    done = RUN.invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done


def learn(state: Path, *words: object, code: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run("learn", "--state", state, *words, "--json", code=code).stdout)
    return told


def folder(path: Path, numbers: Sequence[int], *, spam: bool) -> Path:
    path.mkdir()
    for number in numbers:
        (path / f"{number}.eml").write_bytes(letter(number, spam=spam))
    return path


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("mail")
    return folder(root / "spam", range(200), spam=True), folder(root / "ham", range(200), spam=False)


@pytest.fixture(scope="module")
def learnt(mail: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("learnt") / "state"
    told = learn(state, "--spam", mail[0], "--ham", mail[1])
    assert (told["learnt"], told["ham"], told["spam"], told["model"]) == (400, 200, 200, True)
    return state


def verdict(state: Path, number: int, *, spam: bool, tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "one.eml"
    path.write_bytes(letter(number, spam=spam))
    done = RUN.invoke(app, ["scan", "--no-dns", "--json", "--state", str(state), str(path)])
    told: dict[str, Any] = json.loads(done.stdout)["results"]["bayes"]
    return told


def test_a_scan_judges_by_what_was_learnt(learnt: Path, tmp_path: Path) -> None:
    for spam, word in ((True, "fail"), (False, "pass")):
        told = verdict(learnt, 900, spam=spam, tmp_path=tmp_path)
        assert (told["result"], told["properties"]["learnt_by"]) == (word, "site")


def test_a_batch_of_cases_is_judged_by_it_too(learnt: Path, tmp_path: Path) -> None:
    cases = tmp_path / "cases.jsonl"
    (tmp_path / "one.eml").write_bytes(letter(900, spam=True))
    cases.write_text(json.dumps({"message": str(tmp_path / "one.eml")}) + "\n")
    told = json.loads(run("scan", "--batch", cases, "--state", learnt, "--json").stdout)
    assert told["results"]["bayes"]["properties"]["learnt_by"] == "site"


def test_learning_again_changes_nothing(learnt: Path, mail: tuple[Path, Path]) -> None:
    before = LearntState(learnt).snapshots.current()
    told = learn(learnt, "--spam", mail[0], "--ham", mail[1])
    assert (told["learnt"], told["unchanged"]) == (0, 400)
    assert LearntState(learnt).snapshots.current() == before


def test_few_messages_are_kept_until_they_are_enough(tmp_path: Path) -> None:
    told = learn(tmp_path / "state", "--spam", folder(tmp_path / "spam", range(3), spam=True))
    assert (told["learnt"], told["spam"], told["model"]) == (3, 3, False)
    assert verdict(tmp_path / "state", 900, spam=True, tmp_path=tmp_path)["properties"]["learnt_by"] == "seed"


def test_relearning_the_other_way_and_forgetting(tmp_path: Path) -> None:
    state, some = tmp_path / "state", folder(tmp_path / "some", range(3), spam=True)
    learn(state, "--spam", some)
    told = learn(state, "--ham", some)
    assert (told["relearnt"], told["ham"], told["spam"]) == (3, 3, 0)
    told = learn(state, "--forget", some / "1.eml")
    assert (told["forgotten"], told["ham"]) == (1, 2)
    assert learn(state, "--forget", some / "1.eml")["unchanged"] == 1


def test_every_path_after_an_option_is_meant(tmp_path: Path) -> None:
    spam, ham = folder(tmp_path / "s", range(3), spam=True), folder(tmp_path / "h", range(2), spam=False)
    told = learn(tmp_path / "state", "--spam", *sorted(spam.iterdir()), "--ham", *sorted(ham.iterdir()))
    assert (told["spam"], told["ham"]) == (3, 2)


def test_a_mailbox_holds_many_messages(tmp_path: Path) -> None:
    mbox = tmp_path / "Junk"
    letters = [letter(number, spam=True) + b"\nFrom here on nothing is a separator\n" for number in range(4)]
    begin = b"From someone@example.net Mon Jan  5 12:00:00 2026\n"
    mbox.write_bytes(b"".join(begin + one.replace(b"\r\n", b"\n") + b"\n>From the archive\n\n" for one in letters))
    found = list(read_mail(mbox))
    assert [one.name for one in found] == [f"{mbox}#{number}" for number in range(1, 5)]
    assert all(one.raw is not None and one.raw.endswith(b"\nFrom the archive\n\n") for one in found)
    assert learn(tmp_path / "state", "--spam", mbox)["learnt"] == 4


def test_what_is_no_message_is_passed_over(tmp_path: Path) -> None:
    some = folder(tmp_path / "some", range(2), spam=True)
    (some / "cmds").write_text("mv 1 2\n")
    (some / ".hidden").write_text("Subject: no\n\n")
    told = learn(tmp_path / "state", "--spam", some)
    assert (told["learnt"], told["passed_over"]) == (2, 1)


def test_paths_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    with pytest.raises(MailFileError, match="does not exist"):
        expand([tmp_path / "none"])
    assert "does not exist" in run("learn", "--state", tmp_path / "s", "--spam", tmp_path / "none", code=2).stderr
    run("learn", "--state", tmp_path / "s", code=2)
    assert "nothing has been learnt" in run("scan", "--state", tmp_path / "s", tmp_path, code=3).stderr


def test_poison_is_refused_and_kept_aside_until_it_is_forced(
    learnt: Path, mail: tuple[Path, Path], tmp_path: Path
) -> None:
    state = tmp_path / "copy"
    LearntState(state).journal.close()
    learn(state, "--spam", mail[0], "--ham", mail[1])
    poison = folder(tmp_path / "poison", range(300, 340), spam=True)
    for _ in range(2):
        told = learn(state, "--ham", poison, code=1)
        assert (told["learnt"], told["ham"], told["refused"][0]["messages"]) == (0, 200, 40)
        assert "opposite" in told["refused"][0]["reason"]
    assert len(list(LearntState(state).journal.held())) == 40
    told = learn(state, "--ham", poison, "--force")
    assert (told["learnt"], told["ham"], told["refused"]) == (40, 240, [])


def test_an_interrupted_command_goes_on_where_it_stopped(
    mail: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, reads = tmp_path / "state", 0
    from postern_cli.learn import command  # noqa: PLC0415 - only this test needs the module

    def until_key_is_pressed(path: Path) -> Any:
        nonlocal reads
        reads += 1
        if reads == 120:
            raise KeyboardInterrupt
        return read_mail(path)

    monkeypatch.setattr(command, "read_mail", until_key_is_pressed)
    assert "go on" in run("learn", "--state", state, "--spam", mail[0], code=130).stderr
    assert len(list(LearntState(state).journal.waiting())) == 119
    monkeypatch.undo()
    told = learn(state, "--spam", mail[0])
    assert (told["spam"], told["unchanged"]) == (200, 119)


def _learn_some(state: Path, path: Path) -> None:
    RUN.invoke(app, ["learn", "--state", str(state), "--spam", str(path)])


def test_processes_that_learn_at_once_lose_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    folders = [folder(tmp_path / f"part{at}", range(at * 10, at * 10 + 10), spam=True) for at in range(4)]
    spawn = multiprocessing.get_context("spawn")
    learners = [spawn.Process(target=_learn_some, args=(state, one)) for one in folders]
    for one in learners:
        one.start()
    for one in learners:
        one.join()
    current = LearntState(state).snapshots.current()
    assert current is not None
    assert current.about.spams == 40


def test_a_few_snapshots_are_kept(tmp_path: Path) -> None:
    for number in range(SNAPSHOTS_KEPT + 2):
        learn(tmp_path / "state", "--spam", folder(tmp_path / str(number), [number], spam=True))
    kept = LearntState(tmp_path / "state").snapshots.versions()
    assert [one.spams for one in kept] == list(range(SNAPSHOTS_KEPT + 2, 2, -1))
