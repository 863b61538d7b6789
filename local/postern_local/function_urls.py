"""Function URLs on one machine: an HTTP listener on loopback that turns a request into the event Lambda makes of it.

The addresses are `http://127.0.0.1:PORT/<logical id>/`; in AWS each function has a host of its own.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Json = Any
Invoke = Callable[[str, Json], Json]
"""Invokes a function by its name; raises when it fails."""

HOST = "127.0.0.1"
MAX_BODY = 6 * 1024 * 1024
"""Of a request, as Lambda's."""

_log = logging.getLogger(__name__)


class FunctionUrls:
    """The listener, from the first address on. Requests are answered once `invoke` is known."""

    def __init__(self) -> None:
        self.functions: dict[str, str] = {}
        self.invoke: Invoke | None = None
        self._server: ThreadingHTTPServer | None = None

    def add(self, logical_id: str, function: str) -> str:
        """The address of a function from now on."""
        self.functions[logical_id] = function
        self._server = self._server or self._listen()
        return f"http://{HOST}:{self._server.server_port}/{logical_id}/"

    def close(self) -> None:
        """Take no more requests."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _listen(self) -> ThreadingHTTPServer:
        urls = self

        class Handler(_Handler):
            function_urls = urls

        server = ThreadingHTTPServer((HOST, 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, name="function urls", daemon=True).start()
        return server


class _Handler(BaseHTTPRequestHandler):
    """One request, one invocation."""

    function_urls: FunctionUrls
    protocol_version = "HTTP/1.1"
    timeout = 30

    def _do(self) -> None:
        """Invoke the function whose address this is."""
        path = urlsplit(self.path)
        name = self.function_urls.functions.get(path.path.strip("/"))
        length = int(self.headers.get("Content-Length") or 0)
        if name is None or self.function_urls.invoke is None or length > MAX_BODY:
            self._answer(404, {}, b"")
            return
        event = _event(self.command, path.query, dict(self.headers), self.rfile.read(length), self.client_address[0])
        try:
            answer = self.function_urls.invoke(name, event)
        except Exception:  # noqa: BLE001 - Lambda answers 502 whatever a function raises
            _log.exception("%s failed", name)
            self._answer(502, {}, b"Internal Server Error")
            return
        self._answer(int(answer["statusCode"]), answer.get("headers", {}), str(answer.get("body", "")).encode())

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = _do  # noqa: N815 - names of http.server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """No access log: the address is a key."""

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _event(method: str, query: str, headers: Mapping[str, str], body: bytes, client_ip: str) -> Json:
    """A request in the form of payload version 2.0."""
    return {
        "version": "2.0",
        "rawPath": "/",
        "rawQueryString": query,
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {"http": {"method": method, "path": "/", "protocol": "HTTP/1.1", "sourceIp": client_ip}},
        **({"body": base64.b64encode(body).decode(), "isBase64Encoded": True} if body else {"isBase64Encoded": False}),
    }
