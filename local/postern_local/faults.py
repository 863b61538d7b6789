"""Failures on purpose: some share of the calls that come over HTTP fail, as AWS fails now and then.

Half of them are refused before anything is done; the other half are done, and the answer is lost: whoever asked cannot
know. Only for trying what the service does then (`postern up --faults s3=0.05,dynamodb=0.05,states=0.1`).

    FaultsError    the text does not name services and shares
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Environ = Mapping[str, Any]
Application = Callable[[Any, Any], Iterable[bytes]]

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


def service_of(environ: Environ) -> str:
    """The service a request is signed for; empty when it is not signed."""
    signed = _SCOPE.search(str(environ.get("HTTP_AUTHORIZATION", "")))
    return signed["service"] if signed else ""


def _exhaust(answer: Iterable[bytes]) -> None:
    try:
        for _ in answer:
            continue
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()
