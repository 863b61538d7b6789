"""`postern bayes`, on a directory and on the service; `postern learn` to the service."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from postern.bayes.requests import Label, read_request
from postern.message import parse_message
from postern_aws import clients
from postern_aws.learning_journal import DynamoJournal
from postern_aws.message_store import S3MessageStore
from postern_cli.learn import command
from postern_cli.learn.mail_files import read_mail
from postern_cli.learn.state import LearntState
from tests.embedded_aws import BUCKET, Installation
from tests.letters import lesson, lessons, letter
from tests.unit.cli.conftest import CommandLine


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state with 40 lessons in two snapshots, and one that is held."""
    made = LearntState(tmp_path / "state")
    made.journal.note(lessons(10))
    made.compaction().run()
    made.journal.note([lesson(number, spam=True, at=1) for number in range(10, 30)])
    made.compaction().run()
    one = lesson(99, spam=False, at=1, source="junk:eve@b.example")
    made.journal.note([one])
    made.journal.hold([one], "poison")
    return made.path


def test_status_tells_what_is_known_and_what_is_held(postern: CommandLine, state: Path) -> None:
    told = postern.json("bayes", "status", "--state", str(state))
    assert (told["in_use"]["hams"], told["in_use"]["spams"], told["model"]) == (10, 30, False)
    assert told["held"] == [{"source": "junk:eve@b.example", "reason": "poison", "messages": 1}]
    text = postern("bayes", "status", "--state", str(state)).stdout
    assert "10 ham, 30 spam" in text
    assert "the seed model, until there are 200 of each" in text
    assert "1 messages from junk:eve@b.example: poison" in text


def test_a_message_is_explained_by_its_tokens(postern: CommandLine, state: Path, tmp_path: Path) -> None:
    mail = tmp_path / "one.eml"
    mail.write_bytes(letter(3, spam=True))
    told = postern.json("bayes", "explain", "--state", str(state), str(mail))
    assert (told["learnt"]["label"], told["learnt"]["source"], told["learnt_by"]) == ("spam", "cli", "seed")
    assert "It was learnt as spam from cli" in postern("bayes", "explain", "--state", str(state), str(mail)).stdout
    mail.write_bytes(letter(300, spam=True))
    assert "It was not learnt" in postern("bayes", "explain", "--state", str(state), str(mail)).stdout
    postern("bayes", "explain", "--state", str(state), str(tmp_path / "none.eml"), code=2)


def test_the_way_back_and_forward(postern: CommandLine, state: Path) -> None:
    newest, oldest = postern.json("bayes", "snapshots", "--state", str(state))
    assert (newest["in_use"], oldest["in_use"]) == (True, False)
    told = postern.json("bayes", "rollback", oldest["version"], "--state", str(state))
    assert told["in_use"]["spams"] == 10
    assert [one["in_use"] for one in postern.json("bayes", "snapshots", "--state", str(state))] == [False, True]
    assert "30 spam" in postern("bayes", "rollback", newest["version"], "--state", str(state)).stdout
    postern("bayes", "rollback", "none", "--state", str(state), code=1)


def test_what_waits_can_be_dropped_on_the_way_back(postern: CommandLine, state: Path) -> None:
    LearntState(state).journal.note([lesson(50, spam=True, at=1)])
    version = postern.json("bayes", "snapshots", "--state", str(state))[-1]["version"]
    assert postern.json("bayes", "rollback", version, "--state", str(state))["waiting"] == 1
    assert postern.json("bayes", "rollback", version, "--state", str(state), "--drop-waiting")["waiting"] == 0
    assert list(LearntState(state).journal.waiting()) == []


def test_what_was_learnt_can_be_carried_elsewhere(postern: CommandLine, state: Path, tmp_path: Path) -> None:
    file, other = str(tmp_path / "learnt.postern"), str(tmp_path / "other")
    assert postern.json("bayes", "export", file, "--state", str(state))["messages"] == 40
    for expected in (40, 0):
        assert postern.json("bayes", "import", file, "--state", other)["learnt"] == expected
    assert "cannot be written" in postern("bayes", "export", str(tmp_path), "--state", str(state), code=2).stderr
    damaged = tmp_path / "damaged"
    damaged.write_bytes(Path(file).read_bytes()[:-1])
    assert "checksum" in postern("bayes", "import", str(damaged), "--state", other, code=3).stderr


