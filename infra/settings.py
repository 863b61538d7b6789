"""What is decided at deploy time: one typed model, read from the CDK context (`cdk.json`, `cdk deploy -c name=value`).

Everything that can change without a deployment is policy and lives in DynamoDB, not here.

    SettingsError     one or more settings cannot be used; the text names each and says what would be right
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from postern.workflow import Packing

LOG_RETENTION_DAYS = (1, 7, 14, 30, 90, 180, 365, 731)
MAX_TASKS = 50
MAX_THAW_CONCURRENCY = 10

_HOST_NAME = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?P<host>[A-Za-z0-9.-]{4,253})")
_EXAMPLE = re.compile(r"(?:.*\.)?(?:example(?:\.(?:com|net|org))?|invalid|test|localhost)")


class SettingsError(ValueError):
    """Deploy-time settings that cannot be used; the text has a line for each."""


def _host_name(value: object) -> str:
    host = str(value).strip().lower().rstrip(".")
    if not _HOST_NAME.fullmatch(host):
        raise ValueError(f"{value!r} is not a full host name such as mx.example.org")
    return host


def _address(value: object) -> str:
    text = str(value).strip()
    match = _ADDRESS.fullmatch(text)
    if not match or not _HOST_NAME.fullmatch(match["host"].lower()):
        raise ValueError(f"{value!r} is not an address such as postmaster@example.org")
    return text


def _flag(value: object) -> bool:
    known = {"true": True, "false": False}
    word = str(value).lower()
    if word not in known:
        raise ValueError(f"{value!r} is neither true nor false")
    return known[word]


def _packing(value: object) -> Packing:
    if str(value) not in set(Packing):
        raise ValueError(f"{value!r} is not one of: {', '.join(Packing)}")
    return Packing(str(value))


def _tasks(value: object) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", str(value)) or not 1 <= int(str(value)) <= MAX_TASKS:
        raise ValueError(f"{value!r} is not a number from 1 to {MAX_TASKS}")
    return int(str(value))


def _concurrency(value: object) -> int:
    if str(value) not in map(str, range(MAX_THAW_CONCURRENCY + 1)):
        raise ValueError(f"{value!r} is not a number from 0 to {MAX_THAW_CONCURRENCY}")
    return int(str(value))


def _retention(value: object) -> int:
    if str(value) not in map(str, LOG_RETENTION_DAYS):
        raise ValueError(f"{value!r} is not one of: {', '.join(map(str, LOG_RETENTION_DAYS))}")
    return int(str(value))


def _read_by(read: Callable[[object], Any], doc: str) -> dict[str, Any]:
    return {"read": read, "doc": doc}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploySettings:
    """The settings of one deployment. `docs/deploy.md` explains them; a test holds the two together."""

    hostname: str = field(metadata=_read_by(_host_name, "the service's name: in MX records, certificate and banner"))
    postmaster_email: str = field(metadata=_read_by(_address, "who is told of trouble"))
    security_email: str = field(
        default="", metadata=_read_by(_address, "who is told of attacks and bans; the postmaster if absent")
    )
    packing: Packing = field(
        default=Packing.CHECK, metadata=_read_by(_packing, "check for one Lambda per check, stage for one per stage")
    )
    production: bool = field(default=False, metadata=_read_by(_flag, "keep mail and tables when the stack is deleted"))
    desired_tasks: int = field(default=2, metadata=_read_by(_tasks, "front-end tasks to begin with"))
    max_tasks: int = field(default=6, metadata=_read_by(_tasks, "front-end tasks under load"))
    log_retention_days: int = field(default=30, metadata=_read_by(_retention, "days that logs are kept"))
    submission: bool = field(default=False, metadata=_read_by(_flag, "open 587 and 465 beside 25"))
    thaw_concurrency: int = field(
        default=0,
        metadata=_read_by(_concurrency, "executions reserved for, and the most of, the link that thaws accounts"),
    )
    vendored_layers: bool = field(
        default=True,
        metadata=_read_by(_flag, "deploy the layers of others' packages; false for the embedded AWS, which has them"),
    )

    @property
    def told_of_security(self) -> str:
        """The address that security notices go to."""
        return self.security_email or self.postmaster_email


def read_settings(context: Callable[[str], object | None]) -> DeploySettings:
    """The settings from a look-up by name, `None` for absent. Raises `SettingsError` with everything that is wrong."""
    values: dict[str, Any] = {}
    troubles: list[str] = []
    for item in fields(DeploySettings):
        given = context(item.name)
        if given in (None, "") and item.default is not MISSING:
            continue
        try:
            values[item.name] = item.metadata["read"](given)
        except ValueError as trouble:
            troubles.append(_told(item, given, trouble))
    troubles = troubles or _contradictions(DeploySettings(**values))
    if troubles:
        raise SettingsError("Deploy-time settings (in cdk.json, or -c name=value):\n  " + "\n  ".join(troubles))
    return DeploySettings(**values)


def _told(item: Field[Any], given: object, trouble: ValueError) -> str:
    what = "is missing" if given in (None, "") else str(trouble)
    return f"{item.name}: {what}. It is {item.metadata['doc']}."


def _contradictions(settings: DeploySettings) -> list[str]:
    found = []
    if settings.max_tasks < settings.desired_tasks:
        found.append(f"max_tasks: {settings.max_tasks} is less than desired_tasks, {settings.desired_tasks}.")
    if settings.production and settings.desired_tasks < 2:
        found.append("desired_tasks: production needs at least 2, one in each zone.")
    if settings.production and _EXAMPLE.fullmatch(settings.hostname):
        found.append(f"hostname: {settings.hostname} is reserved for examples; production needs your own.")
    return found
