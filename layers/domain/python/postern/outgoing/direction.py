"""Which way a message goes: what is signed and sent in our name, and what is judged as a stranger's."""

from __future__ import annotations

from collections.abc import Sequence

from postern.mime.domain_labels import to_ascii_domain
from postern.model import Direction, Envelope, Recipient, Route, Session, Site


def direction_of(session: Session, envelope: Envelope, recipients: Sequence[Recipient], site: Site) -> Direction:
    """The direction of a message.

    Whoever logged in sends outgoing mail. A trusted client does when its reverse-path is in one of our domains, or when
    all it wants is to reach others; what it merely passes on to our own people is judged like any incoming mail.
    """
    if session.authenticated_as:
        return Direction.OUTBOUND
    if session.trusted and (_is_ours(envelope.reverse_path, site) or _all_leave(recipients)):
        return Direction.OUTBOUND
    return Direction.INBOUND


def _is_ours(reverse_path: str | None, site: Site) -> bool:
    return to_ascii_domain((reverse_path or "").rpartition("@")[2]) in site.local_domains


def _all_leave(recipients: Sequence[Recipient]) -> bool:
    return bool(recipients) and all(one.route is Route.REMOTE for one in recipients)
