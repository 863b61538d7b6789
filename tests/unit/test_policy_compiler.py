"""Compiling policy: a bad row keeps its previous value and is told of; everything else counts."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from postern import policy_compiler
from postern.model import Route
from postern.outgoing.target import RelayTarget, TargetTls
from postern.policy import PolicyError
from postern.policy_compiler import (
    Compilation,
    Row,
    Snapshot,
    StoredRows,
    compile_snapshot,
    read_domain_row,
    read_list_key,
)
from postern.wire import dumps, from_json

GOOD = {"scope": "global", "section": "spam_filter", "spam_at": Decimal("4.5"), "note": "stricter"}
BAD = {"scope": "global", "section": "spam_filter", "spam_at": "much"}
RELAYED = {"domain": "b.example", "route": "relay", "target_host": "mail.b.example", "target_tls": "verified"}


def compiled(
    *policy: Row, domains: tuple[Row, ...] = (), lists: tuple[Row, ...] = (), before: Snapshot | None = None
) -> Compilation:
    return compile_snapshot(StoredRows(policy, domains, lists), before or Snapshot())


def test_settings_are_kept_as_they_were_written() -> None:
    found = compiled(GOOD, {"scope": "mailbox:ann@example.com", "section": "spam_filter", "flagged": "quarantine"})
    assert found.problems == ()
    assert found.snapshot.scopes["global"] == {"spam_filter": {"spam_at": 4.5}}
    assert found.snapshot.scopes["mailbox:ann@example.com"]["spam_filter"] == {"flagged": "quarantine"}


def test_a_malformed_row_keeps_its_previous_value_and_is_a_problem() -> None:
    before = compiled(GOOD).snapshot
    found = compiled(BAD, before=before)
    assert found.snapshot == before
    assert [problem.row for problem in found.problems] == ["Policy global spam_filter"]
    assert "spam_filter.spam_at" in found.problems[0].text


def test_a_malformed_row_that_never_was_good_is_left_out() -> None:
    assert compiled(BAD).snapshot.scopes == {}


def test_a_row_that_is_gone_is_gone() -> None:
    assert compiled(before=compiled(GOOD).snapshot).snapshot.scopes == {}


@pytest.mark.parametrize(
    "row",
    [
        {"scope": "everyone", "section": "spam_filter"},
        {"scope": "global", "section": "spam_filtre"},
        {"scope": "domain:Example.com", "section": "spam_filter"},
        {"scope": "domain:example.com", "section": "site", "authserv_id": "x"},
        {"scope": "global", "section": "spam_filter", "spam_at": b"\x00"},
        {"section": "spam_filter"},
    ],
)
def test_rows_that_cannot_be_used_are_problems(row: Row) -> None:
    found = compiled(row)
    assert len(found.problems) == 1
    assert found.snapshot.scopes == {}


def test_the_version_is_a_hash_of_the_content_and_of_nothing_else() -> None:
    one, other = dict(GOOD), {"scope": "domain:example.com", "section": "spam_filter", "report": False}
    assert compiled(one, other).snapshot.version == compiled(other, one).snapshot.version
    assert (
        compiled(one, other, BAD | {"scope": "mailbox:a@b.example"}).snapshot.version
        == compiled(one, other).snapshot.version
    )
    assert compiled(one).snapshot.version != compiled(other).snapshot.version


def test_a_compilation_survives_the_wire() -> None:
    found = compiled(
        GOOD,
        BAD | {"scope": "domain:x.example"},
        domains=(RELAYED,),
        lists=({"scope": "global", "entry": "block#*@x.example"},),
    )
    assert from_json(Compilation, json.loads(dumps(found))) == found


def test_domains_are_hosted_or_relayed() -> None:
    domains = compiled(domains=({"domain": "a.example"}, RELAYED)).snapshot.domains
    assert domains["a.example"].entry.route is Route.MAILBOX
    assert domains["a.example"].target is None
    assert domains["b.example"].entry.route is Route.RELAY
    assert domains["b.example"].target == RelayTarget("mail.b.example", 25, TargetTls.VERIFIED)


def test_a_malformed_domain_keeps_receiving_as_before() -> None:
    before = compiled(domains=(RELAYED,)).snapshot
    found = compiled(domains=({**RELAYED, "target_port": 0},), before=before)
    assert found.snapshot.domains == before.domains
    assert found.problems[0].row == "Domains b.example"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"domain": "Example.com"}, "lower case"),
        ({"domain": "bücher.example"}, "A-labels"),
        ({"domain": ""}, "no domain"),
        ({"domain": "b.example", "route": "relay"}, "target_host"),
        ({**RELAYED, "target_user": "u"}, "belong together"),
        ({**RELAYED, "target_tls": "none", "target_user": "u", "target_secret": "s"}, "verified TLS"),
        ({**RELAYED, "target_tls": "always"}, "opportunistic"),
        ({**RELAYED, "color": "red"}, "color"),
    ],
)
def test_what_is_wrong_with_a_domain_is_said(row: Row, told: str) -> None:
    with pytest.raises(PolicyError, match=told):
        read_domain_row(row)


def test_the_snapshot_knows_which_scopes_have_which_entries() -> None:
    rows = (
        {"scope": "global", "entry": "block#*@spam.example"},
        {"scope": "global", "entry": "allow#ann@friend.example"},
        {"scope": "domain:example.com", "entry": "refuse#192.0.2.0/24"},
        {"scope": "global", "entry": "blok#x@spam.example"},
        {"scope": "nobody", "entry": "block#*@spam.example"},
    )
    found = compiled(lists=rows)
    assert found.snapshot.lists == {"domain:example.com": ("refuse",), "global": ("allow", "block")}
    assert [problem.row for problem in found.problems] == [
        "SenderLists global blok#x@spam.example",
        "SenderLists nobody block#*@spam.example",
    ]


def test_an_entry_that_no_message_would_be_looked_up_by_is_a_problem() -> None:
    with pytest.raises(PolicyError, match=r"block#\*@spam\.example"):
        read_list_key({"scope": "global", "entry": "block#*@SPAM.example"})


def test_problems_are_bounded_in_number_and_length() -> None:
    rows = tuple({"scope": f"{'x' * 2_000}{n}", "section": "y"} for n in range(1_000))
    problems = compiled(*rows).problems
    assert len(problems) == policy_compiler.MAX_PROBLEMS
    assert all(len(one.row) <= 500 and len(one.text) <= 500 for one in problems)


def test_the_site_is_named_after_its_host_unless_policy_says_otherwise() -> None:
    snapshot = compiled(domains=({"domain": "b.example"}, {"domain": "a.example"})).snapshot
    assert snapshot.site("mx.example.com").authserv_id == "mx.example.com"
    assert snapshot.site("mx.example.com").local_domains == ("a.example", "b.example")
    named = compiled(
        {"scope": "global", "section": "site", "authserv_id": "mail.example.com", "trusted_networks": ["10.0.0.0/8"]}
    )
    assert named.snapshot.site("mx.example.com").authserv_id == "mail.example.com"
    assert named.snapshot.site("mx.example.com").trusted_networks == ("10.0.0.0/8",)
