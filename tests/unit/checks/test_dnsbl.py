"""The blocklist check: whom it looks up, what counts, what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import pytest

from postern.checks import dnsbl
from postern.checks.dnsbl import DnsblPolicy
from postern.contract import Required
from postern.dns import DnsAnswer, Question
from postern.dnsbl.lists import DnsList
from postern.evidence import DnsblEvidence
from postern.message import Message, parse_message
from postern.model import CheckResult, Disposition, Points, ResultWord, Transaction
from postern.zone import Zone, ZoneResolver
from tests.transactions import make_transaction, transaction_from_file

BLOCK = DnsList(name="blocks", zone="bl.example", codes=MappingProxyType({"127.0.0.2": Points(300)}))
MILD = DnsList(name="mild", zone="mild.example", codes=MappingProxyType({"127.0.0.2": Points(50)}), refuse=False)
ALLOW = DnsList(name="allows", zone="wl.example", codes=MappingProxyType({"127.0.*.3": Points(-300)}))
POLICY = DnsblPolicy(shipped=(), lists=(BLOCK, MILD, ALLOW))
ZONE: Zone = {
    "1.2.0.192.bl.example": {"A": ["127.0.0.2"]},
    "2.2.0.192.mild.example": {"A": ["127.0.0.2"]},
    "3.2.0.192.wl.example": {"A": ["127.0.5.3"]},
    "4.2.0.192.bl.example": {"A": ["127.255.255.254"]},
    "5.2.0.192.bl.example": {"A": "TIMEOUT"},
    "5.2.0.192.mild.example": {"A": "SERVFAIL"},
    "5.2.0.192.wl.example": {"A": ["127.0.0.1"]},
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example": {"A": ["127.0.0.2"]},
}


def judge(
    transaction: Transaction, *, policy: DnsblPolicy = POLICY, message: Message | None = None
) -> CheckResult[DnsblEvidence]:
    resolver = ZoneResolver(ZONE)
    return dnsbl.evaluate(transaction, policy=policy, required=Required({}), resolver=resolver, message=message)


@pytest.mark.parametrize(
    ("client_ip", "result", "findings"),
    [
        ("192.0.2.1", ResultWord.FAIL, [("DNSBL_LISTED", 300)]),
        ("2001:db8::1", ResultWord.FAIL, [("DNSBL_LISTED", 300)]),
        ("192.0.2.2", ResultWord.FAIL, [("DNSBL_LISTED", 50)]),
        ("192.0.2.3", ResultWord.PASS, [("DNSBL_ALLOWED", -300)]),
        ("192.0.2.4", ResultWord.PASS, [("DNSBL_REFUSES_US", 0)]),
        ("192.0.2.9", ResultWord.PASS, []),
        (
            "192.0.2.5",
            ResultWord.TEMPERROR,
            [("DNSBL_TEMPERROR", 0), ("DNSBL_TEMPERROR", 0), ("DNSBL_REFUSES_US", 0)],
        ),
    ],
)
def test_results(client_ip: str, result: ResultWord, findings: list[tuple[str, int]]) -> None:
    judged = judge(make_transaction(client_ip=client_ip))
    assert judged.result is result
    assert [(finding.symbol, finding.score) for finding in judged.findings] == findings


def test_evidence_names_zones() -> None:
    assert judge(make_transaction(client_ip="192.0.2.1")).evidence == DnsblEvidence(("bl.example",))
    assert judge(make_transaction(client_ip="192.0.2.4")).evidence == DnsblEvidence((), ("bl.example",))


def test_only_a_listing_is_independent_evidence() -> None:
    assert [one.name for one in dnsbl.SPEC.symbols if one.corroborates] == ["DNSBL_LISTED"]


def test_a_listing_is_refused_at_once() -> None:
    (proposal,) = judge(make_transaction(client_ip="192.0.2.1")).proposals
    assert (proposal.disposition, proposal.final) == (Disposition.REJECT, True)
    assert proposal.reply is not None
    assert proposal.reply.encode() == b"550 5.7.1 Your address 192.0.2.1 is listed by blocks\r\n"


@pytest.mark.parametrize("client_ip", ["192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.9"])
def test_nothing_else_is_refused(client_ip: str) -> None:
    assert judge(make_transaction(client_ip=client_ip)).proposals == ()


class ForbiddenResolver:
    """Fails the test when anything is asked."""

    def query(self, name: str, rdtype: str) -> DnsAnswer:
        raise AssertionError(f"{name} {rdtype} was asked")

    def query_all(self, questions: Sequence[Question]) -> tuple[DnsAnswer, ...]:
        raise AssertionError(f"{questions} were asked")


@pytest.mark.parametrize("client_ip", ["10.0.0.1", "127.0.0.2", "192.168.7.7", "::1", "fe80::1", "203.0.113.77", None])
def test_private_and_trusted_clients_are_never_looked_up(client_ip: str | None) -> None:
    transaction = make_transaction(client_ip=client_ip, trusted_networks=("203.0.113.0/24",))
    judged = dnsbl.evaluate(transaction, policy=POLICY, required=Required({}), resolver=ForbiddenResolver())
    assert (judged.result, judged.findings) == (ResultWord.NONE, ())


def test_a_message_from_a_file_has_no_result() -> None:
    assert judge(transaction_from_file()).result is ResultWord.NONE


def test_what_an_allow_list_says_goes_to_authentication_results() -> None:
    (method,) = judge(make_transaction(client_ip="192.0.2.3")).methods
    assert (method.method, method.result) == ("dnswl", ResultWord.PASS)
    assert method.properties == (("dns.zone", "wl.example"), ("policy.ip", "127.0.5.3"))


def test_behind_a_trusted_forwarder_the_last_untrusted_hop_is_judged() -> None:
    forwarded = make_transaction(client_ip="198.51.100.1", trusted_forwarders=("198.51.100.1",))
    message = parse_message(b"Received: from x (y [192.0.2.1]) by fwd.example; now\r\n\r\n")
    assert judge(forwarded, message=message).result is ResultWord.FAIL


def test_an_account_key_is_nowhere_in_the_result() -> None:
    judged = judge(make_transaction(client_ip="192.0.2.9"), policy=DnsblPolicy(shipped=(), spamhaus_dqs_key="s3cret"))
    assert judged.result is ResultWord.PASS
    assert "s3cret" not in str(judged)


def test_a_list_that_is_only_observed_is_told_about_and_counts_nothing() -> None:
    policy = replace(POLICY, observed=("blocks",))
    listed = judge(make_transaction(client_ip="192.0.2.1"), policy=policy)
    assert [(one.symbol, one.score, one.corroborates) for one in listed.findings] == [("DNSBL_OBSERVED", None, False)]
    assert (listed.result, listed.proposals) == (ResultWord.PASS, ())
    assert listed.evidence == DnsblEvidence()
    assert listed.properties["observed"] == ["blocks"]
    refusing = judge(make_transaction(client_ip="192.0.2.4"), policy=policy)
    assert [one.symbol for one in refusing.findings] == ["DNSBL_OBSERVED"]
    assert judge(make_transaction(client_ip="192.0.2.9"), policy=policy).findings == ()


def test_where_every_list_is_only_observed_nobody_says_anything() -> None:
    policy = replace(POLICY, observed=("blocks", "mild", "allows"))
    assert judge(make_transaction(client_ip="192.0.2.5"), policy=policy).result is ResultWord.NONE
