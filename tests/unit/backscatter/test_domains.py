"""The domains whose bounces are proven; what is tagged is the business of outgoing mail (`test_completion`)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from postern.backscatter.domains import ProtectedDomain
from postern.policy import PolicyError


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
