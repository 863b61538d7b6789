from __future__ import annotations

import asyncio

import pytest

from postern_frontend.health import serve_health


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for octet in (request[:5], request[5:]):
        writer.write(octet)
        await writer.drain()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("request_line", "healthy", "status"),
    [
        (b"GET /health HTTP/1.1", True, b"200 OK"),
        (b"HEAD /health HTTP/1.0", True, b"200 OK"),
        (b"GET /health HTTP/1.1", False, b"503 Service Unavailable"),
        (b"GET /other HTTP/1.1", True, b"404 Not Found"),
        (b"POST /health HTTP/1.1", True, b"404 Not Found"),
        (b"EHLO mx.example.com", True, b"404 Not Found"),
    ],
)
def test_says_whether_new_connections_are_welcome(request_line: bytes, healthy: bool, status: bytes) -> None:
    async def session() -> bytes:
        async with await serve_health("127.0.0.1", 0, lambda: healthy) as server:
            port = server.sockets[0].getsockname()[1]
            return await ask(port, request_line + b"\r\nHost: x\r\n\r\n")

    answer = asyncio.run(session())
    assert answer.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert answer.endswith(b"\r\n\r\n") == request_line.startswith(b"HEAD")


def test_a_request_without_end_is_cut_off() -> None:
    async def session() -> bytes:
        async with await serve_health("127.0.0.1", 0, lambda: True) as server:
            port = server.sockets[0].getsockname()[1]
            return await ask(port, b"x" * 10_000)

    assert asyncio.run(session()).startswith(b"HTTP/1.1 404")
