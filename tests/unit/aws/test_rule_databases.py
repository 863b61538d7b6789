"""The databases of stored rules: made after publishing, believed by their digest, and never needed for a hit."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postern.checks.rules import RulesPolicy, evaluate, rule_book
from postern.contract import Required
from postern.message import parse_message
from postern.rules import plan
from postern.rules.growing_candidates import GrowingCandidates
from postern.rules.rule_set import RuleDatabase, RuleFile, RuleSet
from postern.rules.scanner import scanner_is_available
from postern_aws import clients, rule_database_builder
from postern_aws.rule_database_builder import Outcome, RuleDatabaseBuilder
from postern_aws.rule_databases import KEPT, PREFIX, RETRY_SECONDS, S3RuleDatabases, this_scanner
from postern_aws.rule_sets import FRESH_SECONDS, S3RuleSetReader, S3RuleSets
from tests.embedded_aws import BUCKET, Installation
from tests.transactions import make_transaction

pytestmark = pytest.mark.skipif(not scanner_is_available(), reason="hyperscan is not installed")

LOCAL = RuleFile("local.cf", "body OWN /our w[o0]rd/\nscore OWN 2\ninclude more.cf\n")
MORE = RuleFile("more.cf", "body MORE /more|mehr/\n")
MAIL = parse_message(b"From: a@example.com\nSubject: x\n\nour w0rd, and more\n")


@pytest.fixture
def store(aws: Installation) -> S3RuleSets:
    made = S3RuleSets(clients.s3(), BUCKET)
    made.put_own(MORE)
    made.put_own(LOCAL)
    return made


@pytest.fixture
def databases(store: S3RuleSets) -> S3RuleDatabases:
    return S3RuleDatabases(clients.s3(), BUCKET)


@pytest.fixture
def builder(store: S3RuleSets, databases: S3RuleDatabases) -> RuleDatabaseBuilder:
    return RuleDatabaseBuilder(store, databases)


def published(store: S3RuleSets) -> RuleSet:
    read = store.read()
    assert read is not None
    return read.rule_set


def hits(reader: S3RuleSetReader, policy: RulesPolicy | None = None) -> set[str]:
    result = evaluate(
        make_transaction(), policy=policy or RulesPolicy(), required=Required({}), message=MAIL, rules=reader
    )
    return {finding.symbol for finding in result.findings}


def keys() -> list[str]:
    listed = clients.s3().list_objects_v2(Bucket=BUCKET, Prefix=PREFIX)
    return [one["Key"] for one in listed.get("Contents", ())]


def test_a_database_is_made_once_and_gives_the_same_hits(store: S3RuleSets, builder: RuleDatabaseBuilder) -> None:
    before = hits(S3RuleSetReader(clients.s3(), BUCKET))
    assert {"OWN", "MORE"} <= before
    assert builder.run() is Outcome.MADE
    assert builder.run() is Outcome.AT_HAND
    reader = S3RuleSetReader(clients.s3(), BUCKET)
    assert reader.database(reader.current()) == plan.build_database(rule_book(published(store)))
    assert hits(reader) == before
    assert "HERE" in hits(reader, RulesPolicy(local="body HERE /word|w0rd/"))


def test_a_running_check_takes_the_database_up(
    store: S3RuleSets, builder: RuleDatabaseBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    reader = S3RuleSetReader(clients.s3(), BUCKET, lambda: now[0])
    before = hits(reader)
    builder.run()
    now[0] += FRESH_SECONDS
    monkeypatch.delattr(GrowingCandidates, "find")
    assert hits(reader) == before


def foreign(store: S3RuleSets) -> None:
    database = published(store).database
    assert database is not None
    store.attach(published(store).version, replace(database, scanner="vax-1.0"))


def corrupted(store: S3RuleSets) -> None:
    (key,) = keys()
    content = bytearray(clients.s3().get_object(Bucket=BUCKET, Key=key)["Body"].read())
    content[len(content) // 2] ^= 1
    clients.s3().put_object(Bucket=BUCKET, Key=key, Body=bytes(content))


def gone(store: S3RuleSets) -> None:
    (key,) = keys()
    clients.s3().delete_object(Bucket=BUCKET, Key=key)


def stale(store: S3RuleSets) -> None:
    """One that is of other rules, as when those that come with Postern have changed."""
    databases, version = S3RuleDatabases(clients.s3(), BUCKET), published(store).version
    octets = plan.build_database(rule_book(RuleSet(own=(MORE,))))
    store.attach(version, databases.write(version, octets))


@pytest.mark.parametrize("damage", [foreign, corrupted, gone, stale])
def test_what_cannot_be_used_changes_no_hit_and_is_made_anew(
    store: S3RuleSets, builder: RuleDatabaseBuilder, damage: object
) -> None:
    before = hits(S3RuleSetReader(clients.s3(), BUCKET))
    builder.run()
    assert callable(damage)
    damage(store)
    assert hits(S3RuleSetReader(clients.s3(), BUCKET)) == before
    assert builder.run() is Outcome.MADE
    reader = S3RuleSetReader(clients.s3(), BUCKET)
    assert reader.database(reader.current()) is not None


@pytest.mark.parametrize("stored", [b"", b"rubbish", zlib.compress(b"x" * 100)[:-3]])
def test_only_whole_octets_of_the_digest_are_unpacked(store: S3RuleSets, stored: bytes) -> None:
    current = replace(published(store), database=RuleDatabase(this_scanner(), hashlib.sha256(stored).hexdigest()))
    assert current.database is not None
    key = f"{PREFIX}{current.version}/{this_scanner()}/{current.database.digest}"
    clients.s3().put_object(Bucket=BUCKET, Key=key, Body=stored)
    assert S3RuleSetReader(clients.s3(), BUCKET).database(current) is None


def test_a_database_that_could_not_be_read_is_tried_again(store: S3RuleSets, builder: RuleDatabaseBuilder) -> None:
    now = [0.0]
    builder.run()
    reader, (key,) = S3RuleSetReader(clients.s3(), BUCKET, lambda: now[0]), keys()
    content = clients.s3().get_object(Bucket=BUCKET, Key=key)["Body"].read()
    clients.s3().delete_object(Bucket=BUCKET, Key=key)
    assert reader.database(reader.current()) is None
    clients.s3().put_object(Bucket=BUCKET, Key=key, Body=content)
    assert reader.database(reader.current()) is None
    now[0] += RETRY_SECONDS
    assert reader.database(reader.current()) is not None


def test_a_new_set_has_no_database_until_one_is_made_and_old_ones_go_after_a_while(
    store: S3RuleSets, databases: S3RuleDatabases, builder: RuleDatabaseBuilder
) -> None:
    builder.run()
    old = keys()
    store.remove_own("more.cf")
    assert published(store).database is None
    builder.run()
    assert len(keys()) == 2
    later = datetime.now(UTC) + KEPT + timedelta(minutes=1)
    assert RuleDatabaseBuilder(store, databases, lambda: later).run() is Outcome.AT_HAND
    assert len(keys()) == 1
    assert keys() != old


def test_rules_that_change_meanwhile_get_no_foreign_database(
    store: S3RuleSets, builder: RuleDatabaseBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build_while_others_publish(book: object) -> bytes:
        store.remove_own("more.cf")
        return plan.build_database(book)  # type: ignore[arg-type]

    monkeypatch.setattr(rule_database_builder, "build_database", build_while_others_publish)
    assert builder.run() is Outcome.OVERTAKEN
    assert published(store).database is None


def test_a_failure_is_counted_and_changes_no_rule(
    store: S3RuleSets, builder: RuleDatabaseBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> bytes:
        raise MemoryError

    before = published(store)
    monkeypatch.setattr(rule_database_builder, "build_database", fail)
    assert builder.run() is Outcome.FAILED
    assert published(store) == before
    assert "RuleDatabasesFailed" in capsys.readouterr().out


def test_nothing_is_made_where_nothing_is_stored(aws: Installation) -> None:
    store = S3RuleSets(clients.s3(), BUCKET)
    assert RuleDatabaseBuilder(store, S3RuleDatabases(clients.s3(), BUCKET)).run() is Outcome.NOT_NEEDED
    assert keys() == []
