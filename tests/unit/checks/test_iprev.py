"""Reverse look-ups: each of the four, its outcomes, and that DNS trouble never counts."""

from __future__ import annotations

import pytest

from postern import replies
from postern.checks import iprev
from postern.checks.iprev import IprevPolicy, Outcome
from postern.contract import Required
from postern.evidence import IprevEvidence
from postern.message import Message, parse_message
from postern.model import CheckResult, Disposition, ResultWord, Transaction
from postern.policy import Mode
from postern.replies import Reply
from postern.zone import Zone, ZoneResolver
from tests.transactions import make_transaction, transaction_from_file

ZONE: Zone = {
    "1.2.0.192.in-addr.arpa": {"PTR": ["mail.example.com"]},
    "2.2.0.192.in-addr.arpa": {"PTR": ["liar.example.com", "gone.example.com"]},
    "3.2.0.192.in-addr.arpa": {"PTR": "SERVFAIL"},
    "4.2.0.192.in-addr.arpa": {"PTR": ["slow.example.com"]},
    "5.2.0.192.in-addr.arpa": {"PTR": [*(f"n{n}.example.com" for n in range(10)), "mail5.example.com"]},
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa": {"PTR": ["mail.example.com"]},
    "mail.example.com": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]},
    "mail5.example.com": {"A": ["192.0.2.5"]},
    "liar.example.com": {"A": ["203.0.113.1"]},
    "slow.example.com": {"A": "TIMEOUT"},
    "example.com": {"MX": ["10 mail.example.com"]},
    "elsewhere.example": {"A": ["203.0.113.9"]},
    "nomail.example": {"MX": ["0 ."], "A": ["203.0.113.9"]},
    "textonly.example": {"TXT": ["hello"]},
    "slow.example": {"*": "TIMEOUT"},
    "xn--mnchen-3ya.example": {"MX": ["10 mail.example.com"]},
}


def judge(
    transaction: Transaction, *, policy: IprevPolicy | None = None, message: Message | None = None
) -> CheckResult[IprevEvidence]:
    return iprev.evaluate(
        transaction,
        policy=policy or IprevPolicy(),
        required=Required({}),
        resolver=ZoneResolver(ZONE),
        message=message,
    )


def symbols(result: CheckResult[IprevEvidence]) -> set[str]:
    return {finding.symbol for finding in result.findings}


@pytest.mark.parametrize(
    ("client_ip", "result", "symbol"),
    [
        ("192.0.2.1", ResultWord.PASS, "IPREV_PASS"),
        ("2001:db8::1", ResultWord.PASS, "IPREV_PASS"),
        ("192.0.2.2", ResultWord.FAIL, "IPREV_FAIL"),
        ("192.0.2.3", ResultWord.TEMPERROR, "IPREV_TEMPERROR"),
        ("192.0.2.4", ResultWord.TEMPERROR, "IPREV_TEMPERROR"),
        ("192.0.2.5", ResultWord.FAIL, "IPREV_FAIL"),  # only the first ten names are looked at
        ("192.0.2.99", ResultWord.PERMERROR, "IPREV_NO_PTR"),
    ],
)
def test_the_client_s_names(client_ip: str, result: ResultWord, symbol: str) -> None:
    judged = judge(make_transaction(client_ip=client_ip))
    assert judged.result is result
    assert symbol in symbols(judged)
    (method,) = judged.methods
    assert (method.method, method.result, method.properties) == ("iprev", result, (("policy.iprev", client_ip),))


def test_confirmed_names_are_evidence() -> None:
    assert judge(make_transaction()).evidence == IprevEvidence(ResultWord.PASS, ("mail.example.com",))


