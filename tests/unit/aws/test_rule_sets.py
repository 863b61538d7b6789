"""The rules of a site in S3: put, removed, installed and rolled back in one step, read once a minute."""

from __future__ import annotations

import pytest

from postern.ports import Unavailable
from postern.rules.rule_set import RuleFile, RuleSet, RuleSetError, make_stock_set
from postern_aws import clients
from postern_aws.rule_sets import CURRENT_KEY, FRESH_SECONDS, PublishedRules, S3RuleSetReader, S3RuleSets
from tests.embedded_aws import BUCKET, Installation

LOCAL = RuleFile("local.cf", "body OWN /our caf\udce9/\n")
OLD = make_stock_set("channel.example", "1", [RuleFile("a.cf", "body A /one/\n")])
NEW = make_stock_set("channel.example", "2", [RuleFile("a.cf", "body A /two/\nbody B /three/\n")])


@pytest.fixture
def store(aws: Installation) -> S3RuleSets:
    return S3RuleSets(clients.s3(), BUCKET)


def published(store: S3RuleSets) -> RuleSet:
    read = store.read()
    assert read is not None
    return read.rule_set


def names(rule_set: RuleSet) -> list[str]:
    return [name for name, _ in rule_set.files()]


def test_nothing_is_in_force_at_first(store: S3RuleSets) -> None:
    assert store.read() == PublishedRules(RuleSet())


def test_a_file_is_in_force_once_it_is_put_and_until_it_is_removed(store: S3RuleSets) -> None:
    made = store.put_own(LOCAL)
    assert published(store).version == made.version
    assert names(published(store)) == ["global/local.cf"]
    store.remove_own("local.cf")
    assert names(published(store)) == []


def test_objects_that_people_lay_beside_are_not_looked_at(store: S3RuleSets) -> None:
    clients.s3().put_object(Bucket=BUCKET, Key="rules/global/notes.txt", Body=b"remember the milk")
    clients.s3().put_object(Bucket=BUCKET, Key="rules/global/more.cf", Body=b"body MORE /more/")
    assert names(store.republish()) == ["global/more.cf"]


def test_a_stock_set_can_be_rolled_back_once_and_is_then_refused(store: S3RuleSets) -> None:
    store.put_own(LOCAL)
    store.install(OLD)
    made = store.install(NEW)
    assert (made.stock, made.earlier) == (NEW, OLD.label)
    back = store.roll_back()
    assert (back.stock, back.refused, names(back)) == (OLD, NEW.label, ["a.cf", "global/local.cf"])
    with pytest.raises(RuleSetError, match="no earlier stock set"):
        store.roll_back()


def test_going_on_without_a_stock_set_can_be_undone(store: S3RuleSets) -> None:
    store.install(OLD)
    assert store.drop_stock().stock is None
    assert store.roll_back().stock == OLD


def test_the_same_rules_are_published_once(store: S3RuleSets) -> None:
    store.put_own(LOCAL)
    before = store.read()
    store.republish()
    assert store.read() == before


def test_two_changes_at_once_both_count(store: S3RuleSets, monkeypatch: pytest.MonkeyPatch) -> None:
    store.install(OLD)
    other = S3RuleSets(clients.s3(), BUCKET)
    read = S3RuleSets.read
    interfered: list[bool] = []

    def read_then_interfere(self: S3RuleSets, unless: str = "") -> PublishedRules | None:
        found = read(self, unless)
        if not interfered:
            interfered.append(True)
            other.put_own(LOCAL)
        return found

    monkeypatch.setattr(S3RuleSets, "read", read_then_interfere)
    store.install(NEW)
    assert names(published(store)) == ["a.cf", "global/local.cf"]
    assert published(store).stock == NEW


def test_readers_look_once_a_minute_and_keep_the_last_good_set(store: S3RuleSets) -> None:
    now = [0.0]
    reader = S3RuleSetReader(clients.s3(), BUCKET, lambda: now[0])
    assert reader.current() == RuleSet()
    store.put_own(LOCAL)
    assert reader.current() == RuleSet()
    now[0] += FRESH_SECONDS
    assert names(reader.current()) == ["global/local.cf"]
    clients.s3().put_object(Bucket=BUCKET, Key=CURRENT_KEY, Body=b"rubbish")
    now[0] += FRESH_SECONDS
    assert names(reader.current()) == ["global/local.cf"]


def test_a_reader_that_never_could_read_says_so(aws: Installation) -> None:
    clients.s3().put_object(Bucket=BUCKET, Key=CURRENT_KEY, Body=b"rubbish")
    with pytest.raises(Unavailable):
        S3RuleSetReader(clients.s3(), BUCKET).current()
