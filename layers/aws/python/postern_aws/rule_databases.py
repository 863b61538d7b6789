"""The databases that make stored rules fast, in the message bucket, and who makes them.

rule-databases/<set>/<scanner>/<digest>    compressed; the set's manifest (`rules/current.json.gz`) names the digest

Only the function `update_rules` may write there, and only what the manifest names by its SHA-256 is unpacked.
"""

from __future__ import annotations

import hashlib
import platform
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from postern.ports import Unavailable
from postern.rules.rule_set import RuleDatabase, RuleSet
from postern.rules.scanner import scanner_is_available, scanner_kind
from postern_aws.clients import AWS_TROUBLE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "rule-databases/"
MAX_STORED_OCTETS = 32 * 1024 * 1024
MAX_OCTETS = 128 * 1024 * 1024
RETRY_SECONDS = 60
KEPT = timedelta(hours=1)
"""How long a database stays when its set is no longer in force: readers look for a new set once a minute."""


@cache
def this_scanner() -> str:
    """Hyperscan's version and the kind of processor here; empty without hyperscan."""
    return f"{platform.machine()}-{scanner_kind()}" if scanner_is_available() else ""


@dataclass(frozen=True, slots=True)
class S3RuleDatabases:
    """Reads, stores and removes databases. Every method raises `Unavailable`."""

    client: S3Client
    bucket: str

    def read(self, version: str, database: RuleDatabase) -> bytes:
        """The octets that the manifest means, and no others."""
        key = _key(version, database)
        try:
            stored = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read(MAX_STORED_OCTETS)
        except AWS_TROUBLE as trouble:
            raise Unavailable(f"{key} cannot be read") from trouble
        if hashlib.sha256(stored).hexdigest() != database.digest:
            raise Unavailable(f"{key} is not what the rule set names")
        return _unpacked(stored)

    def write(self, version: str, octets: bytes) -> RuleDatabase:
        """Store a database that was made here."""
        stored = zlib.compress(octets)
        if len(stored) > MAX_STORED_OCTETS or len(octets) > MAX_OCTETS:
            raise Unavailable("the database is too large to be kept")
        made = RuleDatabase(this_scanner(), hashlib.sha256(stored).hexdigest())
        try:
            self.client.put_object(Bucket=self.bucket, Key=_key(version, made), Body=stored)
        except AWS_TROUBLE as trouble:
            raise Unavailable("the database cannot be stored") from trouble
        return made

    def remove_others(self, current: RuleSet, now: datetime) -> None:
        """Remove the databases of sets that are no longer in force."""
        keep = _key(current.version, current.database) if current.database else ""
        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=PREFIX)
            found = [one for page in pages for one in page.get("Contents", ())]
            for one in found:
                if one["Key"] != keep and one["LastModified"] < now - KEPT:
                    self.client.delete_object(Bucket=self.bucket, Key=one["Key"])
        except AWS_TROUBLE as trouble:
            raise Unavailable("old databases cannot be removed") from trouble


class RuleDatabaseReader:
    """Keeps the database of one set; a database that cannot be read is tried again after a minute."""

    def __init__(self, databases: S3RuleDatabases, seconds: Callable[[], float] = time.monotonic) -> None:
        self._databases = databases
        self._seconds = seconds
        self._reading = Lock()
        self._kept: tuple[str, bytes | None] = ("", None)
        self._next_read = float("-inf")

    def database(self, rule_set: RuleSet) -> bytes | None:
        """The set's database, if it was made for a scanner like ours and is what the set names; never raises."""
        wanted = rule_set.database
        if wanted is None or wanted.scanner != this_scanner():
            return None
        with self._reading:
            digest, octets = self._kept
            if digest != wanted.digest or (octets is None and self._seconds() >= self._next_read):
                self._kept = wanted.digest, self._read(rule_set.version, wanted)
                self._next_read = self._seconds() + RETRY_SECONDS
            return self._kept[1]

    def _read(self, version: str, wanted: RuleDatabase) -> bytes | None:
        try:
            return self._databases.read(version, wanted)
        except Unavailable:
            return None  # the rules run by their literals, with the same hits


def _key(version: str, database: RuleDatabase) -> str:
    return f"{PREFIX}{version}/{database.scanner}/{database.digest}"


def _unpacked(stored: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        octets = unpacking.decompress(stored, MAX_OCTETS)
    except zlib.error as wrong:
        raise Unavailable("the database is malformed") from wrong
    if not unpacking.eof:
        raise Unavailable("the database is too large or cut short")
    return octets
