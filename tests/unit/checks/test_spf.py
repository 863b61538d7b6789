"""The SPF check: identities, findings, the refusal and what it writes."""

from __future__ import annotations

import pytest

from postern import replies
from postern.checks import spf
from postern.checks.spf import SpfPolicy
from postern.contract import Required
from postern.evidence import SpfEvidence
from postern.message import Message, parse_message
from postern.model import CheckResult, Disposition, ResultWord, Transaction
from postern.zone import Zone, ZoneResolver
from tests.transactions import make_transaction, transaction_from_file

ZONE: Zone = {
    "example.com": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all exp=why.example.com"]},
    "why.example.com": {"TXT": ["%{i} is not ours"]},
    "soft.example": {"TXT": ["v=spf1 ~all"]},
    "neutral.example": {"TXT": ["v=spf1 ?all"]},
    "broken.example": {"TXT": ["v=spf1 oops"]},
    "slow.example": {"TXT": "TIMEOUT"},
    "mail.example.com": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]},
    "xn--mnchen-3ya.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]},
}


def judge(
    transaction: Transaction, *, policy: SpfPolicy | None = None, message: Message | None = None
) -> CheckResult[SpfEvidence]:
    return spf.evaluate(
        transaction,
        policy=policy or SpfPolicy(),
        required=Required({}),
        resolver=ZoneResolver(ZONE),
        message=message,
    )


@pytest.mark.parametrize(
    ("mail_from", "client_ip", "result"),
    [
        ("bob@example.com", "192.0.2.1", ResultWord.PASS),
        ("bob@EXAMPLE.com.", "192.0.2.1", ResultWord.PASS),
        ("bob@example.com", "203.0.113.1", ResultWord.FAIL),
        ("bob@soft.example", "192.0.2.1", ResultWord.SOFTFAIL),
        ("bob@neutral.example", "192.0.2.1", ResultWord.NEUTRAL),
        ("bob@nowhere.example", "192.0.2.1", ResultWord.NONE),
        ("bob@broken.example", "192.0.2.1", ResultWord.PERMERROR),
        ("bob@slow.example", "192.0.2.1", ResultWord.TEMPERROR),
        ("bob@münchen.example", "192.0.2.1", ResultWord.PASS),
        ("bob", "192.0.2.1", ResultWord.NONE),
        ("@", "192.0.2.1", ResultWord.NONE),
        ("\udce9@\udcff\0", "192.0.2.1", ResultWord.NONE),
        ("bob@example.com", "10.0.0.1", ResultWord.FAIL),
    ],
)
def test_every_result_has_its_symbol(mail_from: str, client_ip: str, result: ResultWord) -> None:
    judged = judge(make_transaction(mail_from=mail_from, client_ip=client_ip))
    assert judged.result is result
    assert judged.findings[0].symbol == f"SPF_{result.name}"
    declared = {symbol.name for symbol in spf.SPEC.symbols}
    assert declared.issuperset(finding.symbol for finding in judged.findings)


def test_both_identities_are_told_to_people_machines_and_other_checks() -> None:
    judged = judge(make_transaction(mail_from="bob@soft.example"))
    assert judged.evidence is not None
    assert judged.evidence.helo is not None
    assert (judged.evidence.mail_from.result, judged.evidence.helo.result) == (ResultWord.SOFTFAIL, ResultWord.PASS)
    assert [(method.result.value, method.properties) for method in judged.methods] == [
        ("softfail", (("smtp.mailfrom", "bob@soft.example"),)),
        ("pass", (("smtp.helo", "mail.example.com"),)),
    ]
    assert [field.value.split()[0] for field in judged.headers] == ["softfail", "pass"]
    assert judged.properties["mailfrom"] == {
        "domain": "soft.example",
        "result": "softfail",
        "identity": "bob@soft.example",
        "mechanism": "~all",
    }
    assert judged.properties["helo"] == {
        "domain": "mail.example.com",
        "result": "pass",
        "identity": "postmaster@mail.example.com",
        "mechanism": "ip4:192.0.2.1",
    }


def test_the_null_reverse_path_is_judged_as_postmaster_of_the_helo_identity() -> None:
    judged = judge(make_transaction(mail_from=None, client_ip="203.0.113.1"))
    assert judged.evidence is not None
    assert judged.evidence.mail_from.identity == "postmaster@mail.example.com"
    assert judged.result is ResultWord.FAIL
    assert len(judged.headers) == 1
    assert judged.headers[0].value.count('envelope-from=""') == 1


def test_one_identity_is_not_held_against_a_client_twice() -> None:
    judged = judge(make_transaction(mail_from=None, client_ip="203.0.113.1"))
    assert {finding.symbol: finding.score for finding in judged.findings} == {"SPF_FAIL": None, "SPF_HELO_FAIL": 0}


def test_a_fail_proposes_a_refusal_that_is_not_final_and_yields_to_dmarc() -> None:
    (proposal,) = judge(make_transaction(client_ip="203.0.113.1")).proposals
    assert proposal.disposition is Disposition.REJECT
    assert proposal.yields_to == ("dmarc",)
    assert not proposal.final
    assert proposal.reply is not None
    assert (proposal.reply.code, proposal.reply.enhanced) == (550, "5.7.23")
    assert proposal.reply.lines()[1:] == ("example.com explains:", "203.0.113.1 is not ours")


def test_the_explanation_can_be_kept_back() -> None:
    policy = SpfPolicy(give_explanation=False)
    (proposal,) = judge(make_transaction(client_ip="203.0.113.1"), policy=policy).proposals
    assert proposal.reply == replies.SPF_FAILED


@pytest.mark.parametrize("mail_from", ["bob@soft.example", "bob@slow.example", "bob@broken.example", "bob@example.com"])
def test_nothing_but_a_fail_is_refused(mail_from: str) -> None:
    assert judge(make_transaction(mail_from=mail_from)).proposals == ()


def test_a_message_from_a_file_has_no_result() -> None:
    judged = judge(transaction_from_file())
    assert (judged.result, judged.methods, judged.headers) == (ResultWord.NONE, (), ())


def test_behind_a_trusted_forwarder_the_last_untrusted_hop_is_judged() -> None:
    forwarded = make_transaction(client_ip="198.51.100.1", helo="fwd.example", trusted_forwarders=("198.51.100.1",))
    received = b"Received: from mail.example.com (x [192.0.2.1]) by fwd.example; now\r\n\r\n"
    judged = judge(forwarded, message=parse_message(received))
    assert judged.result is ResultWord.PASS
    assert (judged.properties["client_ip"], judged.properties["hops"]) == ("192.0.2.1", 1)
    assert judged.methods[1].properties == (("smtp.helo", "mail.example.com"),)


def test_long_identities_are_cut() -> None:
    judged = judge(make_transaction(mail_from=f"{'x' * 100_000}@example.com", helo="h" * 100_000))
    assert judged.result is ResultWord.PASS
    assert len(str(judged)) < 6_000
