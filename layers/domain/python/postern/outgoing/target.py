"""A server that mail is handed on to, as policy names it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TargetTls(StrEnum):
    """How a server is spoken to: never by TLS, when it offers it, or only when its certificate is good."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class RelayTarget:
    """A server by its name. `secret` names the secret that holds the password of `user`."""

    host: str
    port: int = 25
    tls: TargetTls = TargetTls.OPPORTUNISTIC
    user: str = ""
    secret: str = ""
