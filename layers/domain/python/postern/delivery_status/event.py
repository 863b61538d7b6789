"""What became of a copy, as its sender is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postern.delivery_status.request import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent:
    """What became of one recipient's copy.

    `reply` is the last answer, the other server's or our own; `remote_host` is who gave it, or empty. `recipient`
    is the address the client named. `retry_until` is only for a copy that waits.
    """

    action: Action
    recipient: str
    reply: str
    remote_host: str
    arrived_at: datetime
    happened_at: datetime
    is_expired: bool = False
    retry_until: datetime | None = None
