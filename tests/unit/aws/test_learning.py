"""Learning in AWS: learners at once lose nothing, snapshots switch as a whole, scans read them once a minute."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from postern import replies
from postern.bayes.archive import dump_lessons, load_lessons
from postern.bayes.learning import LearntMessages
from postern.bayes.lessons import Lesson
from postern.bayes.requests import Label, LearnRequest, read_request, write_request
from postern.bayes.stores import SNAPSHOTS_KEPT, About, Content, SnapshotReplaced
from postern.exchange import Answer
from postern.model import Decision, MessageReference
from postern.ports import Unavailable
from postern.wire import WireError
from postern_aws import clients
from postern_aws.auto_teacher import AutoTeacher
from postern_aws.learn_function import LearnFunction, is_due
from postern_aws.learn_queue import LearnQueue
from postern_aws.learning_journal import Changes, DynamoJournal
from postern_aws.learnt_snapshots import CURRENT_KEY, LESSONS, S3LearntSnapshots
from postern_aws.message_store import S3MessageStore
from postern_aws.settings import LearnSettings, read_settings
from postern_aws.site_model import FRESH_SECONDS, S3SiteModel
from tests.embedded_aws import BUCKET, Installation
from tests.letters import lesson, lessons, letter
from tests.transactions import make_transaction

TABLE = "BayesTokens"


@pytest.fixture
def journal(aws: Installation) -> DynamoJournal:
    return DynamoJournal(clients.dynamodb(), TABLE, time.time)


@pytest.fixture
def snapshots(aws: Installation) -> S3LearntSnapshots:
    return S3LearntSnapshots(clients.s3(), BUCKET)


@pytest.fixture
def function(aws: Installation) -> LearnFunction:
    return LearnFunction.of(read_settings(LearnSettings, aws.environment()))


def described(version: str, *, spams: int = 0) -> About:
    return About(version, datetime.now(UTC), 0, spams, has_model=False)


def content(*taught: Lesson) -> Content:
    return Content(dump_lessons(taught), None)


def unavailable(*_: object) -> None:
    raise Unavailable("not now")


def stored(number: int, *, spam: bool) -> MessageReference:
    return S3MessageStore(clients.s3(), BUCKET).put_copy(f"mail/a@b.example/{number}-{spam}", letter(number, spam=spam))


def event(*requests: LearnRequest | str) -> Any:
    bodies = [one if isinstance(one, str) else write_request(one) for one in requests]
    return {"Records": [{"messageId": f"m{at}", "body": body} for at, body in enumerate(bodies)]}


# --- the journal ------------------------------------------------------------------------------------------


def test_hundreds_of_learners_at_once_lose_no_lesson(journal: DynamoJournal) -> None:
    taught = [lesson(number, spam=number % 3 > 0, at=number) for number in range(300)]
    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(journal.note, [one]) for one in taught for _ in range(2)]:
            done.result()
    assert sorted(one.digest for one in journal.waiting()) == sorted(one.digest for one in taught)


def test_of_many_opinions_about_a_message_the_latest_counts_in_any_order(journal: DynamoJournal) -> None:
    opinions = [replace(lesson(1, spam=True, at=at), label=tuple(Label)[at % 2]) for at in range(40)]
    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(journal.note, [one]) for one in reversed(opinions)]:
            done.result()
    assert list(journal.waiting()) == [opinions[-1]]


def test_counting_at_once_loses_no_count(journal: DynamoJournal) -> None:
    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(journal.count, 2) for _ in range(200)]:
            done.result()
    assert journal.changes().lessons == 400


def test_a_lesson_that_came_meanwhile_is_not_settled(journal: DynamoJournal) -> None:
    first = lesson(1, spam=True, at=1)
    journal.note([first, lesson(2, spam=True, at=1)])
    later = replace(first, label=Label.HAM, taught_at=2)
    journal.note([later])
    journal.settle([first, lesson(2, spam=True, at=1)])
    assert list(journal.waiting()) == [later]


def test_what_is_held_waits_for_a_person_and_expires(journal: DynamoJournal) -> None:
    one = lesson(1, spam=True, at=1)
    journal.note([one])
    journal.hold([one], "it looks like poison")
    assert list(journal.waiting()) == []
    (held,) = journal.held()
    assert (held.lesson, held.reason) == (one, "it looks like poison")
    item = clients.dynamodb().scan(TableName=TABLE)["Items"][0]
    assert int(item["expires_at"]["N"]) > time.time() + 29 * 86400
    journal.note([replace(one, taught_at=2, forced=True)])
    assert [found.forced for found in journal.waiting()] == [True]


def test_one_at_a_time_makes_a_snapshot(journal: DynamoJournal) -> None:
    assert journal.claim(time.time() + 60)
    assert not journal.claim(time.time() + 60)
    journal.count(5)
    seen = journal.changes()
    journal.count(2)
    journal.release(seen, known=70)
    assert (journal.changes().lessons, journal.changes().known) == (2, 70)
    assert journal.claim(time.time() + 60)


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        (Changes(), False),
        (Changes(lessons=19, since=1000), False),
        (Changes(lessons=20, since=1000), True),
        (Changes(lessons=199, since=1000, known=10_000), False),
        (Changes(lessons=200, since=1000, known=10_000), True),
        (Changes(lessons=1, since=1000 - 3600), True),
    ],
)
def test_a_snapshot_is_made_when_it_is_worth_it(changes: Changes, *, due: bool) -> None:
    assert is_due(changes, now=1000) is due


# --- snapshots --------------------------------------------------------------------------------------------


def test_a_snapshot_replaces_the_one_it_was_made_from_or_nothing(snapshots: S3LearntSnapshots) -> None:
    assert snapshots.current() is None
    snapshots.publish(described("v1"), content(), None)
    first = snapshots.current()
    assert first is not None
    snapshots.publish(described("v2"), content(lesson(1, spam=True)), first)
    for replacing in (None, first):
        with pytest.raises(SnapshotReplaced):
            snapshots.publish(described("v3"), content(), replacing)
    found = snapshots.current()
    assert found is not None
    assert found.about.version == "v2"
    assert load_lessons(snapshots.lessons("v2")) == [lesson(1, spam=True)]


def test_an_older_snapshot_can_be_taken_into_use_and_the_oldest_go(snapshots: S3LearntSnapshots) -> None:
    for number in range(SNAPSHOTS_KEPT + 2):
        snapshots.publish(described(f"v{number:02}", spams=number), content(), snapshots.current())
    versions = [about.version for about in snapshots.versions()]
    assert versions == [f"v{number:02}" for number in range(SNAPSHOTS_KEPT + 1, 1, -1)]
    assert snapshots.use("v00") is None
    used = snapshots.use("v05")
    assert used is not None
    assert used.spams == 5
    assert snapshots.current().about == used  # type: ignore[union-attr]
    with pytest.raises(Unavailable):
        snapshots.lessons("v00")


def test_a_snapshot_in_use_is_published_though_the_oldest_cannot_go(
    snapshots: S3LearntSnapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(SNAPSHOTS_KEPT):
        snapshots.publish(described(f"v{number:02}"), content(), snapshots.current())
    with monkeypatch.context() as trouble:
        trouble.setattr(S3LearntSnapshots, "_delete", unavailable)
        snapshots.publish(described("v10"), content(), snapshots.current())
        trouble.setattr(S3LearntSnapshots, "_kept", unavailable)
        snapshots.publish(described("v11"), content(), snapshots.current())
    assert len(snapshots.versions()) == SNAPSHOTS_KEPT + 2
    snapshots.publish(described("v12"), content(), snapshots.current())
    assert [about.version for about in snapshots.versions()] == [f"v{number:02}" for number in range(12, 2, -1)]


def test_a_damaged_description_keeps_no_snapshot_back(snapshots: S3LearntSnapshots) -> None:
    clients.s3().put_object(Bucket=BUCKET, Key=f"{LESSONS}v00.json", Body=b"{")
    snapshots.publish(described("v01"), content(), None)
    assert snapshots.current() is not None


# --- the function -----------------------------------------------------------------------------------------


def test_requests_become_a_model_that_scans_judge_by(function: LearnFunction, snapshots: S3LearntSnapshots) -> None:
    for label in (Label.SPAM, Label.HAM):
        spam = label is Label.SPAM
        some = tuple(stored(number, spam=spam) for number in range(200))
        requests = [LearnRequest(label, some[at : at + 50], 1000, "cli") for at in range(0, 200, 50)]
        assert function.run(event(*requests)) == {"batchItemFailures": []}
    clock = [0.0]
    site = S3SiteModel(snapshots, lambda: clock[0])
    model = site.model()
    assert model is not None
    assert (model.provenance.hams, model.provenance.spams) == (200, 200)
    assert list(function.journal.waiting()) == []
    assert function.journal.changes() == Changes(0, 0, 400)
    snapshots.use(snapshots.versions()[-1].version)
    assert site.model() is model
    clock[0] += FRESH_SECONDS
    assert site.model() is None


def test_learning_the_same_again_makes_no_snapshot(function: LearnFunction, snapshots: S3LearntSnapshots) -> None:
    request = LearnRequest(Label.SPAM, tuple(stored(number, spam=True) for number in range(20)), 1000, "cli")
    function.run(event(request))
    before = snapshots.current()
    function.run(event(request, request))
    assert snapshots.current() == before
    function.run(event(replace(request, label=Label.FORGOTTEN, taught_at=2000)))
    found = snapshots.current()
    assert found is not None
    assert found.about.spams == 0


def test_few_lessons_wait_for_the_hour(function: LearnFunction, snapshots: S3LearntSnapshots) -> None:
    function.run(event(LearnRequest(Label.SPAM, (stored(1, spam=True),), 1000, "auto", automatic=True)))
    assert snapshots.current() is None
    function.run({"now": True})
    found = snapshots.current()
    assert found is not None
    (learnt,) = LearntMessages(load_lessons(snapshots.lessons(found.about.version)))
    assert (learnt.source, learnt.automatic) == ("auto", True)


def test_what_somebody_elses_snapshot_has_is_counted_once(function: LearnFunction) -> None:
    class Overtaken(DynamoJournal):
        def claim(self, until: float) -> bool:
            function.run({})
            return DynamoJournal.claim(self, until)

    function.journal.note(lessons(10))
    function.journal.count(20)
    replace(function, journal=Overtaken(clients.dynamodb(), TABLE, time.time)).run({})
    assert function.journal.changes() == Changes(0, 0, 20)
    function.journal.count(5)
    assert function.journal.changes().lessons == 5


def test_poison_is_kept_aside_and_the_postmaster_is_told(
    aws: Installation, function: LearnFunction, snapshots: S3LearntSnapshots
) -> None:
    function.journal.note(lessons(200))
    function.journal.count(400)
    function.run({})
    request = LearnRequest(Label.HAM, tuple(stored(n, spam=True) for n in range(300, 340)), 1000, "junk:eve@b.example")
    function.run(event(request))
    assert len(list(function.journal.held())) == 40
    assert snapshots.current().about.hams == 200  # type: ignore[union-attr]
    (notice,) = aws.notices()
    assert notice["MessageAttributes"]["event"]["Value"] == "learning_refused"
    assert "junk:eve@b.example" in notice["Message"]


def test_a_request_that_is_none_goes_back_and_the_others_are_done(function: LearnFunction) -> None:
    good = LearnRequest(Label.SPAM, (stored(1, spam=True),), 1000, "cli")
    answer = function.run(event("{", good, '{"label": "spam"}'))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m2"}]}
    assert len(list(function.journal.waiting())) == 1


def test_a_message_that_is_gone_teaches_nothing(function: LearnFunction) -> None:
    gone = MessageReference("mail/a@b.example/gone", 10, "0" * 64)
    request = LearnRequest(Label.SPAM, (gone, stored(1, spam=True)), 1000, "cli")
    assert function.run(event(request)) == {"batchItemFailures": []}
    assert len(list(function.journal.waiting())) == 1


def test_what_cannot_be_read_now_is_asked_for_again(function: LearnFunction) -> None:
    damaged = replace(stored(1, spam=True), sha256="0" * 64)
    answer = function.run(event(LearnRequest(Label.SPAM, (damaged,), 1000, "cli")))
    assert answer["batchItemFailures"] == [{"itemIdentifier": "m0"}]


# --- scans ------------------------------------------------------------------------------------------------


def test_a_scan_asks_once_a_minute_and_goes_on_when_nobody_answers(function: LearnFunction) -> None:
    function.journal.note(lessons(200))
    function.journal.count(400)
    function.run({})
    clock, asked = [0.0], [0]
    real = clients.s3().get_object

    class Counting:
        def get_object(self, **words: Any) -> Any:
            asked[0] += 1
            return real(**words)

    site = S3SiteModel(S3LearntSnapshots(Counting(), BUCKET), lambda: clock[0])  # type: ignore[arg-type]
    for _ in range(100):
        assert site.model() is not None
    assert asked == [2]
    clients.s3().put_object(Bucket=BUCKET, Key=CURRENT_KEY, Body=b"{")
    clock[0] = FRESH_SECONDS
    assert site.model() is not None
    assert asked == [3]


def test_before_the_first_read_there_is_no_answer(aws: Installation) -> None:
    clients.s3().put_object(Bucket=BUCKET, Key=CURRENT_KEY, Body=b"{")
    site = S3SiteModel(S3LearntSnapshots(clients.s3(), BUCKET))
    for _ in range(2):
        with pytest.raises(Unavailable, match="malformed"):
            site.model()


# --- requests ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": "A"},
        {"scope": "mailbox:a@b.example"},
        {"messages": []},
        {"taught_at": -1},
        {"messages": [{"key": "policy/current.json", "size": 1, "sha256": "0"}]},
        {"label": "eggs"},
    ],
)
def test_a_request_says_what_it_must(wrong: dict[str, object]) -> None:
    good = {
        "label": "spam",
        "messages": [{"key": "mail/a@b.example/1", "size": 1, "sha256": "0"}],
        "taught_at": 1,
        "source": "junk:a@b.example",
    }
    assert read_request(json.dumps(good)).label is Label.SPAM
    with pytest.raises(WireError):
        read_request(json.dumps({**good, **wrong}))


def test_a_request_is_sent_as_it_is_read(aws: Installation) -> None:
    request = LearnRequest(Label.HAM, (MessageReference("mail/a/1", 1, "0"),), 5, "cli", forced=True)
    LearnQueue(clients.sqs(), aws.relay_queue_url).send([request])
    (message,) = clients.sqs().receive_message(QueueUrl=aws.relay_queue_url)["Messages"]
    assert read_request(message["Body"]) == request


# --- without a teacher ------------------------------------------------------------------------------------


def answered(code: int, learn_as: str) -> tuple[Any, Answer]:
    transaction = make_transaction()
    reply = replies.REFUSED_AS_SPAM if code >= 500 else replies.accepted(transaction.transaction_id)
    return transaction, Answer(Decision(transaction.transaction_id, reply, (), learn_as=learn_as), {})


def taught(url: str) -> list[LearnRequest]:
    return [read_request(one["Body"]) for one in clients.sqs().receive_message(QueueUrl=url).get("Messages", ())]


def test_refused_mail_teaches_at_once_and_committed_mail_when_it_is_delivered(aws: Installation) -> None:
    url = aws.relay_queue_url
    teacher = AutoTeacher(LearnQueue(clients.sqs(), url), report=lambda _id, trouble: pytest.fail(str(trouble)))
    for code, learn_as in ((250, "spam"), (250, "ham"), (550, "")):
        teacher.keep(*answered(code, learn_as))
    assert taught(url) == []
    transaction, answer = answered(550, "spam")
    teacher.keep(transaction, answer)
    (request,) = taught(url)
    assert (request.label, request.source, request.automatic) == (Label.SPAM, "auto", True)
    assert request.messages == (transaction.message,)
    teacher.teach(*(transaction, answered(250, "ham")[1].decision))
    assert [one.label for one in taught(url)] == [Label.HAM]


def test_a_queue_in_trouble_keeps_no_mail_back(aws: Installation) -> None:
    told: list[str] = []
    teacher = AutoTeacher(LearnQueue(clients.sqs(), "https://none.invalid/q"), lambda one, trouble: told.append(one))
    transaction, answer = answered(550, "spam")
    teacher.keep(transaction, answer)
    assert told == [transaction.transaction_id]
