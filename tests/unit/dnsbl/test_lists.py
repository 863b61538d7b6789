"""Lists as policy records, and those that are shipped."""

from __future__ import annotations

import pytest

from postern.checks.dnsbl import DnsblPolicy
from postern.dnsbl.lists import SHIPPED, spamhaus
from postern.policy import PolicyError, read_section

OWN = {"name": "own", "zone": "bl.example", "codes": {"127.0.0.2": 2.5, "&8": -1}}


def policy(**stored: object) -> DnsblPolicy:
    return read_section(DnsblPolicy, stored, "dnsbl")


def test_a_list_is_read_from_what_people_store() -> None:
    own = policy(shipped=[], lists=[OWN]).every_list()[0]
    assert (own.name, own.zone, dict(own.codes), own.refuse) == (
        "own",
        "bl.example",
        {"127.0.0.2": 250, "&8": -100},
        True,
    )


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": ""}, "needs a name"),
        ({"zone": ""}, "needs a name, a zone"),
        ({"codes": {}}, "codes"),
        ({"zone": "bl..example"}, "no zone"),
        ({"zone": "bl.exämple"}, "no zone"),
        ({"codes": {"listed": 2}}, "no return code"),
        ({"refusals": ["1.2.3.4"]}, "no return code"),
        ({"points": 3}, "there is no setting 'points'"),
    ],
)
def test_a_malformed_list_is_refused_with_the_reason(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(PolicyError, match=complaint):
        policy(lists=[{**OWN, **changes}])


def test_unknown_names_and_too_many_lists_are_refused() -> None:
    with pytest.raises(PolicyError, match="there is no list 'spamhaus'"):
        policy(shipped=["spamhaus"])
    with pytest.raises(PolicyError, match="at most 20 lists"):
        policy(lists=[{**OWN, "name": f"own{n}"} for n in range(20)])


def test_spamhaus_is_asked_only_with_a_key_that_is_not_shown() -> None:
    assert [one.name for one in policy().every_list()] == ["spamcop", "psbl"]
    keyed = policy(spamhaus_dqs_key="k3y").every_list()[-1]
    assert keyed == spamhaus("k3y")
    assert keyed.question_zone == "k3y.zen.dq.spamhaus.net"
    assert "k3y" not in keyed.zone


def test_an_own_list_takes_the_place_of_a_known_one() -> None:
    lists = policy(lists=[{**OWN, "name": "spamcop"}]).every_list()
    assert {one.name: one.zone for one in lists} == {"spamcop": "bl.example", "psbl": "psbl.surriel.com"}


def test_every_shipped_list_names_its_terms() -> None:
    assert all(one.terms for one in (*SHIPPED.values(), spamhaus("key")))
