"""A channel of rules served on loopback, by a real DNS server, a real web server and a real key."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from postern.policy_compiler import StoredRows, compile_snapshot
from postern.ports import Unavailable
from postern.rules.rule_set import RuleSet
from postern_aws import clients
from postern_aws.dns import NameServers, SystemResolver
from postern_aws.notices import SnsNotices
from postern_aws.policy_snapshot import NOTHING_PUBLISHED, S3SnapshotReader, S3Snapshots
from postern_aws.rule_channel import fetch
from postern_aws.rule_database_builder import RuleDatabaseBuilder
from postern_aws.rule_databases import S3RuleDatabases
from postern_aws.rule_sets import Change, S3RuleSets
from postern_aws.update_rules_function import UpdateRules
from tests.dns_server import DnsServer, serve
from tests.embedded_aws import BUCKET, Installation
from tests.gnupg import Signer

CHANNEL = "updates.example.org"
RULES = "".join(f"body STOCK_{number} /word {number}/\n" for number in range(20))

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has there
        """Say nothing."""


@dataclass
class Channel:
    """What a channel publishes: files on a mirror, and names in a zone."""

    folder: Path
    signer: Signer
    dns: DnsServer
    port: int
    zone: dict[str, Any] = field(default_factory=dict)

    def publish(self, version: str, rules: str = RULES) -> None:
        """Put a version up, signed, and let the DNS name it."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz") as archive:
            member = tarfile.TarInfo("20_stock.cf")
            member.size = len(rules)
            archive.addfile(member, io.BytesIO(rules.encode()))
        content = stream.getvalue()
        (self.folder / f"{version}.tar.gz").write_bytes(content)
        digest = f"{hashlib.sha512(content).hexdigest()}  {version}.tar.gz\n"
        (self.folder / f"{version}.tar.gz.sha512").write_text(digest)
        (self.folder / f"{version}.tar.gz.asc").write_bytes(self.signer.sign(content))
        self.name(version)

    def name(self, version: str) -> None:
        """Let the DNS name a version."""
        zone = {
            f"1.0.4.{CHANNEL}": {"TXT": [version]},
            f"mirrors.{CHANNEL}": {"TXT": [f"http://127.0.0.1:{self.port}/MIRRORED.BY"]},
        }
        self.dns.zone = zone
        self.dns.__post_init__()


@pytest.fixture(scope="module")
def signer() -> Iterator[Signer]:
    with tempfile.TemporaryDirectory(prefix="gpg") as folder:
        yield Signer(Path(folder))


@pytest.fixture
def channel(tmp_path: Path, signer: Signer) -> Iterator[Channel]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    dead, alive = "http://127.0.0.1:1/", f"http://127.0.0.1:{server.server_port}/"
    (tmp_path / "MIRRORED.BY").write_text(f"# two\n{dead} weight=9\n{alive}\n")
    with serve(DnsServer({}, ttl=0)) as dns:
        yield Channel(tmp_path, signer, dns, server.server_port)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def update(aws: Installation, channel: Channel) -> UpdateRules:
    row = {
        "scope": "global",
        "section": "rule_channel",
        "channel": CHANNEL,
        "fingerprints": [channel.signer.fingerprint],
    }
    compiled = compile_snapshot(StoredRows([row]), NOTHING_PUBLISHED.compilation.snapshot)
    assert compiled.problems == ()
    S3Snapshots(clients.s3(), BUCKET).publish(compiled, NOTHING_PUBLISHED)
    store = S3RuleSets(clients.s3(), BUCKET)
    store.put_keys(channel.signer.public_key())
    return UpdateRules(
        S3SnapshotReader(clients.s3(), BUCKET),
        store,
        SnsNotices(clients.sns(), aws.topic_arn),
        SystemResolver(servers=NameServers(("127.0.0.1",), channel.dns.port)),
        RuleDatabaseBuilder(store, S3RuleDatabases(clients.s3(), BUCKET)),
    )


def test_a_version_is_fetched_believed_and_put_in_force(update: UpdateRules, channel: Channel) -> None:
    channel.publish("1900001")
    answer = update.run()
    assert (answer["outcome"], answer["stock"], answer["rules"]) == ("updated", f"{CHANNEL}@1900001", 20)
    assert update.run()["outcome"] == "up to date"
    channel.publish("1900002", RULES + "body STOCK_MORE /more/\n")
    assert update.run()["rules"] == 21


