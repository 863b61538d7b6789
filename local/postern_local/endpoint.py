"""The embedded AWS over HTTP, on loopback: for the front end and the command line, which are other processes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from postern_local.faults import FaultyApplication

HOST = "127.0.0.1"


class _Handler(MotoRequestHandler):
    """Keeps connections open, as AWS does, and logs nothing of each request."""

    protocol_version = "HTTP/1.1"

    def log(self, *args: Any, **kwargs: Any) -> None:
        """No access log."""


class Endpoint:
    """An HTTP server on a port of its own choice, or on the given one; its errors go to `log`.

    `faults` is the share of calls that fail on purpose, by service.
    """

    def __init__(self, log: Path, port: int = 0, faults: Mapping[str, float] | None = None) -> None:
        _log_to(log)
        application: Any = DomainDispatcherApplication(create_backend_app)
        if faults:
            application = FaultyApplication(application, faults)
        self._server: BaseWSGIServer = make_server(HOST, port, application, threaded=True, request_handler=_Handler)
        threading.Thread(target=self._server.serve_forever, name="endpoint", daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self._server.server_port}"

    def close(self) -> None:
        """Take no more requests."""
        self._server.shutdown()


def _log_to(path: Path) -> None:
    for name in ("werkzeug", "moto"):
        log = logging.getLogger(name)
        log.setLevel(logging.ERROR)
        log.propagate = False
        log.addHandler(logging.FileHandler(path, encoding="utf-8"))
