"""What people are told of screening: a text for them, and the same facts for their programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from shlex import quote
from typing import Protocol

from postern.session.counters import MailProtocol
from postern.session.failed_login import MAX_LOGGED_CHARACTERS
from postern.session.screening import Event, EventKind

UTC_OFFSET = "+00:00"
"""Times are told as UTC wherever the reader is, and say so."""

_UNPRINTABLE = "?"


class Audience(StrEnum):
    """Which topic a notice goes to."""

    POSTMASTER = "postmaster"
    SECURITY = "security"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningNotice:
    """One notice. `facts` are JSON data; `attributes` are short words that a subscriber can filter by."""

    audience: Audience
    event: str
    subject: str
    text: str
    facts: Mapping[str, object] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)


class ScreeningNotices(Protocol):
    """Tells people. Blocking."""

    def tell(self, notice: ScreeningNotice) -> None:
        """Publish a notice; raises `Unavailable`."""
        ...


def notice_of(event: Event, hostname: str, *, last_for_now: bool = False) -> ScreeningNotice:
    """The notice of an event; `last_for_now` when further ones of its kind are only logged for a while."""
    headline = _headline(event)
    lines = [f"{headline}.", "", *_lines(event, hostname), *_advice(event)]
    if last_for_now:
        lines += ["", "More of these within an hour are not told one by one; postern screening show lists all bans."]
    return ScreeningNotice(
        audience=Audience.POSTMASTER if event.account else Audience.SECURITY,
        event=event.kind.value,
        subject=headline,
        text="\n".join(lines) + "\n",
        facts=_facts(event, hostname),
        attributes=_attributes(event),
    )


def _headline(event: Event) -> str:
    who = printable(event.subject.name)
    match event.kind:
        case EventKind.ACCOUNT_FAILURES:
            return f"{event.count} failed logins in a row for {who}"
        case EventKind.BAN_ENDED:
            return f"The ban of {who} is over"
        case _:
            reason = event.ban.reason.words if event.ban else ""
            return f"{who} is banned: {reason}"


def _lines(event: Event, hostname: str) -> list[str]:
    shown = {
        "date": date_of(event.at),
        "time": f"{time_of(event.at)} UTC ({UTC_OFFSET})",
        "client": event.client_ip,
        "protocol": _label(event.protocol),
        "account": printable(event.account),
        "count": str(event.count) if event.count else "",
        "until": _until(event),
        "repeat": str(event.ban.repeats) if event.ban and event.ban.repeats else "",
        "host": hostname,
    }
    return [f"{name + ':':10}{value}" for name, value in shown.items() if value]


def _advice(event: Event) -> list[str]:
    if event.kind is EventKind.BAN_ENDED:
        return []
    if event.ban is None:
        return [
            "",
            "Nothing was done to the account. Its owner may have forgotten the password, or somebody guesses it.",
        ]
    return ["", f"To lift the ban:  postern screening lift {quote(printable(event.subject.name))}"]


def _facts(event: Event, hostname: str) -> dict[str, object]:
    facts: dict[str, object] = {
        "event": event.kind.value,
        "date": date_of(event.at),
        "time": time_of(event.at),
        "offset": UTC_OFFSET,
        "subject": str(event.subject),
        "ip": event.client_ip,
        "protocol": _label(event.protocol),
        "account": event.account,
        "count": event.count,
        "host": hostname,
    }
    if event.ban is not None:
        facts |= {
            "reason": event.ban.reason.value,
            "since": event.ban.since,
            "until": event.ban.until,
            "repeats": event.ban.repeats,
        }
    return facts


def _attributes(event: Event) -> dict[str, str]:
    """SNS takes no empty attribute, and few of them."""
    found = {
        "date": date_of(event.at),
        "time": f"{time_of(event.at)}{UTC_OFFSET}",
        "ip": event.client_ip,
        "protocol": _label(event.protocol),
        "account": printable(event.account),
        "count": str(event.count),
    }
    return {name: value for name, value in found.items() if value}


def printable(text: str) -> str:
    """A name that a client may have made up, as one line of printable ASCII."""
    shown = text[:MAX_LOGGED_CHARACTERS]
    return "".join(one if " " <= one <= "~" else _UNPRINTABLE for one in shown)


def _label(protocol: str) -> str:
    return MailProtocol(protocol).label if protocol else ""


def date_of(at: datetime) -> str:
    """The day in UTC, as notices write it."""
    return f"{at.astimezone(UTC):%Y-%m-%d}"


def time_of(at: datetime) -> str:
    """The time in UTC, to the second."""
    return f"{at.astimezone(UTC):%H:%M:%S}"


def _until(event: Event) -> str:
    if event.ban is None or event.ban.until is None:
        return ""
    return f"{date_of(event.ban.until)} {time_of(event.ban.until)} UTC"
