"""Plain reads of objects by the functions of this process, without HTTP between them and moto.

A check reads its message by GetObject. Signing a request and parsing its answer takes most of a check's time when
both ends are in one process; so botocore is given the answer before it makes a request. Anything but a plain read of
an object that is there takes the usual way.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore import handlers
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.response import StreamingBody
from moto.s3.models import s3_backends

from postern_local.account import ACCOUNT
from postern_local.durable_objects import PARTITION

EVENT = "before-call.s3.GetObject"
PLAIN = frozenset({"Bucket", "Key"})
ADDED_BY_BOTOCORE = frozenset({"ChecksumMode"})


def install() -> None:
    """Let every client that is made from now on read in this way."""
    if not any(name == EVENT for name, *_ in handlers.BUILTIN_HANDLERS):
        handlers.BUILTIN_HANDLERS.append((EVENT, answer))


def answer(params: Any, **_: Any) -> Any:
    """What botocore's `before-call` takes for the response: HTTP and parsed; `None` to go on."""
    address = _plain_address(params)
    if address is None:
        return None
    bucket = s3_backends[ACCOUNT][PARTITION].buckets.get(address[0])
    key = bucket.keys.get(address[1]) if bucket is not None else None
    if key is None or not hasattr(key, "value"):
        return None
    content = key.value
    parsed = {
        "Body": StreamingBody(io.BytesIO(content), len(content)),
        "ContentLength": len(content),
        "ETag": key.etag,
        "Metadata": {},
        "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0},
    }
    return AWSResponse("", 200, HTTPHeaders(), None), parsed


def _plain_address(request: Mapping[str, Any]) -> tuple[str, str] | None:
    """Bucket and key of a request without conditions, ranges or an endpoint of its own."""
    asked = request.get("context", {}).get("s3_redirect", {}).get("params", {})
    host = urlsplit(request.get("url", "")).hostname or ""
    if set(asked) - ADDED_BY_BOTOCORE != PLAIN or not host.endswith(".amazonaws.com"):
        return None
    return str(asked["Bucket"]), str(asked["Key"])
