"""Failures on purpose: some share of the calls to AWS fail, as AWS fails now and then.

Half of them are refused before anything is done; the other half are done, and the answer is lost: whoever asked cannot
know. Only for trying what the service does then. Front ends call over HTTP; functions call within this process.

    FaultsError    the text does not name services and shares
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.core.botocore_stubber import BotocoreStubber

Environ = Mapping[str, Any]
Application = Callable[[Any, Any], Iterable[bytes]]

FUNCTION_NAME = "AWS_LAMBDA_FUNCTION_NAME"
"""A variable that only a running function has."""

SERVICES = ("s3", "dynamodb", "states", "sqs", "sns", "secretsmanager")
_SCOPE = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/(?P<service>[a-z0-9-]+)/aws4_request")


class FaultsError(ValueError):
    """A text that says no faults."""


def read_faults(text: str) -> dict[str, float]:
    """Shares by service, from `s3=0.05,states=0.1`. Raises `FaultsError`."""
    found: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        service, _, share = part.partition("=")
        if service not in SERVICES or not re.fullmatch(r"0(?:\.[0-9]+)?|1(?:\.0+)?", share):
            raise FaultsError(f"{part!r}: write a service ({', '.join(SERVICES)}), = and a share from 0 to 1")
        found[service] = float(share)
    return found


@dataclass(slots=True)
class FaultyApplication:
    """A WSGI application some of whose calls fail. `counts` tells how many did, by service."""

    inner: Application
    shares: Mapping[str, float]
    chance: random.Random = field(default_factory=random.Random)
    counts: dict[str, int] = field(default_factory=dict)

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        """Answer a request, or fail."""
        service = service_of(environ)
        if self.chance.random() >= self.shares.get(service, 0.0):
            return self.inner(environ, start_response)
        self.counts[service] = self.counts.get(service, 0) + 1
        if self.chance.random() < 0.5:
            _exhaust(self.inner(environ, lambda *_: lambda _: None))
        else:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        body = b"failed on purpose"
        start_response("500 Internal Server Error", [("Content-Length", str(len(body))), ("Connection", "close")])
        return [body]


@dataclass(slots=True)
class FaultyFunctions:
    """The calls of the functions of this process, some of which fail. Shares may change while it is installed."""

    shares: Mapping[str, float]
    chance: random.Random = field(default_factory=random.Random)
    counts: dict[str, int] = field(default_factory=dict)

    def install(self) -> None:
        """Stand between functions and moto from now on; other calls of this process pass."""
        stubber: Any = BotocoreStubber
        answer = stubber.process_request

        def process_request(this: Any, request: Any) -> Any:
            service = _signed_for(_text(request.headers.get("Authorization", "")))
            if FUNCTION_NAME not in os.environ or self.chance.random() >= self.shares.get(service, 0.0):
                return answer(this, request)
            self.counts[service] = self.counts.get(service, 0) + 1
            if self.chance.random() < 0.5:
                answer(this, request)
            return 500, {}, b"failed on purpose"

        stubber.process_request = process_request


def service_of(environ: Environ) -> str:
    """The service a request is signed for; empty when it is not signed."""
    return _signed_for(str(environ.get("HTTP_AUTHORIZATION", "")))


def _signed_for(authorization: str) -> str:
    signed = _SCOPE.search(authorization)
    return signed["service"] if signed else ""


def _text(header: str | bytes) -> str:
    return header.decode("ascii", "replace") if isinstance(header, bytes) else header


def _exhaust(answer: Iterable[bytes]) -> None:
    try:
        for _ in answer:
            continue
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()
