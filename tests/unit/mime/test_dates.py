"""Dates: RFC 5322, its obsolete forms, and what mailers made of them."""

from __future__ import annotations

import pytest

from postern.mime.dates import parse_date


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Sun, 22 Nov 2026 14:30:05 +0100", "2026-11-22T14:30:05+01:00"),
        ("22 Nov 2026 14:30 -0330 (Newfoundland)", "2026-11-22T14:30:00-03:30"),
        ("22 Nov 26 14:30:05 GMT", "2026-11-22T14:30:05+00:00"),
        ("22 Nov 97 14:30:05 EST", "1997-11-22T14:30:05-05:00"),
        ("22 Nov 102 14:30:05 Z", "2002-11-22T14:30:05+00:00"),
        ("22-Nov-2026 14:30:05 PDT", "2026-11-22T14:30:05-07:00"),
        ("Sun Nov 22 14:30:05 2026", "2026-11-22T14:30:05+00:00"),
        ("Sun Nov 22 14:30:05 EST 2026", "2026-11-22T14:30:05-05:00"),
        ("from a by b with SMTP; 1 Jan 2026 0:00:60 +0000", "2026-01-01T00:00:59+00:00"),
        ("1 Jan 2026 00:00:00 +9999", "2026-01-01T00:00:00+00:00"),
        ("1 Jan 2026 00:00:00", "2026-01-01T00:00:00+00:00"),
    ],
)
def test_moments(text: str, moment: str) -> None:
    found = parse_date(text)
    assert found is not None
    assert found.isoformat() == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "32 Nov 2026 10:00 +0000",
        "30 Feb 2026 10:00 +0000",
        "1 Foo 2026 10:00 +0000",
        "1 Jan 2026 25:00 +0000",
    ],
)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert parse_date(text) is None
