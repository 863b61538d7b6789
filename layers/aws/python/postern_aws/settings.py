"""What each deployable is told by its environment: one typed model each, read once by its composition root.

The names are `POSTERN_` and the attribute in capitals. This is the only place that reads the environment.

    SettingsError    variables are missing or malformed; the text names all of them at once
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

SettingsT = TypeVar("SettingsT")

PREFIX = "POSTERN_"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_HOSTNAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_ARN = re.compile(r"arn:[^:\s]+:[^:\s]+:[^:\s]*:[^:\s]*:\S+")
_URL = re.compile(r"https?://\S+")
_NAME = re.compile(r"[A-Za-z0-9._:/-]{3,2048}")
_WORDS = re.compile(r"[a-z0-9_]*(?:,[a-z0-9_]+)*")


class SettingsError(ValueError):
    """The environment cannot be used; the text lists every variable and what is wrong with it."""


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(f"expected {what}, found {text!r}")
        return text

    return read


def _log_level(text: str) -> str:
    level = text.upper()
    if level not in LOG_LEVELS:
        raise ValueError(f"expected one of {', '.join(LOG_LEVELS)}, found {text!r}")
    return level


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in _matching(_WORDS, "names separated by commas")(text).split(",") if word)


def _name() -> Any:
    return dataclasses.field(metadata={"read": _matching(_NAME, "the name of a table or bucket")})


def _optional_table() -> Any:
    return dataclasses.field(default=None, metadata={"read": _matching(_NAME, "a table")})


def _arn() -> Any:
    return dataclasses.field(metadata={"read": _matching(_ARN, "an ARN")})


def _url() -> Any:
    return dataclasses.field(metadata={"read": _matching(_URL, "a URL")})


def _hostname() -> Any:
    return dataclasses.field(metadata={"read": _matching(_HOSTNAME, "a host name")})


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonSettings:
    """What every deployable has."""

    log_level: str = dataclasses.field(default="INFO", metadata={"read": _log_level})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChecksSettings(CommonSettings):
    """A function that runs checks. `checks` are loaded at cold start; without it each is loaded when first asked for.

    The bucket and the tables are absent where no check needs them.
    """

    checks: tuple[str, ...] = dataclasses.field(default=(), metadata={"read": _words})
    message_bucket: str | None = dataclasses.field(default=None, metadata={"read": _matching(_NAME, "a bucket")})
    sender_lists_table: str | None = _optional_table()
    greylist_table: str | None = _optional_table()
    correspondents_table: str | None = _optional_table()
    sent_messages_table: str | None = _optional_table()
    batv_secret_arn: str | None = dataclasses.field(default=None, metadata={"read": _matching(_ARN, "an ARN")})


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideSettings(CommonSettings):
    """The decide function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignSettings(CommonSettings):
    """The sign function. The secrets of DKIM keys are found by their names."""

    message_bucket: str = _name()
    batv_secret_arn: str = _arn()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings(CommonSettings):
    """The deliver and sweep functions: whoever turns committed rows into copies."""

    message_bucket: str = _name()
    outbox_table: str = _name()
    mailboxes_table: str = _name()
    quarantine_table: str = _name()
    received_reports_table: str | None = _optional_table()
    correspondents_table: str | None = _optional_table()
    relay_queue_url: str = _url()
    notice_topic_arn: str = _arn()
    learn_queue_url: str | None = dataclasses.field(default=None, metadata={"read": _matching(_URL, "a URL")})
    hostname: str = _hostname()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompilePolicySettings(CommonSettings):
    """The compile function."""

    message_bucket: str = _name()
    policy_table: str = _name()
    domains_table: str = _name()
    sender_lists_table: str = _name()
    notice_topic_arn: str = _arn()


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRulesSettings(CommonSettings):
    """The update of the rules."""

    message_bucket: str = _name()
    notice_topic_arn: str = _arn()


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestSettings(CommonSettings):
    """The self-test."""

    message_bucket: str = _name()
    policy_table: str = _name()
    state_machine_arn: str = _arn()
    notice_topic_arn: str = _arn()
    hostname: str = _hostname()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThawSettings(CommonSettings):
    """The function behind the link that lets a frozen account send again."""

    accounts_table: str = _name()
    screening_table: str = _name()
    outbox_table: str = _name()
    thaw_secret_arn: str = _arn()


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnSettings(CommonSettings):
    """The learn function."""

    message_bucket: str = _name()
    bayes_tokens_table: str = _name()
    notice_topic_arn: str = _arn()


@dataclass(frozen=True, slots=True, kw_only=True)
class SendDmarcReportsSettings(CommonSettings):
    """The function that sends aggregate reports."""

    message_bucket: str = _name()
    accounts_table: str = _name()
    aliases_table: str = _name()
    outbox_table: str = _name()
    dmarc_reports_table: str = _name()
    outbound_state_machine_arn: str = _arn()
    hostname: str = _hostname()


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontEndSettings(CommonSettings):
    """The SMTP receiver."""

    message_bucket: str = _name()
    accounts_table: str = _name()
    aliases_table: str = _name()
    outbox_table: str = _name()
    receipts_table: str = _name()
    dmarc_reports_table: str | None = _optional_table()
    screening_table: str = _name()
    state_machine_arn: str = _arn()
    outbound_state_machine_arn: str = _arn()
    notice_topic_arn: str = _arn()
    security_topic_arn: str = _arn()
    tls_secret_arn: str = _arn()
    thaw_secret_arn: str | None = dataclasses.field(default=None, metadata={"read": _matching(_ARN, "an ARN")})
    thaw_url: str | None = dataclasses.field(default=None, metadata={"read": _matching(_URL, "a URL")})
    correspondents_table: str | None = _optional_table()
    learn_queue_url: str | None = dataclasses.field(default=None, metadata={"read": _matching(_URL, "a URL")})
    hostname: str = _hostname()


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings(CommonSettings):
    """The relay worker."""

    message_bucket: str = _name()
    accounts_table: str = _name()
    aliases_table: str = _name()
    outbox_table: str = _name()
    quarantine_table: str = _name()
    sent_messages_table: str | None = _optional_table()
    screening_table: str | None = _optional_table()
    outbound_state_machine_arn: str = _arn()
    relay_queue_url: str = _url()
    notice_topic_arn: str = _arn()
    hostname: str = _hostname()


def read_settings(kind: type[SettingsT], environment: Mapping[str, str] | None = None) -> SettingsT:
    """The settings of one deployable from its environment; an empty variable counts as absent.

    Raises `SettingsError`.
    """
    source = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    problems: list[str] = []
    model: Any = kind
    for item in dataclasses.fields(model):
        variable = f"{PREFIX}{item.name.upper()}"
        text = source.get(variable, "").strip()
        if not text:
            if item.default is dataclasses.MISSING:
                problems.append(f"{variable} is missing")
            continue
        try:
            values[item.name] = item.metadata["read"](text)
        except ValueError as wrong:
            problems.append(f"{variable}: {wrong}")
    if problems:
        raise SettingsError(f"{kind.__name__}: " + "; ".join(problems))
    return kind(**values)


def variables(kind: type) -> dict[str, bool]:
    """The environment variables of a deployable, and whether each one is required."""
    model: Any = kind
    return {f"{PREFIX}{item.name.upper()}": item.default is dataclasses.MISSING for item in dataclasses.fields(model)}