@pytest.mark.parametrize(
    ("helo", "symbol"),
    [
        ("mail.example.com", "IPREV_HELO_MATCH"),
        ("example.com", "IPREV_HELO_MATCH"),  # by its mail exchange
        ("elsewhere.example", "IPREV_HELO_MISMATCH"),
        ("textonly.example", "IPREV_HELO_UNREACHABLE"),
        ("nowhere.example", "IPREV_HELO_MISSING"),
        ("slow.example", "IPREV_HELO_TEMPERROR"),
        ("[192.0.2.1]", "IPREV_HELO_MATCH"),
        ("[192.0.2.2]", "IPREV_HELO_INVALID"),
        ("[IPv6:2001:db8::1]", "IPREV_HELO_INVALID"),
        ("localhost", "IPREV_HELO_INVALID"),
        ("a b.example.com", "IPREV_HELO_INVALID"),
        ("\r\nevil\0", "IPREV_HELO_INVALID"),
    ],
)
def test_the_helo_identity(helo: str, symbol: str) -> None:
    judged = judge(make_transaction(helo=helo))
    assert [one for one in symbols(judged) if one.startswith("IPREV_HELO")] == [symbol]
    assert judged.proposals == ()


def test_an_ipv6_literal_of_the_client_is_its_own() -> None:
    judged = judge(make_transaction(client_ip="2001:db8::1", helo="[IPv6:2001:DB8::1]"))
    assert "IPREV_HELO_MATCH" in symbols(judged)


NOW = replies.REVERSE_PATH_DOMAIN_MISSING_NOW


@pytest.mark.parametrize(
    ("mail_from", "symbol", "reply"),
    [
        ("bob@example.com", "IPREV_MAIL_FROM_MATCH", None),
        ("bob@münchen.example", "IPREV_MAIL_FROM_MATCH", None),
        ("bob@elsewhere.example", "IPREV_MAIL_FROM_MISMATCH", None),
        ("bob@textonly.example", "IPREV_MAIL_FROM_UNREACHABLE", None),
        ("bob@slow.example", "IPREV_MAIL_FROM_TEMPERROR", None),
        ("bob@nowhere.example", "IPREV_MAIL_FROM_MISSING", NOW),
        ("bob@bad..example", "IPREV_MAIL_FROM_MISSING", NOW),
        ("bob@nomail.example", "IPREV_MAIL_FROM_NULL_MX", replies.REVERSE_PATH_NULL_MX),
    ],
)
def test_the_reverse_path_s_domain(mail_from: str, symbol: str, reply: Reply | None) -> None:
    judged = judge(make_transaction(mail_from=mail_from))
    assert [one for one in symbols(judged) if one.startswith("IPREV_MAIL_FROM")] == [symbol]
    assert [proposal.reply for proposal in judged.proposals] == ([reply] if reply else [])
    assert not any(proposal.final for proposal in judged.proposals)


@pytest.mark.parametrize("mail_from", [None, "bob@[203.0.113.1]", "bob@receiver.example"])
def test_no_domain_or_our_own_is_not_looked_up(mail_from: str | None) -> None:
    judged = judge(make_transaction(mail_from=mail_from))
    assert not [one for one in symbols(judged) if one.startswith("IPREV_MAIL_FROM")]


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        (b"From: Ann <ann@example.com>\r\n", {"IPREV_AUTHOR_MATCH"}),
        (b"From: ann@elsewhere.example\r\n", {"IPREV_AUTHOR_MISMATCH"}),
        (b"From: ann@nowhere.example\r\n", {"IPREV_AUTHOR_MISSING"}),
        (b"From: ann@textonly.example\r\n", {"IPREV_AUTHOR_UNREACHABLE"}),
        (b"From: ann@nomail.example\r\n", {"IPREV_AUTHOR_NULL_MX"}),
        (b"From: ann@slow.example\r\n", {"IPREV_AUTHOR_TEMPERROR"}),
        (b"From: a@example.com, b@nowhere.example\r\n", {"IPREV_AUTHOR_MATCH", "IPREV_AUTHOR_MISSING"}),
        (b"Subject: nobody\r\n", set()),
    ],
)
def test_the_author_domain_has_hosts(author: bytes, expected: set[str]) -> None:
    judged = judge(make_transaction(), message=parse_message(author + b"\r\n"))
    assert {one for one in symbols(judged) if one.startswith("IPREV_AUTHOR")} == expected
    assert judged.proposals == ()


def test_a_mismatch_scores_nothing() -> None:
    scores = {symbol.name: symbol.score for symbol in iprev.SPEC.symbols}
    for group in ("HELO", "MAIL_FROM", "AUTHOR"):
        assert scores[f"IPREV_{group}_MISMATCH"] == 0
        assert scores[f"IPREV_{group}_TEMPERROR"] == 0


