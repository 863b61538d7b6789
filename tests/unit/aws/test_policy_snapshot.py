"""The snapshot in S3: compiled from the tables, published once, read once a minute."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from postern.policy_compiler import Compilation, Snapshot
from postern.ports import Unavailable
from postern.session.tls_policy import TlsPolicy
from postern_aws import clients
from postern_aws.compile_function import CompileFunction
from postern_aws.items import to_item
from postern_aws.policy_snapshot import (
    CURRENT_KEY,
    FRESH_SECONDS,
    NOTHING_PUBLISHED,
    RETRY_SECONDS,
    S3SnapshotReader,
    S3Snapshots,
    SnapshotChanged,
    SnapshotDomainSections,
    SnapshotSite,
)
from postern_aws.settings import CompilePolicySettings, read_settings
from tests.embedded_aws import BUCKET, Installation

FIRST = Compilation(Snapshot("v1", lists={"global": ("block",)}))
SECOND = Compilation(Snapshot("v2"))


def snapshots() -> S3Snapshots:
    return S3Snapshots(clients.s3(), BUCKET)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def put(table: str, **row: Any) -> None:
    clients.dynamodb().put_item(TableName=table, Item=to_item(row))


@pytest.fixture
def function(aws: Installation) -> CompileFunction:
    return CompileFunction(read_settings(CompilePolicySettings, aws.environment()))


def keys() -> set[str]:
    return {found["Key"] for found in clients.s3().list_objects_v2(Bucket=BUCKET).get("Contents", ())}


def test_the_rows_become_the_current_snapshot_and_stay_under_their_version(function: CompileFunction) -> None:
    put("Policy", scope="global", section="spam_filter", spam_at=4)
    put("Domains", domain="example.com")
    put("SenderLists", scope="global", entry="block#*@spam.example")
    answer = function.run()
    assert answer["problems"] == []
    assert keys() == {CURRENT_KEY, f"policy/{answer['version']}.json"}
    published = snapshots().read()
    assert published is not None
    assert published.compilation.snapshot.version == answer["version"]
    assert published.compilation.snapshot.lists == {"global": ("block",)}


def test_an_installation_without_rows_has_a_snapshot(function: CompileFunction) -> None:
    function.run()
    assert S3SnapshotReader(clients.s3(), BUCKET).current().domains == {}


def test_the_postmaster_is_told_once_of_a_bad_row_and_it_keeps_its_value(
    function: CompileFunction, aws: Installation
) -> None:
    put("Policy", scope="global", section="spam_filter", spam_at=4)
    first = function.run()
    put("Policy", scope="global", section="spam_filter", spam_at="four")
    second = function.run()
    assert second["version"] == first["version"]
    assert [problem["row"] for problem in second["problems"]] == ["Policy global spam_filter"]
    (notice,) = aws.notices()
    assert "spam_filter.spam_at" in notice["Message"]
    assert notice["MessageAttributes"]["event"]["Value"] == "policy_problem"
    assert json.loads(notice["MessageAttributes"]["facts"]["Value"])["problems"]
    function.run()
    assert aws.notices() == []


def test_compiling_again_without_a_change_writes_nothing(function: CompileFunction) -> None:
    function.run()
    before = clients.s3().head_object(Bucket=BUCKET, Key=CURRENT_KEY)["LastModified"]
    version_count = len(keys())
    function.run()
    assert clients.s3().head_object(Bucket=BUCKET, Key=CURRENT_KEY)["LastModified"] == before
    assert len(keys()) == version_count


def test_many_compilations_at_once_leave_the_newest_rows(function: CompileFunction) -> None:
    def change(number: int) -> None:
        put("Domains", domain=f"d{number}.example")
        function.run()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(change, range(9)))
    assert len(S3SnapshotReader(clients.s3(), BUCKET).current().domains) == 9


@pytest.mark.usefixtures("aws")
def test_a_compilation_whose_basis_was_replaced_is_not_published() -> None:
    snapshots().publish(FIRST, NOTHING_PUBLISHED)
    with pytest.raises(SnapshotChanged):
        snapshots().publish(SECOND, NOTHING_PUBLISHED)
    current = snapshots().read()
    assert current is not None
    snapshots().publish(SECOND, current)
    with pytest.raises(SnapshotChanged):
        snapshots().publish(FIRST, current)
    assert snapshots().read(unless=current.etag) is not None


@pytest.mark.usefixtures("aws")
def test_a_reader_reads_once_a_minute() -> None:
    snapshots().publish(FIRST, NOTHING_PUBLISHED)
    clock = Clock()
    reader = S3SnapshotReader(clients.s3(), BUCKET, clock)
    assert reader.latest() == Snapshot()
    assert reader.current().version == "v1"
    snapshots().publish(SECOND, snapshots().read() or NOTHING_PUBLISHED)
    clock.now += FRESH_SECONDS - 1
    assert reader.current().version == "v1"
    clock.now += 1
    assert reader.current().version == "v2"
    assert reader.latest().version == "v2"


@pytest.mark.usefixtures("aws")
def test_the_last_good_snapshot_outlives_s3() -> None:
    snapshots().publish(FIRST, NOTHING_PUBLISHED)
    clock = Clock()
    reader = S3SnapshotReader(clients.s3(), BUCKET, clock)
    reader.current()
    for content in (b"{", b'{"snapshot": {"version": 7}}', None):
        if content is None:
            clients.s3().delete_object(Bucket=BUCKET, Key=CURRENT_KEY)
        else:
            clients.s3().put_object(Bucket=BUCKET, Key=CURRENT_KEY, Body=content)
        clock.now += FRESH_SECONDS
        assert reader.current().version == "v1"
    snapshots().publish(SECOND, NOTHING_PUBLISHED)
    clock.now += FRESH_SECONDS
    assert reader.current().version == "v2"


@pytest.mark.usefixtures("aws")
def test_without_any_snapshot_there_is_no_policy_and_s3_is_not_hurried() -> None:
    clock = Clock()
    reader = S3SnapshotReader(clients.s3(), BUCKET, clock)
    with pytest.raises(Unavailable):
        reader.current()
    snapshots().publish(FIRST, NOTHING_PUBLISHED)
    with pytest.raises(Unavailable):
        reader.current()
    clock.now += RETRY_SECONDS
    assert reader.current().version == "v1"


@pytest.mark.usefixtures("aws")
def test_the_site_never_waits() -> None:
    reader = S3SnapshotReader(clients.s3(), "nowhere")
    assert SnapshotSite(reader, "mx.example.com").site().hostname == "mx.example.com"


def test_the_site_is_made_once_for_each_snapshot(function: CompileFunction) -> None:
    reader = S3SnapshotReader(clients.s3(), BUCKET)
    sites = SnapshotSite(reader, "mx.example.com")
    nothing = sites.site()
    put("Policy", scope="global", section="site", authserv_id="example.com")
    function.run()
    reader.current()
    made = sites.site()
    assert (nothing.authserv_id, made.authserv_id) == ("mx.example.com", "example.com")
    assert sites.site() is made


@pytest.mark.usefixtures("aws")
def test_tables_that_cannot_be_read_publish_nothing(aws: Installation) -> None:
    settings = replace(read_settings(CompilePolicySettings, aws.environment()), domains_table="Gone")
    with pytest.raises(Unavailable):
        CompileFunction(settings).run()
    assert keys() == set()


def test_a_section_counts_for_each_domain_as_it_is_set_there(function: CompileFunction) -> None:
    put("Policy", scope="global", section="tls", require_from=["192.0.2.0/24"])
    put("Policy", scope="domain:example.com", section="tls", require=True)
    reader = S3SnapshotReader(clients.s3(), BUCKET)
    sections = SnapshotDomainSections(reader, "tls", TlsPolicy)
    assert sections(None) == sections("example.com") == TlsPolicy()
    function.run()
    reader.current()
    assert sections("example.com") == TlsPolicy(require_from=("192.0.2.0/24",), require=True)
    assert sections("example.net") == sections(None) == TlsPolicy(require_from=("192.0.2.0/24",))
