"""The self-test: every probe is noticed by live defences, and a dead one is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postern import catalog
from postern.backscatter.keys import KeyRing
from postern.contract import Needs
from postern.given_effects import GivenKeys, GivenSentMessages, GivenStores
from postern.message import parse_message
from postern.model import MessageReference, Site
from postern.pipeline import judge as judge_message
from postern.policy_book import PolicyBook
from postern.runner import Effects, run_check
from postern.self_test import Health, Outcome, judge, probes, transaction_of, worst
from postern.wire import to_json
from postern.zone import ZoneResolver
from tests.effects import effects
from tests.transactions import RECEIVED_AT

SITE = Site("mx.example.com", "mx.example.com", local_domains=("example.com",))
ZONE = ZoneResolver(
    {
        "example.org": {"TXT": ["v=spf1 -all"]},
        "_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject"]},
        "example.com": {"MX": ["10 mx.example.com"]},
    }
)
STATELESS = ("conversation", "iprev", "spf", "dkim", "arc", "dmarc", "adsp", "vbr", "ip_shield", "rules")


def outcomes(policy: dict[str, dict[str, object]] | None = None) -> dict[str, Outcome]:
    found: list[Outcome] = []
    book = PolicyBook("v", {"global": policy or {}})
    stages = [kept for stage in catalog.stages() if (kept := [spec for spec in stage if spec.check_id in STATELESS])]
    for probe in probes(SITE, RECEIVED_AT):
        message = MessageReference("incoming/x", len(probe.raw), "0" * 64)
        transaction = transaction_of(probe, "self-test", message, SITE, RECEIVED_AT)
        parsed = parse_message(probe.raw)
        makers = GivenStores().makers(lambda: ZONE, lambda parsed=parsed: parsed)  # type: ignore[misc]
        effects = Effects(makers, lambda: 0.0, lambda check_id, trouble: None)
        judged = judge_message(transaction, book.resolve(transaction.recipients), effects, stages)
        found += judge(probe, {name: to_json(result) for name, result in judged.results.items()})
    return {one.check_id: one for one in worst(tuple(found))}


def test_every_live_defence_notices() -> None:
    assert {check_id: one.health for check_id, one in outcomes().items()} == dict.fromkeys(STATELESS, Health.ALIVE)


def test_every_expected_symbol_exists() -> None:
    declared = {symbol.name for spec in catalog.specs() for symbol in spec.symbols} | {"GTUBE"}
    expected = {name for probe in probes(SITE, RECEIVED_AT) for names in probe.expects.values() for name in names}
    assert expected <= declared


def test_a_defence_that_is_switched_off_is_off_and_not_dead() -> None:
    assert outcomes({"spf": {"mode": "off"}})["spf"].health is Health.OFF


def test_a_defence_that_notices_nothing_is_dead() -> None:
    found = outcomes({"rules": {"shipped": False}})["rules"]
    assert (found.health, found.reason) == (Health.DEAD, "it did not report GTUBE")


@pytest.mark.parametrize(
    ("result", "health"),
    [
        ({"result": "temperror", "reason": "no DNS"}, Health.DEAD),
        ({"result": "skipped"}, Health.OFF),
        ({"result": "fail", "findings": [{"symbol": "SPF_FAIL"}]}, Health.ALIVE),
        ({"result": "pass", "findings": [{"symbol": "SPF_PASS"}]}, Health.DEAD),
    ],
)
def test_what_a_result_shows(result: dict[str, Any], health: Health) -> None:
    probe = probes(SITE, RECEIVED_AT)[0]
    assert judge(probe, {"spf": result})[0].health is health


def test_what_one_probe_finds_dead_is_dead() -> None:
    alive, dead = Outcome("spf", "a", Health.ALIVE), Outcome("spf", "b", Health.DEAD, "why")
    assert worst((alive, dead)) == worst((dead, alive)) == (dead,)


def test_an_untagged_report_must_be_noticed_where_a_domain_is_protected() -> None:
    domain = {"domain": "example.com", "signing_since": "2026-01-01"}
    book = PolicyBook("v", {"global": {"backscatter": {"mode": "enforce", "domains": [domain]}}})
    *_, probe = probes(SITE, RECEIVED_AT, ("example.com",))
    message, ring = parse_message(probe.raw), KeyRing().rotated(b"0" * 32, RECEIVED_AT)
    transaction = transaction_of(probe, "self-test", MessageReference("x", len(probe.raw), "0" * 64), SITE, RECEIVED_AT)
    assert (transaction.reverse_path, transaction.recipients[0].address) == (None, "self-test@example.com")
    makers = {
        Needs.MESSAGE: message,
        Needs.BATV_KEYS: GivenKeys(ring),
        Needs.SENT_MESSAGES: GivenSentMessages(),
    }
    policy = book.resolve(transaction.recipients)
    result = run_check(catalog.check("backscatter"), transaction, policy, {}, effects(makers))
    (outcome,) = judge(probe, {"backscatter": to_json(result)})
    assert (outcome.health, result.findings[0].symbol) == (Health.ALIVE, "BACKSCATTER_MISSING")


def test_a_site_without_a_domain_is_tested_all_the_same() -> None:
    site = replace(SITE, local_domains=())
    assert [probe.probe_id for probe in probes(site, RECEIVED_AT)] == ["stranger"]
