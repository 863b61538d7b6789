"""Policy sections: what can be set, where, and what is said about what cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pytest

from postern.model import Points, Recipient
from postern.policy import EVERY_SCOPE, CheckPolicy, Mode, PolicyError, Scope, check_scope, merge, read_section, setting
from postern.policy_book import PolicyBook, RecipientPolicy, check_section, read_scope
from postern.sections import SpamFilterPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    zone: str = setting("", "the list's zone")
    points: Points = setting(Points(0), "points")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example(CheckPolicy):
    limit: Points = setting(Points(500), "a limit", scopes=EVERY_SCOPE, minimum=0, maximum=50)
    tries: int = setting(3, "tries", minimum=1, maximum=10)
    names: tuple[str, ...] = setting((), "names")
    entries: tuple[Entry, ...] = setting((), "entries")
    note: str | None = setting(None, "a note")


def test_an_empty_section_has_the_defaults() -> None:
    assert read_section(Example, {}, "example") == Example()


def test_points_are_written_as_decimals_and_kept_as_hundredths() -> None:
    read = read_section(Example, {"limit": Decimal("7.25"), "scores": {"A": -1.5, "B": 2}}, "example")
    assert (read.limit, dict(read.scores)) == (725, {"A": -150, "B": 200})


def test_numbers_from_the_database_and_records_are_read() -> None:
    read = read_section(Example, {"tries": Decimal(4), "entries": [{"zone": "l.example", "points": 3}]}, "example")
    assert (read.tries, read.entries) == (4, (Entry(zone="l.example", points=Points(300)),))


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ({"limt": 1}, "there is no setting 'limt'; the settings are: entries"),
        ({"limit": "much"}, "example.limit: expected points"),
        ({"limit": 51}, "at most 50"),
        ({"limit": float("nan")}, "expected points"),
        ({"tries": 0}, "at least 1"),
        ({"tries": 1.5}, "whole number"),
        ({"tries": float("inf")}, "whole number"),
        ({"tries": True}, "whole number"),
        ({"mode": "loud"}, "'loud' is not one of: off, observe, score, enforce"),
        ({"names": "one"}, "expected a list"),
        ({"names": [1]}, r"example.names\[0\]: expected a text"),
        ({"entries": [{"zon": "x"}]}, "there is no setting 'zon'"),
        ({"scores": []}, "expected a map"),
        ({"skip_trusted": "yes"}, "expected true or false"),
        ({"note": "x" * 5000}, "at most 4000 characters"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(stored: Mapping[str, object], said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        read_section(Example, stored, "example")


def test_the_narrower_scope_wins_attribute_by_attribute() -> None:
    merged = merge({"tries": 1, "scores": {"A": 1, "B": 1}}, {"scores": {"B": 2}}, {"tries": 3})
    assert merged == {"tries": 3, "scores": {"A": 1, "B": 2}}


def test_a_global_setting_cannot_be_set_per_mailbox() -> None:
    check_scope(Example, {"limit": 1}, Scope.MAILBOX, "example")
    with pytest.raises(PolicyError, match=r"example\.tries: cannot be set per mailbox; it can be set at: global"):
        check_scope(Example, {"tries": 1}, Scope.MAILBOX, "example")


@pytest.mark.parametrize("scope", ["domain:", "mailbox:ann", "everything", "domain:Example.com", "mailbox:@"])
def test_a_name_that_is_no_scope_is_refused(scope: str) -> None:
    with pytest.raises(PolicyError, match="is no scope"):
        read_scope(scope)


def test_an_unknown_section_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PolicyError, match=r"there is no section 'spamfilter'; .*spam_filter"):
        check_section("global", "spamfilter", {})


ANN, BOB = Recipient("ann@example.com", "ann@example.com"), Recipient("bob@example.com", "bob@example.com")
BOOK = PolicyBook(
    "v1",
    {
        "global": {"spf": {"mode": "off"}, "spam_filter": {"refuse_at": 15}},
        "domain:example.com": {"spam_filter": {"spam_at": 4}},
        "mailbox:ann@example.com": {"spf": {"mode": "enforce"}, "spam_filter": {"refuse_at": 9}},
    },
)


def test_a_check_runs_when_any_recipient_wants_it_and_counts_only_for_that_one() -> None:
    resolved = BOOK.resolve([ANN, BOB])
    assert resolved.sections["spf"]["mode"] == "enforce"
    assert resolved.check_view(ANN.address, "spf").mode is Mode.ENFORCE
    assert resolved.check_view(BOB.address, "spf").mode is Mode.OFF


def test_each_recipient_has_the_settings_of_its_scopes() -> None:
    resolved = BOOK.resolve([ANN, BOB])
    ann = resolved.section_for(ANN.address, "spam_filter", SpamFilterPolicy)
    bob = resolved.section_for(BOB.address, "spam_filter", SpamFilterPolicy)
    assert (ann.spam_at, ann.refuse_at, bob.spam_at, bob.refuse_at) == (400, 900, 400, 1500)


def test_recipients_with_the_same_settings_travel_together() -> None:
    others = [Recipient(f"u{n}@example.com", f"u{n}@example.com") for n in range(50)]
    overrides = BOOK.resolve(others).overrides
    assert overrides == (RecipientPolicy(tuple(one.address for one in others), {"spam_filter": {"spam_at": 4}}),)
