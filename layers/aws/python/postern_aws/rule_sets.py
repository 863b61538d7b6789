"""The rules of a site in the message bucket.

rules/global/NAME.cf                   the operator's files, one object each
rules/stock/<source>@<version>.json.gz stock sets that were in force, to go back to
rules/keys/<fingerprint>.asc           keys that may sign a channel, if policy names them
rules/current.json.gz                  what is in force: both together, replaced in one step

The databases that make a set fast lie elsewhere (`rule_databases.py`).
"""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from postern.ports import Unavailable
from postern.rules.openpgp import MAX_KEY_OCTETS, PublicKey, read_keys
from postern.rules.rule_set import (
    OWN,
    RuleDatabase,
    RuleFile,
    RuleSet,
    RuleSetError,
    StockSet,
    make_rule_set,
    read_file,
)
from postern.wire import WireError, dumps, from_json
from postern_aws.clients import AWS_TROUBLE, http_status
from postern_aws.rule_databases import RuleDatabaseReader, S3RuleDatabases

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "rules/"
CURRENT_KEY = f"{PREFIX}current.json.gz"
OWN_PREFIX = f"{PREFIX}{OWN}"
STOCK_PREFIX = f"{PREFIX}stock/"
KEYS_PREFIX = f"{PREFIX}keys/"
MAX_OCTETS = 16 * 1024 * 1024
MAX_OWN_OCTETS = 8 * 1024 * 1024
FRESH_SECONDS = 60
RETRY_SECONDS = 5
TRIES = 5

Change = Callable[[RuleSet], RuleSet]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PublishedRules:
    """What is in force, and S3's tag of that object (empty when nothing was ever published)."""

    rule_set: RuleSet
    etag: str = ""


NOTHING_PUBLISHED = PublishedRules(RuleSet())


@dataclass(frozen=True, slots=True)
class S3RuleSets:
    """Reads and changes the rules of the site. Every method raises `Unavailable`."""

    client: S3Client
    bucket: str

    def read(self, unless: str = "") -> PublishedRules | None:
        """What is in force; `None` when its tag is still `unless`."""
        condition: dict[str, Any] = {"IfNoneMatch": unless} if unless else {}
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=CURRENT_KEY, **condition)
            content = answer["Body"].read(MAX_OCTETS)
        except AWS_TROUBLE as trouble:
            if http_status(trouble) == 304:
                return None
            if http_status(trouble) == 404:
                return NOTHING_PUBLISHED
            raise Unavailable("the rules cannot be read") from trouble
        return PublishedRules(_unpack(RuleSet, content), answer["ETag"])

    def put_own(self, file: RuleFile) -> RuleSet:
        """Store a file of the operator's, and put it in force."""
        self._put(f"{OWN_PREFIX}{file.name}", file.text.encode("utf-8", "surrogateescape"), "text/plain")
        return self.republish()

    def remove_own(self, name: str) -> RuleSet:
        """Remove a file of the operator's, and put what is left in force."""
        try:
            self.client.delete_object(Bucket=self.bucket, Key=f"{OWN_PREFIX}{name}")
        except AWS_TROUBLE as trouble:
            raise Unavailable(f"{name} cannot be removed") from trouble
        return self.republish()

    def install(self, stock: StockSet) -> RuleSet:
        """Put a stock set in force. The one before it is kept, for `roll_back`."""
        self._put(_stock_key(stock.label), _pack(stock), "application/gzip")

        def change(before: RuleSet) -> RuleSet:
            known = before.stock.label if before.stock and before.stock.label != stock.label else before.earlier
            return make_rule_set(self._own(), stock, replace(before, earlier=known, refused=""))

        return self._change(change)

    def roll_back(self) -> RuleSet:
        """Put the stock set before the present one in force; the present one is not taken again by itself.

        Raises `RuleSetError` when none is known.
        """

        def change(before: RuleSet) -> RuleSet:
            if not before.earlier:
                raise RuleSetError("there is no earlier stock set to go back to")
            refused = before.stock.label if before.stock else ""
            return make_rule_set(self._own(), self._stock(before.earlier), replace(before, earlier="", refused=refused))

        return self._change(change)

    def drop_stock(self) -> RuleSet:
        """Go on without a stock set."""

        def change(before: RuleSet) -> RuleSet:
            known = before.stock.label if before.stock else before.earlier
            return make_rule_set(self._own(), None, replace(before, earlier=known))

        return self._change(change)

    def republish(self, trouble: str | None = None) -> RuleSet:
        """Put the operator's files in force as they are now.

        `trouble` is why the last update failed, empty when it did not; without it what is remembered stays.
        """

        def change(before: RuleSet) -> RuleSet:
            noted = before if trouble is None else replace(before, trouble=trouble)
            return make_rule_set(self._own(), before.stock, noted)

        return self._change(change)

    def attach(self, version: str, database: RuleDatabase) -> RuleSet:
        """Name the database of a version; nothing happens when another version is in force by now."""
        return self._change(lambda before: replace(before, database=database) if before.version == version else before)

    def put_keys(self, content: bytes) -> tuple[str, ...]:
        """Store a file of public keys; the fingerprints of those it holds. Raises `SignatureError`."""
        found = tuple(key.fingerprint for key in read_keys(content))
        self._put(f"{KEYS_PREFIX}{found[0]}.asc", content, "application/pgp-keys")
        return found

    def keys(self, trusted: frozenset[str]) -> tuple[PublicKey, ...]:
        """The stored keys with these fingerprints."""
        files = (self._get(key, MAX_KEY_OCTETS) for key in self._listed(KEYS_PREFIX))
        return tuple(key for content in files for key in read_keys(content) if key.fingerprint in trusted)

    def _change(self, change: Change) -> RuleSet:
        """Replace what is in force in one step; begin again when somebody else did so meanwhile."""
        for _ in range(TRIES):
            before = self.read() or NOTHING_PUBLISHED
            made = change(before.rule_set)
            if before.etag and made == before.rule_set:
                return made
            condition = {"IfMatch": before.etag} if before.etag else {"IfNoneMatch": "*"}
            if self._put(CURRENT_KEY, _pack(made), "application/gzip", condition):
                return made
        raise Unavailable("the rules change faster than they can be published")

    def _own(self) -> tuple[RuleFile, ...]:
        """The operator's files; objects with other names are not looked at."""
        return tuple(file for key in self._listed(OWN_PREFIX) if (file := self._own_file(key)) is not None)

    def _listed(self, prefix: str) -> list[str]:
        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            return [one["Key"] for page in pages for one in page.get("Contents", ())]
        except AWS_TROUBLE as trouble:
            raise Unavailable(f"{prefix} cannot be listed") from trouble

    def _own_file(self, key: str) -> RuleFile | None:
        try:
            return read_file(key.removeprefix(OWN_PREFIX), self._get(key, MAX_OWN_OCTETS))
        except RuleSetError:
            return None

    def _stock(self, label: str) -> StockSet:
        return _unpack(StockSet, self._get(_stock_key(label), MAX_OCTETS))

    def _get(self, key: str, limit: int) -> bytes:
        try:
            return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read(limit)
        except AWS_TROUBLE as trouble:
            raise Unavailable(f"{key} cannot be read") from trouble

    def _put(self, key: str, content: bytes, kind: str, condition: dict[str, str] | None = None) -> bool:
        """Whether it was stored: not when the condition does not hold."""
        extra: dict[str, Any] = dict(condition or {})
        try:
            self.client.put_object(Bucket=self.bucket, Key=key, Body=content, ContentType=kind, **extra)
        except AWS_TROUBLE as trouble:
            if condition and http_status(trouble) in (409, 412):
                return False
            raise Unavailable(f"{key} cannot be stored") from trouble
        return True


