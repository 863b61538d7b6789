"""Signing outgoing mail, as submission does it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from postern.backscatter.domains import ProtectedDomain, SendingRoute, signed_reverse_path
from postern.backscatter.keys import KeyRing
from postern.backscatter.tags import TagResult, verify
from postern.policy import PolicyError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RING = KeyRing().rotated(b"x" * 32, NOW)
ANN = "ann@example.com"


def sent_as(
    address: str = ANN, ring: KeyRing = RING, *, route: SendingRoute = SendingRoute.DIRECT, sign: bool = True
) -> str:
    entry = ProtectedDomain(domain="example.com", signing_since="2026-11-22", route=route, sign=sign)
    return signed_reverse_path(address, (entry,), ring, NOW)


def test_mail_of_a_protected_domain_is_tagged() -> None:
    assert verify(sent_as(), (), RING, NOW) is TagResult.PASS


def test_other_mail_is_sent_as_it_is() -> None:
    long = "a" * 60 + "@example.com"
    assert sent_as("ben@other.example") == "ben@other.example"
    assert sent_as(long) == long
    assert sent_as(ring=KeyRing()) == ANN
    assert sent_as(route=SendingRoute.SES) == ANN
    assert sent_as(sign=False) == ANN


@pytest.mark.parametrize(
    ("domain", "since"),
    [("Example.com", "2026-11-22"), ("", "2026-11-22"), ("exa mple.com", "2026-11-22"), ("example.com", "soon")],
)
def test_a_domain_that_would_protect_nothing_is_refused(domain: str, since: str) -> None:
    with pytest.raises(PolicyError):
        ProtectedDomain(domain=domain, signing_since=since)


def test_enforcement_waits() -> None:
    entry = ProtectedDomain(domain="example.com", signing_since="2026-11-22")
    assert entry.enforced_from(timedelta(days=7)) == datetime(2026, 11, 29, tzinfo=UTC)