@pytest.mark.parametrize(
    ("policy", "client_ip", "mail_from", "disposition", "reply"),
    [
        (
            IprevPolicy(on_no_pointer=Outcome.REJECT),
            "192.0.2.99",
            "bob@example.com",
            Disposition.REJECT,
            replies.NO_POINTER_RECORD,
        ),
        (
            IprevPolicy(on_pointer_mismatch=Outcome.DEFER),
            "192.0.2.2",
            "bob@example.com",
            Disposition.DEFER,
            Reply(451, "4.7.25", f"{replies.NO_POINTER_RECORD.text}; try again later"),
        ),
        (
            IprevPolicy(on_missing_domain=Outcome.REJECT),
            "192.0.2.1",
            "bob@nowhere.example",
            Disposition.REJECT,
            replies.REVERSE_PATH_DOMAIN_MISSING,
        ),
    ],
)
def test_outcomes_by_policy(
    policy: IprevPolicy, client_ip: str, mail_from: str, disposition: Disposition, reply: Reply
) -> None:
    (proposal,) = judge(make_transaction(client_ip=client_ip, mail_from=mail_from), policy=policy).proposals
    assert (proposal.disposition, proposal.reply) == (disposition, reply)


def test_refusals_that_policy_takes_back() -> None:
    policy = IprevPolicy(on_missing_domain=Outcome.SCORE, on_null_mx=Outcome.SCORE)
    for domain in ("nowhere.example", "nomail.example"):
        assert judge(make_transaction(mail_from=f"bob@{domain}"), policy=policy).proposals == ()


def test_the_default_mode_carries_out_what_the_outcomes_say() -> None:
    assert IprevPolicy().mode is Mode.ENFORCE


@pytest.mark.parametrize("client_ip", ["192.0.2.3", "192.0.2.4"])
def test_trouble_with_pointers_refuses_nobody(client_ip: str) -> None:
    policy = IprevPolicy(on_no_pointer=Outcome.REJECT, on_pointer_mismatch=Outcome.REJECT)
    assert judge(make_transaction(client_ip=client_ip), policy=policy).proposals == ()


def test_every_oddity_warns_in_one_clean_line() -> None:
    transaction = make_transaction(client_ip="192.0.2.99", helo="evil\r\nX: 1", mail_from="bob@nowhere.example")
    judged = judge(transaction)
    assert [field.name for field in judged.headers] == ["X-Lookup-Warning"] * 3
    assert [field.value for field in judged.headers] == [
        "reverse lookup: 192.0.2.99 has no name",
        "HELO/EHLO lookup: evil??X:?1 is not a full name",
        "MAIL lookup: nowhere.example: missing",
    ]
    assert judge(transaction, policy=IprevPolicy(warning_header=False)).headers == ()


def test_a_tidy_client_gets_no_warning() -> None:
    assert judge(make_transaction()).headers == ()


def test_each_lookup_is_optional() -> None:
    policy = IprevPolicy(check_pointer=False, check_helo=False, check_reverse_path=False, check_author=False)
    judged = judge(make_transaction(), policy=policy, message=parse_message(b"From: a@b.example\r\n\r\n"))
    assert (judged.result, judged.findings, judged.methods) == (ResultWord.NONE, (), ())


def test_a_message_from_a_file_has_no_result() -> None:
    assert judge(transaction_from_file()).result is ResultWord.NONE


def test_behind_a_trusted_forwarder_the_last_untrusted_hop_is_judged() -> None:
    forwarded = make_transaction(client_ip="198.51.100.1", helo="fwd", trusted_forwarders=("198.51.100.0/24",))
    received = b"Received: from mail.example.com (x [192.0.2.1]) by fwd.example; now\r\n\r\n"
    judged = judge(forwarded, message=parse_message(received))
    assert judged.methods[0].properties == (("policy.iprev", "192.0.2.1"),)
    assert {"IPREV_PASS", "IPREV_HELO_MATCH"} <= symbols(judged)


def test_every_symbol_is_declared() -> None:
    declared = {symbol.name for symbol in iprev.SPEC.symbols}
    for client_ip in ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.99"):
        assert declared >= symbols(judge(make_transaction(client_ip=client_ip, helo="x")))
