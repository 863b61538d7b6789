"""Bounce address tags: the vectors, and whatever can be wrong with one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from postern.backscatter.keys import BatvKey, KeyRing
from postern.backscatter.tags import TagResult, day_number, read_tag, signed, stripped, verify

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = BatvKey(0, b"a key of enough octets", NOW - timedelta(days=30))
RING = KeyRing((KEY,))
ADDRESS = "ann@example.com"


def tagged(address: str = ADDRESS, *, ago: int = 0, key: BatvKey = KEY) -> str:
    made = signed(address, key, day_number(NOW) - ago)
    assert made is not None
    return made


def result(forward_path: str, *spellings: str, ring: KeyRing = RING, now: datetime = NOW) -> TagResult:
    return verify(forward_path, spellings, ring, now)


def test_what_was_signed_passes_for_seven_days_and_then_is_expired() -> None:
    found = [result(tagged(ago=days)) for days in range(10)]
    assert found == [TagResult.PASS] * 8 + [TagResult.EXPIRED] * 2


def test_the_days_are_counted_round_a_thousand() -> None:
    turn = datetime(2027, 6, 20, tzinfo=UTC)
    days = [turn + timedelta(days=number) for number in range(1100)]
    assert any(day_number(day) % 1000 > 992 for day in days)
    for day in days:
        forward_path = signed(ADDRESS, KEY, day_number(day))
        assert forward_path is not None
        assert verify(forward_path, (), RING, day + timedelta(days=7)) is TagResult.PASS
        assert verify(forward_path, (), RING, day + timedelta(days=8)) is TagResult.EXPIRED


@pytest.mark.parametrize("position", range(len("prvs="), len("prvs=0123456789")))
def test_a_tag_of_which_any_digit_was_changed_is_invalid(position: int) -> None:
    whole = tagged()
    other = "7" if whole[position] != "7" else "8"
    assert result(whole[:position] + other + whole[position + 1 :]) is TagResult.INVALID


@pytest.mark.parametrize(
    "forward_path",
    [
        tagged().replace("ann@", "eve@"),
        tagged().replace("example.com", "example.org"),
        tagged("eve@example.com")[:16] + ADDRESS,
    ],
)
def test_a_tag_of_somebody_else_is_invalid(forward_path: str) -> None:
    assert result(forward_path) is TagResult.INVALID


def test_a_tag_by_another_key_is_invalid() -> None:
    other = BatvKey(0, b"quite another key, as long", NOW)
    assert result(tagged(key=other)) is TagResult.INVALID
    assert result(tagged(key=BatvKey(5, KEY.secret, NOW))) is TagResult.INVALID
    assert result(tagged(), ring=KeyRing()) is TagResult.INVALID


@pytest.mark.parametrize(
    "forward_path",
    [
        ADDRESS,
        "btv1==04392c7f3d==ann@example.com",
        "msprvs1=17abcDEF_-9=ann@example.com",
        "SRS0=HHH=TT=example.org=ann@example.com",
        "prvs=ann/0786d6aa1a@example.com",
        "prvs=0786d6aa1=ann@example.com",
        "prvs=0786d6aa1ab=ann@example.com",
        "prvs=x786d6aa1a=ann@example.com",
        "prvs=0786d6aa1a=@example.com",
        "ann+sale@example.com",
        "",
    ],
)
def test_other_forms_are_no_tags_of_ours(forward_path: str) -> None:
    assert result(forward_path) is TagResult.MISSING
    assert stripped(forward_path.rpartition("@")[0]) == forward_path.rpartition("@")[0]


@pytest.mark.parametrize("change", [str.lower, str.upper, str.title])
def test_relays_that_change_case_do_no_harm(change: object) -> None:
    assert callable(change)
    assert result(change(tagged()), ADDRESS) is TagResult.PASS
    assert result(change(tagged())) is TagResult.PASS, "what was signed in lower case needs no other spelling"
    mixed = tagged("Ann.Lee@Example.com")
    assert result(mixed) is TagResult.PASS
    assert result(mixed.lower()) is TagResult.INVALID
    assert result(mixed.lower(), "Ann.Lee@Example.com") is TagResult.PASS


def test_a_tag_can_stand_behind_a_plus() -> None:
    value = tagged()[5:15]
    assert result(f"ann+prvs={value}@example.com") is TagResult.PASS
    assert stripped(f"ann+prvs={value}") == "ann"


def test_a_local_part_that_would_be_too_long_is_not_signed() -> None:
    assert signed("a" * 48 + "@example.com", KEY, 20779) is not None
    assert signed("a" * 49 + "@example.com", KEY, 20779) is None
    assert signed("\u00e4" * 25 + "@example.com", KEY, 20779) is None


def test_what_is_no_text_is_no_trouble() -> None:
    assert result("prvs=0786d6aa1a=a\udcffb@example.com") is TagResult.INVALID


def test_a_tag_is_read_in_any_case() -> None:
    tag = read_tag("PRVS=0786D6AA1A=Ann")
    assert tag is not None
    assert (tag.key_id, tag.day, tag.mac, tag.local_part) == (0, 786, "d6aa1a", "Ann")
