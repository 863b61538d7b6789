"""Structured logs: one JSON object a line, every line of a session with its id. Never a message body or password."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from postern.wire import clean_text
from postern_frontend.client_address import Client

AUTHENTICATION_LOG = "postern.authentication"
"""The logger of failed logins. Other programs read its lines, so they are written as they are and always."""

_FIELDS = "postern_fields"


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON: time, level, event, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "event": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return clean_text(json.dumps(line, ensure_ascii=False, default=str))


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Send every log line of the process to `stream`, by default standard output: as JSON, but for failed logins."""
    handler, plain = logging.StreamHandler(stream or sys.stdout), logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonFormatter())
    plain.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    authentication = logging.getLogger(AUTHENTICATION_LOG)
    authentication.handlers[:] = [plain]
    authentication.propagate = False
    authentication.setLevel(logging.WARNING)


def log_event(logger: logging.Logger, level: int, event: str, **fields: object) -> None:
    """Write an event that belongs to no session."""
    if logger.isEnabledFor(level):
        logger.log(level, event, extra={_FIELDS: fields})


class SessionLog:
    """Writes the events of one session."""

    def __init__(self, logger: logging.Logger, session_id: str, client: Client) -> None:
        self._logger = logger
        self._fields = {"session_id": session_id, "client_ip": client.ip}

    def info(self, event: str, **fields: object) -> None:
        """Something that happens to every session or message."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Something the operator may have to do something about."""
        self._write(logging.WARNING, event, fields)

    def unforeseen(self, error: BaseException) -> None:
        """A fault in this program, with its traceback."""
        self._logger.error("unforeseen", exc_info=error, extra={_FIELDS: self._fields})

    def _write(self, level: int, event: str, fields: dict[str, object]) -> None:
        log_event(self._logger, level, event, **{**self._fields, **fields})
