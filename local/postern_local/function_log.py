"""Where the functions' lines go: files of the state directory, as CloudWatch Logs would have them."""

from __future__ import annotations

import logging
from pathlib import Path

from postern_aws import runtime

FUNCTIONS = "functions.log"
EMBEDDED = "embedded-aws.log"
METRICS = "metrics.log"


def to_files(folder: Path) -> None:
    """Send log lines and metric lines of all functions to files, and what streams and schedules have to say."""
    folder.mkdir(parents=True, exist_ok=True)
    _send(logging.getLogger("postern_local"), folder / EMBEDDED)
    _send(logging.getLogger("postern.metrics"), folder / METRICS)
    _send(logging.getLogger(runtime.logger.name), folder / FUNCTIONS)


def _send(log: logging.Logger, path: Path) -> None:
    handler = logging.FileHandler(path, encoding="utf-8")
    for known in list(log.handlers):
        if known.formatter is not None:
            handler.setFormatter(known.formatter)
        log.removeHandler(known)
    log.addHandler(handler)
    log.propagate = False
