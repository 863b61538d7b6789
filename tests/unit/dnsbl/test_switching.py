"""Lists that are unusable only observe, until they are well again or somebody says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postern.checks.dnsbl import DnsblPolicy
from postern.checks.uribl import UriblPolicy
from postern.dnsbl.lookup import ListHealth
from postern.dnsbl.switching import SwitchedList, switch, with_switched_lists
from postern.policy_compiler import Snapshot

Sections = dict[str, dict[str, object]]
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
BAD = SwitchedList(section="dnsbl", name="spamcop", reason="refuses us", since="2026-11-01T06:00:00+00:00")
SPAMCOP, PSBL = ("dnsbl", "spamcop"), ("dnsbl", "psbl")
ROW = {"section": "dnsbl", "name": "spamcop", "reason": "refuses us", "since": "2026-11-01T06:00:00+00:00"}


@pytest.mark.parametrize("health", [ListHealth.REFUSES_US, ListHealth.LISTS_EVERYTHING])
def test_an_unusable_list_is_switched_and_told(health: ListHealth) -> None:
    found = switch((), {SPAMCOP: health, PSBL: ListHealth.HEALTHY}, (), NOW)
    expected = SwitchedList(section="dnsbl", name="spamcop", reason=health.value, since="2026-11-22T06:00:00+00:00")
    assert (found.switched, found.fresh, found.recovered) == ((expected,), (expected,), ())


@pytest.mark.parametrize(
    "health",
    [ListHealth.REFUSES_US, ListHealth.LISTS_EVERYTHING, ListHealth.UNREACHABLE, ListHealth.LISTS_NOTHING],
)
def test_a_switched_list_stays_switched_and_is_not_told_again(health: ListHealth) -> None:
    found = switch((BAD,), {SPAMCOP: health}, (), NOW)
    assert (found.switched, found.changes) == ((BAD,), False)


def test_a_list_that_is_well_again_is_switched_back_and_told() -> None:
    found = switch((BAD,), {SPAMCOP: ListHealth.HEALTHY}, (), NOW)
    assert (found.switched, found.fresh, found.recovered) == ((), (), (BAD,))


@pytest.mark.parametrize("health", [ListHealth.UNREACHABLE, ListHealth.LISTS_NOTHING])
def test_what_proves_nothing_against_a_list_does_not_switch_it(health: ListHealth) -> None:
    assert switch((), {SPAMCOP: health}, (), NOW).switched == ()


def test_people_keep_the_last_word() -> None:
    assert switch((BAD,), {SPAMCOP: ListHealth.REFUSES_US}, (SPAMCOP,), NOW).switched == ()
    stored: Sections = {"dnsbl_health": {"switched": [ROW]}, "dnsbl": {"always_counted": ["spamcop"]}}
    assert with_switched_lists(stored) == stored


def test_a_list_that_is_not_asked_any_more_is_forgotten_without_a_word() -> None:
    found = switch((BAD,), {PSBL: ListHealth.HEALTHY}, (), NOW)
    assert (found.switched, found.changes) == ((), False)


def test_the_check_only_observes_what_is_switched_or_what_people_name() -> None:
    scopes: dict[str, Sections] = {"global": {"dnsbl_health": {"switched": [ROW]}, "dnsbl": {"observed": ["psbl"]}}}
    snapshot = Snapshot(scopes=scopes)
    assert snapshot.book.section("dnsbl", DnsblPolicy).observed == ("psbl", "spamcop")
    assert snapshot.book.resolve(()).section("dnsbl", DnsblPolicy).observed == ("psbl", "spamcop")
    assert scopes["global"]["dnsbl"] == {"observed": ["psbl"]}  # what people wrote stays as they wrote it


def test_each_check_observes_its_own_lists() -> None:
    rows = [ROW, {**ROW, "section": "uribl", "name": "surbl"}]
    book = Snapshot(scopes={"global": {"dnsbl_health": {"switched": rows}}}).book
    assert book.section("dnsbl", DnsblPolicy).observed == ("spamcop",)
    assert book.section("uribl", UriblPolicy).observed == ("surbl",)


def test_without_switched_lists_policy_is_as_stored() -> None:
    stored = {"dnsbl": {"observed": ["psbl"]}}
    assert with_switched_lists(stored) is stored
