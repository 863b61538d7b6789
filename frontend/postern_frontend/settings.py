"""What the front end is told by its environment: where its state lies, what it listens on, and its limits.

Names and reading are those of `postern_aws.settings`: `POSTERN_` and the attribute in capitals.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from dataclasses import dataclass
from typing import Any

from postern_aws.settings import FrontEndSettings

_WORDS = {"true": True, "false": False}


def _number(default: int | None, least: int, most: int) -> Any:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ValueError(f"expected a number from {least} to {most}, found {text!r}")
        return int(text)

    return dataclasses.field(default=default, metadata={"read": read})


def _optional_port() -> Any:
    """A port, 0 for any that is free; without one there is no such listener."""
    return _number(None, 0, 65535)


def _seconds(default: float, most: float) -> Any:
    def read(text: str) -> float:
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1
        if not 0 <= seconds <= most:
            raise ValueError(f"expected seconds from 0 to {most:g}, found {text!r}")
        return seconds

    return dataclasses.field(default=default, metadata={"read": read})


def _flag(default: bool) -> Any:
    def read(text: str) -> bool:
        if text.lower() not in _WORDS:
            raise ValueError(f"expected true or false, found {text!r}")
        return _WORDS[text.lower()]

    return dataclasses.field(default=default, metadata={"read": read})


def _address(default: str) -> Any:
    def read(text: str) -> str:
        return str(ipaddress.ip_address(text))

    return dataclasses.field(default=default, metadata={"read": read})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSettings(FrontEndSettings):
    """The SMTP receiver. Sizes are in octets; ports are those inside the task."""

    listen_address: str = _address("0.0.0.0")
    smtp_port: int = _number(2525, 0, 65535)
    submission_port: int | None = _optional_port()
    submissions_port: int | None = _optional_port()
    health_port: int = _number(8080, 0, 65535)
    proxy_protocol: bool = _flag(False)
    max_message_octets: int = _number(52_428_800, 65_536, 209_715_200)
    spool_octets: int = _number(2_147_483_648, 1_048_576, 1 << 40)
    max_connections: int = _number(1_000, 1, 100_000)
    max_connections_per_client: int = _number(50, 1, 100_000)
    max_connections_per_network: int = _number(200, 1, 100_000)
    storage_threads: int = _number(32, 1, 512)
    filter_threads: int = _number(64, 1, 512)
    drain_seconds: float = _seconds(100, 110)
