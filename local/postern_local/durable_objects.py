"""S3 of moto, made durable: an object's octets lie in a file, and a write answers when it would survive."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from moto.s3.models import FakeKey, S3Backend, s3_backends

from postern_local.account import ACCOUNT, REGION
from postern_local.journal import Journal, Statement

PARTITION = "aws"

_PUT = "replace into objects values (?, ?, ?, ?, ?, ?, ?)"
_DELETE = "delete from objects where bucket = ? and name = ?"


class BlobFile:
    """What moto takes for the buffer of an object's octets: a file, open only while it is read."""

    def __init__(self, journal: Journal, blob: str) -> None:
        self._journal = journal
        self.blob = blob
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Where the next read begins."""
        self._at = offset if whence == 0 else self._journal.blob_path(self.blob).stat().st_size + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        """The octets from there on."""
        with self._journal.blob_path(self.blob).open("rb") as file:
            file.seek(self._at)
            content = file.read(size)
        self._at += len(content)
        return content

    def close(self) -> None:
        """Nothing is open."""


class DurableObjects:
    """Takes the place of the operations of moto's S3 that write."""

    def __init__(self, journal: Journal, transient_buckets: frozenset[str]) -> None:
        self._journal = journal
        self._transient = transient_buckets

    def install(self) -> None:
        """Journal what is put and deleted, but for the buckets that every start fills anew."""
        backend: Any = S3Backend
        backend.put_object = self._durable_put(backend.put_object)
        backend.delete_object = self._durable_delete(backend.delete_object)

    def restore(self) -> int:
        """Put journalled objects back into the buckets that still exist; how many."""
        buckets = s3_backends[ACCOUNT][PARTITION].buckets
        count = 0
        for bucket, name, blob, size, etag, modified, metadata in self._journal.read("select * from objects"):
            if str(bucket) in buckets:
                key = self._restored(str(bucket), str(name), str(etag), json.loads(str(metadata)))
                key.contentsize = int(str(size))
                key.last_modified = datetime.fromisoformat(str(modified))
                key._value_buffer = BlobFile(self._journal, str(blob))  # noqa: SLF001 - where moto keeps octets
                buckets[str(bucket)].keys.setlist(str(name), [key])
                count += 1
        self._journal.drop_strays()
        return count

    @staticmethod
    def _restored(bucket: str, name: str, etag: str, metadata: dict[str, str]) -> Any:
        key: Any = FakeKey(
            name=name,
            value=b"",
            account_id=ACCOUNT,
            region_name=REGION,
            etag=etag,
            version_id="null",
            bucket_name=bucket,
            encryption="AES256",
        )
        key.set_metadata(metadata)
        return key

    def _durable_put(self, put: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(put)
        def run(backend: Any, bucket_name: str, key_name: str, value: bytes, *args: Any, **kwargs: Any) -> Any:
            if bucket_name in self._transient:
                return put(backend, bucket_name, key_name, value, *args, **kwargs)
            blob = self._journal.store_blob(value)
            replaced = _blob_of(backend, bucket_name, key_name)
            key = put(backend, bucket_name, key_name, value, *args, **kwargs)
            etag = key.etag.strip('"')
            key._value_buffer = BlobFile(self._journal, blob)  # noqa: SLF001 - the octets need not be in memory
            metadata = json.dumps({str(name): str(text) for name, text in key.metadata.items()})
            modified = key.last_modified.isoformat()
            row = (bucket_name, key_name, blob, len(value), etag, modified, metadata)
            self._append(Statement(_PUT, row), replaced)
            return key

        return run

    def _durable_delete(self, delete: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(delete)
        def run(backend: Any, bucket_name: str, key_name: str, *args: Any, **kwargs: Any) -> Any:
            removed = _blob_of(backend, bucket_name, key_name)
            answer = delete(backend, bucket_name, key_name, *args, **kwargs)
            if removed:
                self._append(Statement(_DELETE, (bucket_name, key_name)), removed)
            return answer

        return run

    def _append(self, statement: Statement, superseded: str) -> None:
        """Journal a change; the octets it supersedes go when it is durable."""
        drop = functools.partial(self._journal.drop_blob, superseded) if superseded else None
        self._journal.append([statement], drop)
        self._journal.settle()


def _blob_of(backend: Any, bucket_name: str, key_name: str) -> str:
    bucket = backend.buckets.get(bucket_name)
    key = bucket.keys.get(key_name) if bucket else None
    buffer = getattr(key, "_value_buffer", None)
    return buffer.blob if isinstance(buffer, BlobFile) else ""
