"""Which way a message goes follows from who sends it, and from where it is to go."""

from __future__ import annotations

import pytest

from postern.model import Direction, Envelope, Recipient, Route, Session, Site
from postern.outgoing.direction import direction_of

OURS, THEIRS = (
    Recipient("ann@example.com", "ann@example.com"),
    Recipient("c@far.example", "c@far.example", Route.REMOTE),
)
SITE = Site("mx.example.com", "mx.example.com", ("example.com", "xn--bcher-kva.example"))
OUT, IN = Direction.OUTBOUND, Direction.INBOUND


@pytest.mark.parametrize(
    ("account", "trusted", "reverse_path", "recipients", "direction"),
    [
        ("ann@example.com", False, "ann@example.com", (OURS,), OUT),
        ("ann@example.com", False, None, (THEIRS,), OUT),
        (None, True, "printer@example.com", (OURS, THEIRS), OUT),
        (None, True, "printer@EXAMPLE.com", (OURS,), OUT),
        (None, True, "x@Bücher.example", (OURS,), OUT),
        (None, True, "list@far.example", (THEIRS,), OUT),
        (None, True, None, (THEIRS, THEIRS), OUT),
        (None, True, "list@far.example", (OURS, THEIRS), IN),
        (None, True, "c@sub.example.com", (OURS,), IN),
        (None, True, None, (OURS,), IN),
        (None, False, "ann@example.com", (OURS,), IN),
        (None, False, "ann@example.com", (THEIRS,), IN),
    ],
)
def test_direction(
    account: str | None,
    trusted: bool,
    reverse_path: str | None,
    recipients: tuple[Recipient, ...],
    direction: Direction,
) -> None:
    session = Session("s", "192.0.2.1", "host", authenticated_as=account, trusted=trusted)
    assert direction_of(session, Envelope(reverse_path), recipients, SITE) is direction
