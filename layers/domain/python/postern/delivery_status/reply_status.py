"""The status code of a notification (RFC 3463): what the server gave, or what follows from its reply."""

from __future__ import annotations

import re

from postern.delivery_status.event import DeliveryEvent
from postern.delivery_status.request import Action

EXPIRED = "4.4.7"
_REPLY = re.compile(r"([245])[0-9]{2}[ -]+(?:([245])\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9.]))?")
_CLASSES = {Action.FAILED: "5", Action.DELAYED: "4", Action.DELIVERED: "2", Action.RELAYED: "2"}


def status_of(event: DeliveryEvent) -> str:
    """The code of an event. Its class is that of the action, but for a copy whose time is over."""
    if event.is_expired:
        return EXPIRED
    wanted = _CLASSES[event.action]
    found = _REPLY.match(event.reply)
    if found is None or found[2] is None or found[2] != wanted or found[1] != wanted:
        return f"{wanted}.0.0"
    return f"{found[2]}.{int(found[3])}.{int(found[4])}"
