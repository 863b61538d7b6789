"""The compiled snapshot in S3: written by the compile function, read and kept by everything else.

`policy/current.json` is what counts now; `policy/<version>.json` keeps every version that a receipt may name.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from postern.model import Site
from postern.policy_compiler import Compilation, Problem, Snapshot
from postern.ports import Unavailable
from postern.wire import WireError, dumps, from_json, to_json
from postern_aws.clients import http_status

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SectionT = TypeVar("SectionT")

CURRENT_KEY = "policy/current.json"
MAX_SNAPSHOT_OCTETS = 32 * 1024 * 1024
FRESH_SECONDS = 60
RETRY_SECONDS = 5
"""How long a failed read is not repeated: S3 in trouble is not asked by every message."""


class SnapshotChanged(Exception):  # noqa: N818 - it states what happened meanwhile
    """Another compilation was published since this one began; compile again."""


@dataclass(frozen=True, slots=True)
class Published:
    """What is published now: the compilation, and S3's tag of that object (empty when there is none)."""

    compilation: Compilation
    etag: str = ""


NOTHING_PUBLISHED = Published(Compilation(Snapshot()))


@dataclass(frozen=True, slots=True)
class S3Snapshots:
    """The snapshots in the message bucket."""

    client: S3Client
    bucket: str

    def read(self, unless: str = "") -> Published | None:
        """What is published; `None` when its tag is still `unless`. Raises `Unavailable`."""
        condition: dict[str, Any] = {"IfNoneMatch": unless} if unless else {}
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=CURRENT_KEY, **condition)
            content = answer["Body"].read(MAX_SNAPSHOT_OCTETS)
        except (BotoCoreError, ClientError) as trouble:
            if http_status(trouble) == 304:
                return None
            if http_status(trouble) == 404:
                return NOTHING_PUBLISHED
            raise Unavailable("the policy snapshot cannot be read") from trouble
        return Published(_read_compilation(content), answer["ETag"])

    def publish(self, compilation: Compilation, replacing: Published) -> None:
        """Make a compilation the current one.

        Raises `SnapshotChanged` when what it replaces is no longer current, `Unavailable` for any other trouble.
        """
        condition: dict[str, Any] = {"IfMatch": replacing.etag} if replacing.etag else {"IfNoneMatch": "*"}
        self._put(f"policy/{compilation.snapshot.version}.json", compilation.snapshot, {})
        self._put(CURRENT_KEY, compilation, condition)

    def _put(self, key: str, value: object, condition: dict[str, Any]) -> None:
        content = dumps(value).encode("utf-8")
        try:
            self.client.put_object(
                Bucket=self.bucket, Key=key, Body=content, ContentType="application/json", **condition
            )
        except (BotoCoreError, ClientError) as trouble:
            if http_status(trouble) in (409, 412):
                raise SnapshotChanged(key) from trouble
            raise Unavailable(f"{key} cannot be stored") from trouble


def _read_compilation(content: bytes) -> Compilation:
    try:
        return from_json(Compilation, json.loads(content))
    except (ValueError, WireError) as wrong:
        raise Unavailable("the policy snapshot is malformed") from wrong


class S3SnapshotReader:
    """Keeps the current snapshot for a minute, and the last good one for as long as S3 cannot be read."""

    def __init__(self, client: S3Client, bucket: str, seconds: Callable[[], float] = time.monotonic) -> None:
        self._store = S3Snapshots(client, bucket)
        self._seconds = seconds
        self._reading = Lock()
        self._published = NOTHING_PUBLISHED
        self._next_read = float("-inf")

    def latest(self) -> Snapshot:
        """What was read last; never blocks. Before the first read it is empty."""
        return self._published.compilation.snapshot

    def current(self) -> Snapshot:
        """The snapshot, at most a minute old if S3 can be read. Raises `Unavailable` when none was ever read."""
        if self._seconds() >= self._next_read:
            self._refresh()
        if not self._published.etag:
            raise Unavailable("no policy snapshot has been published yet")
        return self.latest()

    def _refresh(self) -> None:
        """Read again; meanwhile other threads go on with what there is, unless there is nothing yet."""
        if not self._reading.acquire(blocking=not self._published.etag):
            return
        try:
            if self._seconds() < self._next_read:
                return
            self._next_read = self._seconds() + RETRY_SECONDS
            read = self._store.read(unless=self._published.etag)
            if read is not None and read.etag:
                self._published = read
            if self._published.etag:
                self._next_read = self._seconds() + FRESH_SECONDS
        except Unavailable:
            if not self._published.etag:
                raise
        finally:
            self._reading.release()


class SnapshotSite:
    """The installation's facts, made anew when the snapshot changes. Implements `ports.SiteSource`."""

    def __init__(self, snapshots: S3SnapshotReader, hostname: str) -> None:
        self._snapshots = snapshots
        self._hostname = hostname
        self._made = self._facts(snapshots.latest())

    def site(self) -> Site:
        """The last facts that were read; never blocks."""
        made, snapshot = self._made, self._snapshots.latest()
        if snapshot is not made[0]:
            made = self._made = self._facts(snapshot)
        return made[1]

    def _facts(self, snapshot: Snapshot) -> tuple[Snapshot, Site]:
        return snapshot, snapshot.site(self._hostname)


class SnapshotSection(Generic[SectionT]):
    """One section of policy at global scope, read anew when the snapshot changes."""

    def __init__(self, snapshots: S3SnapshotReader, name: str, kind: type[SectionT]) -> None:
        self._snapshots = snapshots
        self._name = name
        self._kind = kind
        self._read = self._section(snapshots.latest())

    def __call__(self) -> SectionT:
        """As it was read last; never blocks."""
        snapshot = self._snapshots.latest()
        if snapshot is not self._read[0]:
            self._read = self._section(snapshot)
        return self._read[1]

    def _section(self, snapshot: Snapshot) -> tuple[Snapshot, SectionT]:
        return snapshot, snapshot.book.section(self._name, self._kind)


class SnapshotDomainSections(Generic[SectionT]):
    """One section of policy for every domain, read anew when the snapshot changes."""

    def __init__(self, snapshots: S3SnapshotReader, name: str, kind: type[SectionT]) -> None:
        self._snapshots = snapshots
        self._name = name
        self._kind = kind
        self._of: tuple[Snapshot, dict[str, SectionT]] = (snapshots.latest(), {})

    def __call__(self, domain: str | None) -> SectionT:
        """As it was read last for a domain, or for the site; never blocks."""
        snapshot = self._snapshots.latest()
        if snapshot is not self._of[0]:
            self._of = (snapshot, {})
        # Whatever a client names, only domains with settings of their own are kept.
        own = domain if domain and f"domain:{domain}" in snapshot.scopes else ""
        known = self._of[1]
        if own not in known:
            book = snapshot.book
            known[own] = book.section_of(own, self._name, self._kind) if own else book.section(self._name, self._kind)
        return known[own]


def new_problems(found: Compilation, before: Compilation) -> tuple[Problem, ...]:
    """The problems that were not known before."""
    return tuple(problem for problem in found.problems if problem not in before.problems)


def same(one: Compilation, other: Compilation) -> bool:
    """Whether publishing one over the other would change nothing."""
    return bool(to_json(one) == to_json(other))
