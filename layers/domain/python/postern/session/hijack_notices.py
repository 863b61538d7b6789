"""What people are told of an account that sent too much: what happened, what changed, and what they can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from shlex import quote
from typing import Protocol

from postern.session.hijack import Alarm
from postern.session.hijack_evidence import MAX_SHOWN, Evidence, signs
from postern.session.hijack_policy import HijackMode
from postern.session.screening_notices import UTC_OFFSET, Audience, ScreeningNotice, date_of, printable, time_of
from postern.session.usage import Sighted

EVENTS: Mapping[HijackMode, str] = {
    HijackMode.DISABLE: "account_frozen",
    HijackMode.LIMIT: "account_limited",
    HijackMode.OBSERVE: "account_over_limit",
}
"""The word for programs, by what was done."""

_DONE = {
    HijackMode.DISABLE: "is frozen",
    HijackMode.LIMIT: "is put off",
    HijackMode.OBSERVE: "sends too much, and nothing is done about it",
}
_WIDTH = 12


@dataclass(frozen=True, slots=True)
class Link:
    """A link that thaws, and until when it is good."""

    url: str
    good_until: datetime


class HijackNotices(Protocol):
    """Tells people. Blocking."""

    def tell(self, notice: ScreeningNotice) -> None:
        """Publish a notice; raises `Unavailable`."""
        ...


def notices_of(
    alarm: Alarm, evidence: Evidence, hostname: str, link: Link | None = None
) -> tuple[ScreeningNotice, ...]:
    """The notices of an alarm: for the postmaster, with the link, and for whoever looks after security, without."""
    return (
        _notice(Audience.POSTMASTER, alarm, evidence, hostname, link),
        _notice(Audience.SECURITY, alarm, evidence, hostname, None),
    )


def _notice(audience: Audience, alarm: Alarm, evidence: Evidence, hostname: str, link: Link | None) -> ScreeningNotice:
    headline = f"{printable(alarm.account)} {_DONE[alarm.mode]}: too much mail"
    lines = [f"{headline}.", "", *_facts_for_people(alarm, evidence, hostname), *_changes(alarm, evidence)]
    facts = _facts(alarm, evidence, hostname)
    if link is not None:
        facts |= {"thaw_url": link.url, "thaw_until": link.good_until}
    return ScreeningNotice(
        audience=audience,
        event=EVENTS[alarm.mode],
        subject=headline,
        text="\n".join([*lines, *_advice(alarm, link)]) + "\n",
        facts=facts,
        attributes=_attributes(alarm),
    )


def _facts_for_people(alarm: Alarm, evidence: Evidence, hostname: str) -> list[str]:
    usage, limits = alarm.usage, alarm.limits
    minutes = int(alarm.window.total_seconds() // 60)
    clients = ", ".join(usage.clients[:MAX_SHOWN])
    more = len(usage.clients) - MAX_SHOWN
    shown = {
        "date": date_of(alarm.at),
        "time": f"{time_of(alarm.at)} UTC ({UTC_OFFSET})",
        "account": printable(alarm.account),
        "messages": f"{usage.messages} within {minutes} minutes; {limits.messages} are not too many",
        "recipients": f"{usage.recipients} within {minutes} minutes; {limits.recipients} are not too many",
        "clients": f"{clients} and {more} more" if more > 0 else clients,
        "first": _sighting(usage.first),
        "last": f"{_sighting(usage.last)}{'' if alarm.mode is HijackMode.OBSERVE else ', not accepted'}",
        "held": f"{evidence.held} {'copy waits' if evidence.held == 1 else 'copies wait'}" if evidence.held else "",
        "host": hostname,
    }
    return [f"{name + ':':{_WIDTH}}{value}" for name, value in shown.items() if value]


def _changes(alarm: Alarm, evidence: Evidence) -> list[str]:
    found = signs(alarm, evidence)
    return ["", "What changed:", *(f"* {sentence}" for sentence in found)] if found else []


def _advice(alarm: Alarm, link: Link | None) -> list[str]:
    match alarm.mode:
        case HijackMode.DISABLE:
            command = f"  postern accounts thaw {quote(printable(alarm.account))}"
            lines = [
                "",
                "Nobody can log in to the account, and mail of it that waits is held. Ask its owner, not by mail;",
                "have the password changed before the account may send again. Then:",
                "",
                command,
            ]
            if link is not None:
                until = f"{date_of(link.good_until)} {time_of(link.good_until)} UTC"
                lines += ["", f"or open this link, which works once and until {until}:", "", f"  {link.url}"]
            return lines
        case HijackMode.LIMIT:
            return ["", "Further mail of it is put off (452) until the window has moved on. Ask its owner."]
        case _:
            return ["", "Policy says hijack.mode observe, so its mail goes on. Ask its owner."]


def _facts(alarm: Alarm, evidence: Evidence, hostname: str) -> dict[str, object]:
    usage = alarm.usage
    return {
        "event": EVENTS[alarm.mode],
        "date": date_of(alarm.at),
        "time": time_of(alarm.at),
        "offset": UTC_OFFSET,
        "account": alarm.account,
        "ip": alarm.attempt.client_ip,
        "window_seconds": int(alarm.window.total_seconds()),
        "messages": usage.messages,
        "messages_allowed": alarm.limits.messages,
        "recipients": usage.recipients,
        "recipients_allowed": alarm.limits.recipients,
        "clients": usage.clients,
        "first": usage.first.transaction_id if usage.first else "",
        "last": usage.last.transaction_id if usage.last else "",
        "new_networks": evidence.new_networks,
        "known_networks": evidence.known_networks,
        "recipients_looked_at": usage.looked_at,
        "recipients_never_seen": usage.unseen,
        "refused": usage.refused,
        "held": evidence.held,
        "host": hostname,
    }


def _attributes(alarm: Alarm) -> dict[str, str]:
    """SNS takes no empty attribute, and few of them."""
    found = {
        "date": date_of(alarm.at),
        "time": f"{time_of(alarm.at)}{UTC_OFFSET}",
        "ip": alarm.attempt.client_ip,
        "protocol": "SMTP",
        "account": printable(alarm.account),
        "count": str(alarm.usage.messages),
    }
    return {name: value for name, value in found.items() if value}


def _sighting(seen: Sighted | None) -> str:
    return f"{seen.transaction_id} at {time_of(seen.at)}" if seen else ""
