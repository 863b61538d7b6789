"""The SPF test suite of RFC 7208, all through the check itself: with zones as data, and once over a real DNS server."""

from __future__ import annotations

import pytest

from postern.checks import spf
from postern.contract import Required
from postern.evidence import SpfEvidence
from postern.model import CheckResult
from postern.ports import Resolver
from postern.zone import Zone, ZoneResolver
from postern_aws.dns import NameServers, SystemResolver
from tests.conformance.spf_suite import DEFAULT_EXPLANATION, SpfCase, read_suite
from tests.dns_server import DnsServer, serve
from tests.material import vectors
from tests.transactions import make_transaction

CASES = read_suite(vectors("spf", "rfc7208-tests.yml"))


def test_the_suite_is_complete() -> None:
    assert len(CASES) == 203


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rfc_7208_suite(case: SpfCase) -> None:
    assert_as_the_suite_says(case, judge(case, ZoneResolver(case.zone)))


@pytest.mark.parametrize(
    "zone", {id(case.zone): case.zone for case in CASES}.values(), ids=lambda zone: next(iter(zone))
)
def test_rfc_7208_suite_over_the_dns(zone: Zone) -> None:
    with serve(DnsServer(zone)) as server:
        resolver = SystemResolver(None, NameServers(("127.0.0.1",), server.port), 0.3, 0.3)
        for case in CASES:
            if case.zone is zone:
                assert_as_the_suite_says(case, judge(case, resolver))


def judge(case: SpfCase, resolver: Resolver) -> CheckResult[SpfEvidence]:
    transaction = make_transaction(client_ip=case.client_ip, helo=case.helo, mail_from=case.mail_from or None)
    return spf.evaluate(transaction, policy=spf.SpfPolicy(), required=Required({}), resolver=resolver)


def assert_as_the_suite_says(case: SpfCase, result: CheckResult[SpfEvidence]) -> None:
    assert result.result.value in case.allowed, result.properties
    if case.explanation is not None:
        assert result.evidence is not None
        expected = "" if case.explanation == DEFAULT_EXPLANATION else case.explanation
        assert result.evidence.mail_from.explanation == expected
