"""SPF records: which text is one and what each term becomes (RFC 7208 §4.5, §4.6.1, §5, §6)."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from postern.model import ResultWord
from postern.spf.record import Address, All, MailExchange, Mechanism, Network, RecordError, parse_record, select_records


@pytest.mark.parametrize(
    ("text", "is_record"),
    [
        ("v=spf1", True),
        ("V=SPF1 -all", True),
        ("v=spf10 -all", False),
        ("v=spf1\t-all", False),
        ("v=spf1-all", False),
        (" v=spf1 -all", False),
        ("spf2.0/pra -all", False),
        ("", False),
    ],
)
def test_which_text_is_an_spf_record(text: str, is_record: bool) -> None:
    assert bool(select_records([text])) is is_record


@pytest.mark.parametrize(
    ("term", "result", "mechanism"),
    [
        ("all", ResultWord.PASS, All()),
        ("-ALL", ResultWord.FAIL, All()),
        ("~a", ResultWord.SOFTFAIL, Address(None)),
        ("?a/24", ResultWord.NEUTRAL, Address(None, 24)),
        ("a//64", ResultWord.PASS, Address(None, 32, 64)),
        ("mx/0//0", ResultWord.PASS, MailExchange(None, 0, 0)),
        ("ip4:192.0.2.77/24", ResultWord.PASS, Network(ip_network("192.0.2.0/24"))),
        ("-ip4:192.0.2.7", ResultWord.FAIL, Network(ip_network("192.0.2.7/32"))),
        ("ip6:2001:DB8::/32", ResultWord.PASS, Network(ip_network("2001:db8::/32"))),
    ],
)
def test_directives(term: str, result: ResultWord, mechanism: Mechanism) -> None:
    (directive,) = parse_record(f"v=spf1 {term}").directives
    assert (directive.result, directive.mechanism, directive.text) == (result, mechanism, term)


@pytest.mark.parametrize(
    "term",
    [
        "--all",
        "all/8",
        "a:",
        "a/33",
        "a/024",
        "a/24/64",
        "a//129",
        "a///64",
        "mx:example",
        "ip4:192.0.2",
        "ip4:192.0.2.1/",
        "ip4:192.0.2.1/+8",
        "ip4:192.0.2.1\n",
        "ip4:1٠.0.0.1",
        "ip6:fe80::1%eth0",
        "ip6:::1//8",
        "include",
        "include:",
        "exists:x/24",
        "ptr/24",
        "redirect:example.com",
        "redirect=",
        "exp=example",
        "unknown:thing",
        "1up=foo",
        "x=%{y}",
        "a\t-all",
    ],
)
def test_an_error_anywhere_refuses_the_record(term: str) -> None:
    with pytest.raises(RecordError, match="term"):
        parse_record(f"v=spf1 +all {term}")


def test_modifiers_that_are_not_known_are_ignored_but_read() -> None:
    record = parse_record("v=spf1 moo.cow-far_out=man:dog/%{s} redirect=example.org EXP=why.example.org")
    assert record.directives == ()
    assert record.redirect is not None
    assert record.explanation is not None


@pytest.mark.parametrize("modifier", ["redirect=a.example", "exp=a.example"])
def test_a_modifier_stands_once(modifier: str) -> None:
    with pytest.raises(RecordError, match="given twice"):
        parse_record(f"v=spf1 {modifier} {modifier.upper()}")


def test_a_long_term_is_kept_short() -> None:
    (directive,) = parse_record(f"v=spf1 a:{'x' * 60_000}.example.com").directives
    assert len(directive.text) == 120
