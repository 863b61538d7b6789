"""The policy section `smtp`: what is asked of the manners of a client that brings mail."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from postern.policy import setting

MAX_GREETING_MILLISECONDS = 60_000
"""RFC 5321 §4.5.3.2.1 has clients wait for five minutes; many wait for one."""


class EarlyTalk(StrEnum):
    """What to do with a client that speaks before the greeting."""

    OBSERVE = "observe"
    REFUSE = "refuse"


class BareLineEnds(StrEnum):
    """What to do with a message that holds a bare CR or LF."""

    NORMALIZE = "normalize"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpPolicy:
    """Manners on port 25; line ends are looked at on every port. What changes here counts within two minutes."""

    greeting_milliseconds: int = setting(
        0,
        "milliseconds for which the greeting on port 25 waits; trusted clients wait for nothing",
        minimum=0,
        maximum=MAX_GREETING_MILLISECONDS,
    )
    early_talk: EarlyTalk = setting(
        EarlyTalk.REFUSE, "refuse ends the session of who speaks before the greeting, observe only notes it"
    )
    bare_newline: BareLineEnds = setting(
        BareLineEnds.NORMALIZE, "normalize turns a bare CR or LF into CRLF and notes it, reject refuses the message"
    )

    @property
    def greeting_seconds(self) -> float:
        """How long the greeting waits."""
        return self.greeting_milliseconds / 1000
