"""Rows and patterns of the sender lists."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postern.model import Points
from postern.networks import read_address
from postern.sender_list_entry import (
    EntryError,
    ListAction,
    SenderListEntry,
    address_patterns,
    canonical_pattern,
    client_patterns,
    read_entry,
)


def test_a_row_with_everything() -> None:
    row = {
        "scope": "domain:example.com",
        "entry": "allow#Bob@München.Example",
        "points": "-7.25",
        "note": "our printer",
        "expires_at": 1795348800,
        "needs_proof": False,
    }
    assert read_entry(row) == SenderListEntry(
        scope="domain:example.com",
        action=ListAction.ALLOW,
        pattern="bob@xn--mnchen-3ya.example",
        points=Points(-725),
        note="our printer",
        expires_at=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
        needs_proof=False,
    )


def test_a_row_with_the_least() -> None:
    entry = read_entry({"scope": "global", "entry": "block#*@spam.example"})
    assert (entry.points, entry.expires_at, entry.needs_proof) == (None, None, True)
    assert entry.key == "block#*@spam.example"


def test_an_expiry_can_be_written_as_a_time() -> None:
    entry = read_entry({"scope": "global", "entry": "block#*@x.example", "expires_at": "2026-11-22T13:00:00+01:00"})
    assert entry.expires_at == datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({}, "needs scope and entry"),
        ({"scope": "global", "entry": 7}, "needs scope and entry"),
        ({"entry": "block"}, "write an action"),
        ({"entry": "ban#*@x.example"}, "block, allow, refuse"),
        ({"entry": "block#"}, "1 to 320 characters"),
        ({"entry": f"block#{'x' * 400}@x.example"}, "1 to 320 characters"),
        ({"entry": "block#example.com"}, "a pattern is"),
        ({"entry": "block#@example.com"}, "whole local part"),
        ({"entry": "block#b*b@example.com"}, "whole local part"),
        ({"entry": "block#bob@exa mple"}, "no domain"),
        ({"entry": "block#*.-"}, "no domain"),
        ({"entry": "block#192.0.2.0/20"}, "prefix lengths /32, /24, /16, /8"),
        ({"entry": "block#2001:db8::/56"}, "prefix lengths /128, /64, /48, /32"),
        ({"entry": "block#*@x.example", "points": "many"}, "points is a number"),
        ({"entry": "block#*@x.example", "points": True}, "points is a number"),
        ({"entry": "block#*@x.example", "points": "NaN"}, "points is a number"),
        ({"entry": "block#*@x.example", "points": 1e9}, "between"),
        ({"entry": "block#*@x.example", "expires_at": "tomorrow"}, "no time"),
        ({"entry": "block#*@x.example", "expires_at": 1e30}, "no time"),
        ({"entry": "block#*@x.example", "expires_at": []}, "seconds since 1970"),
        ({"entry": "block#*@x.example", "needs_proof": "no"}, "true or false"),
    ],
)
def test_a_malformed_row_is_refused_with_the_reason(row: dict[str, object], complaint: str) -> None:
    with pytest.raises(EntryError, match=complaint):
        read_entry({"scope": "global", **row} if row else {})


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (" Ann@Example.COM. ", "ann@example.com"),
        ("*@EXAMPLE.com", "*@example.com"),
        ("*.Bücher.example", "*.xn--bcher-kva.example"),
        ("192.0.2.7/32", "192.0.2.7"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("2001:DB8::7", "2001:db8::7"),
        ("2001:db8:1:2::/48", "2001:db8:1::/48"),
        ('"odd@name"@example.com', '"odd@name"@example.com'),
    ],
)
def test_canonical_patterns(text: str, canonical: str) -> None:
    assert canonical_pattern(text) == canonical
    assert canonical_pattern(canonical) == canonical


def test_the_patterns_of_an_address() -> None:
    assert address_patterns("Bob", "A.B.Example.com") == (
        "bob@a.b.example.com",
        "*@a.b.example.com",
        "*.b.example.com",
        "*.example.com",
        "*.com",
    )
    assert address_patterns("", "example.com") == ("*@example.com", "*.com")
    assert address_patterns("bob", "") == ()
    assert address_patterns("bob", "no domain\0") == ()


def test_the_patterns_are_few_and_short_however_long_the_address() -> None:
    patterns = address_patterns("b" * 10_000, ".".join("abcdefghijklmnopqrstuvwxyz"))
    assert len(patterns) == 9
    assert max(map(len, patterns)) <= 320


def test_every_pattern_of_an_address_or_client_can_be_stored() -> None:
    patterns = (
        *address_patterns("bob", "a.b.example.com"),
        *client_patterns(read_address("192.0.2.77")),
        *client_patterns(read_address("2001:db8:1:2:3::4")),
    )
    assert set(map(canonical_pattern, patterns)) <= set(patterns)


def test_the_patterns_of_a_client() -> None:
    assert client_patterns(read_address("192.0.2.77")) == (
        "192.0.2.77",
        "192.0.2.77/32",
        "192.0.2.0/24",
        "192.0.0.0/16",
        "192.0.0.0/8",
    )


def test_a_local_part_that_nobody_could_have_stored_is_no_key() -> None:
    assert address_patterns("\udce9\0", "example.com") == ("*@example.com", "*.com")
