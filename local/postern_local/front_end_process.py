"""Front-end tasks as child processes: started, found ready, started again when they die.

StartError    a front end does not come up; the text says what it said
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from postern_local.account import CLIENT_ENVIRONMENT

HOST = "127.0.0.1"
READY_SECONDS = 30
STOP_SECONDS = 120
RESTART_PAUSE_SECONDS = 0.5


class StartError(Exception):
    """A front end does not come up."""


@dataclass(slots=True)
class FrontEndProcess:
    """One task. `variables` are those of the template's container and its ports; `log` takes what it says.

    Without a zone file the system resolves names.
    """

    name: str
    variables: Mapping[str, str]
    endpoint_url: str
    health_port: int
    log: Path
    zone_file: Path | None = None
    _process: subprocess.Popen[bytes] | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def pid_file(self) -> Path:
        """Where the id of the process stands, beside its log; another one after every restart."""
        return self.log.with_suffix(".pid")

    def start(self) -> None:
        """Start it; from then on it is started again whenever it dies."""
        self._spawn()
        threading.Thread(target=self._keep_running, name=f"{self.name} supervisor", daemon=True).start()

    def wait_until_ready(self) -> None:
        """Wait for its health check. Raises `StartError`."""
        until = time.monotonic() + READY_SECONDS
        while not self._is_healthy():
            if time.monotonic() > until:
                said = self.log.read_text(encoding="utf-8", errors="replace")[-2000:] if self.log.is_file() else ""
                raise StartError(f"{self.name} does not come up. {self.log} ends with:\n{said}")
            time.sleep(0.05)

    def ask_to_stop(self) -> None:
        """SIGTERM, as ECS sends it; from now on the process is not started again."""
        self._stopping.set()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def wait_until_stopped(self) -> None:
        """Wait for its end, and kill it if that takes longer than a task may."""
        if self._process is None:
            return
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _spawn(self) -> None:
        environment = {
            **os.environ,
            **CLIENT_ENVIRONMENT,
            **self.variables,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "POSTERN_LISTEN_ADDRESS": HOST,
            "POSTERN_HEALTH_PORT": str(self.health_port),
        }
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a module of this package
                [sys.executable, "-m", "postern_local.front_end_child", *self._arguments()],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the service, which then stops its children in order
            )
        written = self.pid_file.with_suffix(".new")
        written.write_text(f"{self._process.pid}\n", encoding="ascii")
        written.replace(self.pid_file)  # who reads it meanwhile sees the old one or the new one, never none

    def _arguments(self) -> list[str]:
        return [str(self.zone_file)] if self.zone_file is not None else []

    def _keep_running(self) -> None:
        while self._process is not None:
            self._process.wait()
            if self._stopping.wait(RESTART_PAUSE_SECONDS):
                return
            self._spawn()

    def _is_healthy(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.health_port, timeout=2)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
