"""How an attempt ended, and what the other server said.

Outcome.DELIVERED   it took the copy
Outcome.DEFERRED    not now: no connection, a 4yz reply, TLS or login that policy demands and did not work
Outcome.REFUSED     never: a 5yz reply to the envelope or the message, or an extension it needs and lacks
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_TEXT = 300


class Outcome(StrEnum):
    """How an attempt ended."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt ended, and in whose words.

    `host` is the server that said it, and empty when the words are ours. `reports` says that it took over telling the
    sender (RFC 3461 §5.2.2). `is_unsure` says that it may have taken the copy: nobody else is asked then. `soon` is
    for what is only in our own way.
    """

    outcome: Outcome
    text: str
    host: str = ""
    reports: bool = False
    is_unsure: bool = False
    soon: bool = False


def deferred(text: str, host: str = "") -> Answer:
    """Not now."""
    return Answer(Outcome.DEFERRED, text[:MAX_TEXT], host)


def refused(text: str, host: str = "") -> Answer:
    """Never."""
    return Answer(Outcome.REFUSED, text[:MAX_TEXT], host)
