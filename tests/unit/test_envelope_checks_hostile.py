"""Whatever a client says and a zone holds: the envelope's checks answer, and their answer survives the wire."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postern import catalog
from postern.contract import Phase, Required
from postern.given_effects import GivenStores
from postern.message import parse_message
from postern.model import CheckResult, ResultWord
from postern.ports import ListEntry
from postern.result_size import MAX_RESULT_OCTETS, capped, size_of
from postern.wire import dumps, from_json, to_json
from postern.zone import ZoneResolver
from tests.transactions import make_transaction

ENVELOPE_CHECKS = tuple(spec.check_id for spec in catalog.specs() if spec.phase is Phase.ENVELOPE)
TERMS = ["a", "mx", "ptr", "include:%{h}", "exists:%{l}.%{d}", "redirect=%{o}", "exp=%{p}", "-all", "ip4:0/0", "a/0//0"]
hostile = st.one_of(
    st.text(max_size=300),
    st.text(alphabet=st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF), max_size=10),
    st.sampled_from(["", "@", "<>", "a@b@c.example", "x" * 5000, "a." * 200, "[IPv6:::1]", "\r\n.\r\n", "%{s}%{d}"]),
)
address = st.one_of(hostile, st.builds(lambda local: f"{local}@example.com", hostile))
records = st.lists(st.one_of(st.sampled_from(TERMS), st.text(max_size=20)), max_size=8).map(
    lambda terms: "v=spf1 " + " ".join(terms)
)


class NoLists:
    """No entries at all."""

    def lookup(self, scopes: Iterable[str], patterns: Iterable[str]) -> tuple[ListEntry, ...]:
        assert all(isinstance(pattern, str) for pattern in patterns)
        return ()


def judge(check_id: str, *, helo: str, mail_from: str, record: str, raw: bytes) -> CheckResult[Any]:
    check = catalog.check(check_id)
    zone = {
        "example.com": {"TXT": [record], "A": ["192.0.2.1"], "MX": [record[:20]]},
        "1.2.0.192.in-addr.arpa": {"PTR": [record[:60], "example.com"]},
    }
    stores = GivenStores(sender_lists=NoLists())
    makers = stores.makers(lambda: ZoneResolver(zone), lambda: parse_message(raw))
    transaction = make_transaction(helo=helo, mail_from=mail_from, trusted_forwarders=("198.51.100.1",))
    given_needs = {need.value: makers[need]() for need in check.SPEC.needs}
    return check.evaluate(transaction, policy=check.SPEC.policy(), required=Required({}), **given_needs)


@pytest.mark.parametrize("check_id", ENVELOPE_CHECKS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(helo=hostile, mail_from=address, record=records, raw=st.binary(max_size=300))
def test_hostile_input_has_an_answer_that_can_be_passed_on(
    check_id: str, helo: str, mail_from: str, record: str, raw: bytes
) -> None:
    result = capped(judge(check_id, helo=helo, mail_from=mail_from, record=record, raw=raw))
    assert result.result is not ResultWord.SKIPPED
    assert size_of(result) <= MAX_RESULT_OCTETS
    evidence = catalog.check(check_id).SPEC.evidence
    assert dumps(from_json(CheckResult, to_json(result), evidence=evidence)) == dumps(result)
    for field in result.headers:
        assert field.value.isascii()
        assert field.value.isprintable()


def test_a_record_as_long_as_the_dns_allows_takes_no_time() -> None:
    record = "v=spf1 " + "exists:%{l}%{l}.gone.%{d} " * 2_500 + "-all"
    result = judge("spf", helo="x" * 10_000, mail_from="y" * 10_000 + "@example.com", record=record, raw=b"")
    assert result.result is ResultWord.PERMERROR
