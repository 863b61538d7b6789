"""The health check of the load balancer: HTTP, one answer, `200` or `503` while the service drains."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

HEALTH_PATH = "/health"
MAX_REQUEST_OCTETS = 8_192
REQUEST_SECONDS = 10


class _HealthProtocol(asyncio.Protocol):
    """One request, one answer, close."""

    def __init__(self, is_healthy: Callable[[], bool]) -> None:
        self._is_healthy = is_healthy
        self._request = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_server hands over
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_later(REQUEST_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        self._request += data
        if self._transport is None or self._transport.is_closing():
            return
        if b"\r\n\r\n" in self._request or len(self._request) > MAX_REQUEST_OCTETS:
            self._transport.write(self._answer())
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    def _answer(self) -> bytes:
        words = self._request.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or words[0] not in (b"GET", b"HEAD") or words[1] != HEALTH_PATH.encode():
            status, text = "404 Not Found", "not found\n"
        elif self._is_healthy():
            status, text = "200 OK", "ok\n"
        else:
            status, text = "503 Service Unavailable", "draining\n"
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\nConnection: close"
        return f"{head}\r\n\r\n{'' if words[0] == b'HEAD' else text}".encode("ascii")


async def serve_health(host: str, port: int, is_healthy: Callable[[], bool]) -> asyncio.Server:
    """Answer health checks. Raises OSError when the address is taken."""
    return await asyncio.get_running_loop().create_server(lambda: _HealthProtocol(is_healthy), host, port)
