"""What a notification says to people."""

from __future__ import annotations

from postern.delivery_status.event import DeliveryEvent
from postern.delivery_status.one_line import one_line
from postern.delivery_status.request import Action

_SUBJECTS = {
    Action.FAILED: "Your message could not be delivered",
    Action.DELAYED: "Your message is delayed",
    Action.DELIVERED: "Your message was delivered",
    Action.RELAYED: "Your message was handed on",
}


def subject(action: Action) -> str:
    """The subject of a notification."""
    return _SUBJECTS[action]


def explanation(event: DeliveryEvent, hostname: str, *, is_complete: bool) -> str:
    """The text for people, lines ending in LF."""
    recipient = one_line(event.recipient)
    attached = "The message itself" if is_complete else "The header of your message"
    said = f"{one_line(event.remote_host)} said" if event.remote_host else "The reason"
    lines = [
        f"This is the mail server {hostname}.",
        "",
        *_what(event, recipient),
        "",
        f"{said}: {one_line(event.reply)}",
        "",
        f"{attached} is attached, after a report for programs.",
    ]
    return "\n".join(lines) + "\n"


def _what(event: DeliveryEvent, recipient: str) -> tuple[str, ...]:
    match event.action:
        case Action.FAILED if event.is_expired:
            return (f"Your message to {recipient}", "could not be delivered in time, and is not tried any longer.")
        case Action.FAILED:
            return (f"Your message to {recipient}", "could not be delivered, and is not tried again.")
        case Action.DELAYED:
            until = f", at the latest until {event.retry_until:%Y-%m-%d %H:%M} UTC" if event.retry_until else ""
            return (
                f"Your message to {recipient}",
                f"could not be delivered yet. It is tried again{until}.",
                "There is nothing you have to do.",
            )
        case Action.DELIVERED:
            return (f"Your message was put into the mailbox of {recipient}.",)
        case _:
            return (
                f"Your message to {recipient}",
                "was handed on to a server that may not tell you what becomes of it.",
            )