class S3RuleSetReader:
    """Keeps the set in force for a minute, and the last good one as long as S3 cannot be read.

    Implements `ports.RuleSets`.
    """

    def __init__(self, client: S3Client, bucket: str, seconds: Callable[[], float] = time.monotonic) -> None:
        self._store = S3RuleSets(client, bucket)
        self._seconds = seconds
        self._reading = Lock()
        self._published: PublishedRules | None = None
        self._next_read = float("-inf")
        self._databases = RuleDatabaseReader(S3RuleDatabases(client, bucket), seconds)

    def current(self) -> RuleSet:
        """The set in force. Raises `Unavailable` when it could never be read."""
        with self._reading:
            if self._seconds() >= self._next_read:
                self._refresh()
            if self._published is None:
                raise Unavailable("the rules could not be read yet")
            return self._published.rule_set

    def database(self, rule_set: RuleSet) -> bytes | None:
        """The set's database; see `RuleDatabaseReader`."""
        return self._databases.database(rule_set)

    def _refresh(self) -> None:
        self._next_read = self._seconds() + RETRY_SECONDS
        try:
            read = self._store.read(unless=self._published.etag if self._published else "")
        except Unavailable:
            if self._published is None:
                raise
            return
        if read is not None and (self._published is None or read != self._published):
            self._published = read
        self._next_read = self._seconds() + FRESH_SECONDS


def new_problems(found: RuleSet, before: RuleSet) -> tuple[str, ...]:
    """The problems that were not known before."""
    return tuple(problem for problem in found.problems if problem not in before.problems)


def _stock_key(label: str) -> str:
    return f"{STOCK_PREFIX}{label}.json.gz"


def _pack(value: object) -> bytes:
    return gzip.compress(dumps(value).encode("utf-8"), mtime=0)


def _unpack(kind: type[T], content: bytes) -> T:
    try:
        return from_json(kind, json.loads(zlib.decompress(content, wbits=31)))
    except (ValueError, zlib.error, WireError) as wrong:
        raise Unavailable("the stored rules are malformed") from wrong
