"""What is known of an account that sent too much: facts for the person who decides whether somebody else uses it.

None of this raises an alarm by itself: people travel, and write to strangers. It is gathered once, after the limits
have spoken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from postern.session.hijack import Alarm
from postern.session.subjects import is_screened, network

NEW_FOR = timedelta(hours=24)
"""How long a network counts as new."""

MAX_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`new_networks` were not used before the last day, `known_networks` is how many were. `held` copies wait."""

    new_networks: tuple[str, ...] = ()
    known_networks: int = 0
    held: int = 0


def evidence_of(alarm: Alarm, seen_from: Mapping[str, datetime], held: int) -> Evidence:
    """The evidence, given from where the account was used before, and how much of its mail is held."""
    old = {name for name, since in seen_from.items() if since <= alarm.at - NEW_FOR}
    used = dict.fromkeys(map(network_of, alarm.usage.clients))
    new = tuple(name for name in used if name and name not in old)
    return Evidence(new_networks=new, known_networks=len(old), held=held)


def network_of(client_ip: str) -> str:
    """The /24 or /64 of a client, empty for one that is private or unknown."""
    return network(client_ip).name if is_screened(client_ip) else ""


def signs(alarm: Alarm, evidence: Evidence) -> tuple[str, ...]:
    """What changed suddenly, in sentences."""
    return tuple(filter(None, (_of_networks(evidence), _of_recipients(alarm), _of_refusals(alarm))))


def _of_networks(evidence: Evidence) -> str:
    new = evidence.new_networks
    if not new:
        return ""
    named = ", ".join(new[:MAX_SHOWN]) + (f" and {len(new) - MAX_SHOWN} more" if len(new) > MAX_SHOWN else "")
    if not evidence.known_networks:
        return f"It is used from {named}; from where it was used before is not known."
    were = "1 other network was" if evidence.known_networks == 1 else f"{evidence.known_networks} other networks were"
    return f"It was never used from {named} before the last 24 hours; {were}."


def _of_recipients(alarm: Alarm) -> str:
    usage = alarm.usage
    if not usage.looked_at:
        return ""
    percent = round(100 * usage.unseen / usage.looked_at)
    return f"{usage.unseen} of the last {usage.looked_at} recipients ({percent} %) had never been written to."


def _of_refusals(alarm: Alarm) -> str:
    usage = alarm.usage
    if not usage.refused:
        return ""
    percent = round(100 * usage.refused / max(usage.recipients, usage.refused))
    return f"{usage.refused} copies of that mail ({percent} %) were refused for good by other servers."