def test_what_was_rolled_back_from_is_not_fetched_again_but_the_next_one_is(
    update: UpdateRules, channel: Channel
) -> None:
    for version in ("1900001", "1900002"):
        channel.publish(version)
        update.run()
    update.store.roll_back()
    answer = update.run()
    assert (answer["outcome"], answer["stock"]) == ("rolled back from", f"{CHANNEL}@1900001")
    channel.publish("1900003")
    assert update.run()["stock"] == f"{CHANNEL}@1900003"


def test_an_older_version_is_not_taken(update: UpdateRules, channel: Channel) -> None:
    channel.publish("1900002")
    update.run()
    channel.publish("1900001")
    assert update.run()["outcome"] == "up to date"


@pytest.mark.parametrize(
    ("damage", "trouble"),
    [
        (lambda folder: (folder / "2.tar.gz.sha512").write_text("0" * 128), "digest"),
        (lambda folder: (folder / "2.tar.gz.asc").write_bytes((folder / "1.tar.gz.asc").read_bytes()), "not believed"),
        (lambda folder: (folder / "2.tar.gz.asc").unlink(), "cannot be fetched"),
        (lambda folder: (folder / "MIRRORED.BY").write_text("nothing"), "names none"),
    ],
)
def test_what_is_not_as_it_must_be_changes_nothing_and_is_told_once(
    update: UpdateRules, channel: Channel, damage: Any, trouble: str
) -> None:
    told: list[str] = []
    channel.publish("1")
    update.run()
    channel.publish("2", RULES.replace("word", "other"))
    damage(channel.folder)
    watched = UpdateRules(update.snapshots, update.store, _Told(told), update.resolver, update.builder)  # type: ignore[arg-type]
    for _ in range(2):
        answer = watched.run()
        assert answer["outcome"] == "failed"
        assert trouble in answer["trouble"]
        assert answer["stock"] == f"{CHANNEL}@1"
    assert told == ["rule_update"]


def test_an_update_changes_what_is_in_force_once_whatever_comes_of_it(
    update: UpdateRules, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed: list[RuleSet] = []
    change = S3RuleSets._change

    def counted(store: S3RuleSets, how: Change) -> RuleSet:
        changed.append(change(store, how))
        return changed[-1]

    monkeypatch.setattr(S3RuleSets, "_change", counted)
    outcomes = []
    for publish in (channel.publish, channel.name):
        for version in ("1", "2"):
            publish(version)
            outcomes.append((update.run()["outcome"], len(changed)))
            changed.clear()
    assert outcomes == [("updated", 1), ("updated", 1), ("up to date", 1), ("up to date", 1)]


def test_trouble_is_over_with_the_next_update(update: UpdateRules, channel: Channel) -> None:
    channel.name("1")
    assert update.run()["outcome"] == "failed"
    channel.publish("1")
    assert update.run()["outcome"] == "updated"
    published = update.store.read()
    assert published is not None
    assert published.rule_set.trouble == ""


def test_a_version_with_far_fewer_rules_is_refused(update: UpdateRules, channel: Channel) -> None:
    channel.publish("1")
    update.run()
    channel.publish("2", "body STOCK_1 /word/\n")
    assert "usable rules" in update.run()["trouble"]


def test_without_a_stored_key_nothing_is_fetched(update: UpdateRules, channel: Channel) -> None:
    channel.publish("1")
    clients.s3().delete_object(Bucket=BUCKET, Key=f"rules/keys/{channel.signer.fingerprint}.asc")
    assert "postern rules trust" in update.run()["trouble"]


def test_a_channel_that_is_silent_changes_nothing(update: UpdateRules) -> None:
    assert "version cannot be asked for" in update.run()["trouble"]


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://127.0.0.1:1/", "http://["])
def test_what_cannot_be_fetched_is_unavailable(address: str) -> None:
    with pytest.raises(Unavailable):
        fetch(address, 100)


def test_what_is_fetched_is_bounded(channel: Channel) -> None:
    (channel.folder / "large").write_bytes(bytes(101))
    with pytest.raises(Unavailable, match="more than 100 octets"):
        fetch(f"http://127.0.0.1:{channel.port}/large", 100)


@dataclass
class _Told:
    events: list[str]

    def tell(self, notice: Any) -> None:
        """Remember what was told."""
        self.events.append(notice.event)
