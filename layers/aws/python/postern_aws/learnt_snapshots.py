"""Snapshots of what the site has learnt, in the message bucket.

`learning/models/current.json` names the one in use, `learning/models/<version>` is its model, `learning/lessons/…`
the learnt set it was made of. What scans read lies apart from what only learning reads.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from postern.bayes.stores import SNAPSHOTS_KEPT, About, Content, Current, SnapshotReplaced
from postern.ports import Unavailable
from postern.wire import WireError, dumps, from_json
from postern_aws.clients import AWS_TROUBLE, http_status

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MODELS = "learning/models/"
LESSONS = "learning/lessons/"
CURRENT_KEY = f"{MODELS}current.json"
MAX_ABOUT = 64 << 10
MAX_MODEL = 64 << 20
MAX_LESSONS = 256 << 20
_ABOUT = ".json"


@dataclass(frozen=True, slots=True)
class S3LearntSnapshots:
    """Implements `stores.Snapshots`."""

    client: S3Client
    bucket: str

    def current(self, unless: str = "") -> Current | None:
        """The snapshot in use; `None` before the first, and when its token is still `unless`. Raises `Unavailable`."""
        condition: dict[str, Any] = {"IfNoneMatch": unless} if unless else {}
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=CURRENT_KEY, **condition)
            content = answer["Body"].read(MAX_ABOUT)
        except AWS_TROUBLE as trouble:
            if http_status(trouble) in (304, 404):
                return None
            raise Unavailable("what was learnt cannot be read") from trouble
        return Current(_read_about(content), answer["ETag"])

    def lessons(self, version: str) -> bytes:
        """The learnt set of a snapshot. Raises `Unavailable`."""
        return self._get(f"{LESSONS}{version}", MAX_LESSONS)

    def model(self, version: str) -> bytes:
        """The model of a snapshot. Raises `Unavailable`."""
        return self._get(f"{MODELS}{version}", MAX_MODEL)

    def publish(self, about: About, content: Content, replacing: Current | None) -> None:
        """Keep a snapshot and take it into use. Raises `Unavailable`, `SnapshotReplaced`."""
        self._put(f"{LESSONS}{about.version}", content.lessons)
        if content.model is not None:
            self._put(f"{MODELS}{about.version}", content.model)
        self._put(f"{LESSONS}{about.version}{_ABOUT}", dumps(about).encode())
        self._switch(about, replacing)
        with suppress(Unavailable):  # it is in use; that the oldest are still there does no harm
            self._drop_oldest(about.version)

    def versions(self) -> tuple[About, ...]:
        """What is kept, newest first. Raises `Unavailable`."""
        return tuple(_read_about(self._get(f"{LESSONS}{version}{_ABOUT}", MAX_ABOUT)) for version in self._kept())

    def use(self, version: str) -> About | None:
        """Take a kept snapshot into use. Raises `Unavailable`, `SnapshotReplaced`."""
        found = next((one for one in self.versions() if one.version == version), None)
        if found is not None:
            self._switch(found, self.current())
        return found

    def _switch(self, about: About, replacing: Current | None) -> None:
        condition: dict[str, Any] = {"IfMatch": replacing.token} if replacing else {"IfNoneMatch": "*"}
        self._put(CURRENT_KEY, dumps(about).encode(), condition)

    def _kept(self) -> list[str]:
        """The versions that are described, newest first."""
        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=LESSONS)
            keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
        except AWS_TROUBLE as trouble:
            raise Unavailable("the snapshots cannot be listed") from trouble
        described = (key.removeprefix(LESSONS) for key in keys if key.endswith(_ABOUT))
        return sorted((name.removesuffix(_ABOUT) for name in described), reverse=True)

    def _drop_oldest(self, in_use: str) -> None:
        """Its description goes last: as long as that is there, the next snapshot tries again."""
        for version in self._kept()[SNAPSHOTS_KEPT:]:
            if version != in_use:
                for key in (f"{MODELS}{version}", f"{LESSONS}{version}", f"{LESSONS}{version}{_ABOUT}"):
                    self._delete(key)

    def _delete(self, key: str) -> None:
        try:
            self.client.delete_object(Bucket=self.bucket, Key=key)
        except AWS_TROUBLE as trouble:
            raise Unavailable(f"{key} cannot be deleted") from trouble

    def _get(self, key: str, most: int) -> bytes:
        try:
            return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read(most)
        except AWS_TROUBLE as trouble:
            raise Unavailable(f"{key} cannot be read") from trouble

    def _put(self, key: str, octets: bytes, condition: dict[str, Any] | None = None) -> None:
        try:
            self.client.put_object(Bucket=self.bucket, Key=key, Body=octets, **(condition or {}))
        except AWS_TROUBLE as trouble:
            if http_status(trouble) in (409, 412):
                raise SnapshotReplaced(key) from trouble
            raise Unavailable(f"{key} cannot be stored") from trouble


def _read_about(content: bytes) -> About:
    try:
        return from_json(About, json.loads(content))
    except (ValueError, WireError) as wrong:
        raise Unavailable("a snapshot's description is malformed") from wrong
