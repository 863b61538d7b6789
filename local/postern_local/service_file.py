"""`service.json` in the state directory: how other processes find a service that runs, and what it is.

AlreadyRunning    another service runs on the directory
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

SERVICE_FILE = "service.json"
LOCK_FILE = "service.lock"
OWNER_ONLY = 0o700
"""Mail, password hashes and signing keys are in it."""


class AlreadyRunning(Exception):  # noqa: N818 - it states what is the case
    """Another service runs on the directory."""


@dataclass(frozen=True, slots=True)
class RunningService:
    """What `service.json` says. Ports are on loopback; on those named after a proxy a PROXY header is demanded."""

    pid: int
    endpoint_url: str
    smtp_port: int
    proxy_port: int
    hostname: str
    outputs: Mapping[str, str]
    submission_port: int = 0
    submissions_port: int = 0
    submission_proxy_port: int = 0

    def write(self, directory: Path) -> None:
        """Make it known, at once and whole."""
        scratch = directory / f".{SERVICE_FILE}.new"
        scratch.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        scratch.replace(directory / SERVICE_FILE)


@contextmanager
def only_one(directory: Path) -> Iterator[None]:
    """Hold the directory for this process. Raises `AlreadyRunning`."""
    directory.mkdir(parents=True, exist_ok=True, mode=OWNER_ONLY)
    directory.chmod(OWNER_ONLY)
    with (directory / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise AlreadyRunning(f"a service runs on {directory} already") from taken
        (directory / SERVICE_FILE).unlink(missing_ok=True)  # of a process that was killed
        try:
            yield
        finally:
            (directory / SERVICE_FILE).unlink(missing_ok=True)
