"""The SPF test suite of RFC 7208, all through the check itself."""

from __future__ import annotations

import pytest

from postern.checks import spf
from postern.contract import Required
from postern.evidence import SpfEvidence
from postern.model import CheckResult
from postern.ports import Resolver
from postern.zone import ZoneResolver
from tests.conformance.spf_suite import DEFAULT_EXPLANATION, SpfCase, read_suite
from tests.material import vectors
from tests.transactions import make_transaction

CASES = read_suite(vectors("spf", "rfc7208-tests.yml"))


def test_the_suite_is_complete() -> None:
    assert len(CASES) == 203


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rfc_7208_suite(case: SpfCase) -> None:
    assert_as_the_suite_says(case, judge(case, ZoneResolver(case.zone)))


def judge(case: SpfCase, resolver: Resolver) -> CheckResult[SpfEvidence]:
    transaction = make_transaction(client_ip=case.client_ip, helo=case.helo, mail_from=case.mail_from or None)
    return spf.evaluate(transaction, policy=spf.SpfPolicy(), required=Required({}), resolver=resolver)


def assert_as_the_suite_says(case: SpfCase, result: CheckResult[SpfEvidence]) -> None:
    assert result.result.value in case.allowed, result.properties
    if case.explanation is not None:
        assert result.evidence is not None
        expected = "" if case.explanation == DEFAULT_EXPLANATION else case.explanation
        assert result.evidence.mail_from.explanation == expected