def test_a_person_decides_about_what_is_held(postern: CommandLine, state: Path) -> None:
    assert "1 messages from junk:eve@b.example: poison" in postern("bayes", "held", "--state", str(state)).stdout
    assert postern.json("bayes", "accept", "--source", "junk:bob@b.example", "--state", str(state)) == {"noted": 0}
    assert postern.json("bayes", "accept", "--state", str(state))["learnt"] == 1
    assert "Nothing is held" in postern("bayes", "held", "--state", str(state)).stdout


def test_what_is_held_can_be_dropped(postern: CommandLine, state: Path) -> None:
    assert postern.json("bayes", "drop", "--yes", "--state", str(state)) == {"dropped": 1}
    assert list(LearntState(state).journal.held()) == []


def test_looking_makes_no_directory(postern: CommandLine, tmp_path: Path) -> None:
    assert "nothing has been learnt" in postern("bayes", "status", "--state", str(tmp_path / "none"), code=3).stderr
    assert not (tmp_path / "none").exists()


# --- the service ------------------------------------------------------------------------------------------


def requests() -> list[tuple[Label, list[bytes]]]:
    """What was asked of the learn queue: labels, and the messages that were uploaded."""
    store, found = S3MessageStore(clients.s3(), BUCKET), []
    url = clients.sqs().get_queue_url(QueueName="learn")["QueueUrl"]
    while messages := clients.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            request = read_request(message["Body"])
            found.append((request.label, [store.read(one) for one in request.messages]))
    return found


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    """A folder of letters."""
    path = tmp_path / "mail"
    path.mkdir()
    for number in range(120):
        (path / f"{number:03}.eml").write_bytes(letter(number, spam=True))
    return path


@pytest.fixture(autouse=True)
def own_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's real state is touched."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))


def test_messages_are_uploaded_and_the_service_is_asked(postern: CommandLine, aws: Installation, mail: Path) -> None:
    one = mail.parent / "ham.eml"
    one.write_bytes(letter(1, spam=False))
    told = postern.json("learn", "--spam", str(mail), "--ham", str(one))
    assert told == {"sent": 121, "sent_before": 0, "passed_over": 0}
    asked = requests()
    assert sum(len(messages) for label, messages in asked if label is Label.SPAM) == 120
    assert [messages for label, messages in asked if label is Label.HAM] == [[letter(1, spam=False)]]
    assert not list((mail.parent / "xdg" / "postern").iterdir())


def test_an_interrupted_upload_goes_on_where_it_stopped(
    postern: CommandLine, aws: Installation, mail: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def until_key_is_pressed(path: Path) -> object:
        if path.name == "070.eml":
            raise KeyboardInterrupt
        return read_mail(path)

    monkeypatch.setattr(command, "read_mail", until_key_is_pressed)
    assert "go on" in postern("learn", "--spam", str(mail), code=130).stderr
    monkeypatch.undo()
    monkeypatch.setenv("XDG_STATE_HOME", str(mail.parent / "xdg"))
    monkeypatch.setenv("POSTERN_STACK", "Postern")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert postern.json("learn", "--spam", str(mail)) == {"sent": 70, "sent_before": 50, "passed_over": 0}


def test_status_of_the_service(postern: CommandLine, aws: Installation, tmp_path: Path) -> None:
    DynamoJournal(clients.dynamodb(), "BayesTokens", time.time).note(lessons(3))
    told = postern.json("bayes", "status")
    assert (told["in_use"], told["waiting"]) == (None, {"ham": 3, "spam": 3})
    assert "nothing has been learnt yet" in postern("bayes", "status").stdout
    path = tmp_path / "one.eml"
    path.write_bytes(letter(1, spam=True))
    assert parse_message(path.read_bytes()).first("subject") is not None
    assert postern.json("bayes", "explain", str(path))["learnt"]["label"] == "spam"
