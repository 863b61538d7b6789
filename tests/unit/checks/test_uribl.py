"""The check of domain and URL lists: which names are asked for, what counts, what never does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import pytest

from postern.checks import uribl
from postern.checks.uribl import UriblPolicy
from postern.contract import Required
from postern.dns import DnsAnswer, Question
from postern.dnsbl.name_lists import SHIPPED, NameList, NameRole
from postern.evidence import UriblEvidence
from postern.given_effects import GivenStores
from postern.message import Message, parse_message
from postern.model import CheckResult, Disposition, Points, ResultWord, Transaction
from postern.policy import PolicyError, read_section
from postern.policy_book import GLOBAL_SCOPE, PolicyBook
from postern.runner import Effects, RecordingResolver, run_check
from postern.zone import Zone, ZoneResolver
from tests.transactions import make_transaction, transaction_from_file

DOMAINS = NameList(
    name="domains", zone="dbl.example.net", codes=MappingProxyType({"127.0.1.2": Points(400)}), hosts=True, refuse=True
)
LINKS = NameList(
    name="links",
    zone="uribl.example.net",
    codes=MappingProxyType({"&2": Points(300), "&8": Points(50)}),
    about=(NameRole.LINK,),
    addresses=True,
)
POLICY = UriblPolicy(shipped=(), lists=(DOMAINS, LINKS))
ZONE: Zone = {
    "bad-author.biz.dbl.example.net": {"A": ["127.0.1.2"]},
    "shop.bad-links.biz.dbl.example.net": {"A": ["127.0.1.2"]},
    "bad-links.biz.uribl.example.net": {"A": ["127.0.0.10"]},
    "grey.biz.uribl.example.net": {"A": ["127.0.0.8"]},
    "undeclared.biz.uribl.example.net": {"A": ["127.0.0.4"]},
    "1.2.0.192.uribl.example.net": {"A": ["127.0.0.2"]},
    "refused.biz.uribl.example.net": {"A": ["127.0.0.1"]},
    "refused.biz.dbl.example.net": {"A": ["127.255.255.254"]},
    "strange.biz.uribl.example.net": {"A": ["203.0.113.1"]},
    "slow.biz.uribl.example.net": {"A": "TIMEOUT"},
    "slow.biz.dbl.example.net": {"A": "SERVFAIL"},
    "stranger.github.io.uribl.example.net": {"A": ["127.0.0.2"]},
}


def letter(*links: str, author: str = "ann@sender.biz") -> Message:
    text = "\r\n".join(f"look: {link} now" for link in links)
    return parse_message(f"From: <{author}>\r\nSubject: x\r\n\r\n{text}\r\n".encode())


class Listener:
    """Remembers what was asked."""

    def __init__(self, zone: Zone) -> None:
        self.inner = ZoneResolver(zone)
        self.asked: list[str] = []

    def query(self, name: str, rdtype: str) -> DnsAnswer:
        self.asked.append(name)
        return self.inner.query(name, rdtype)

    def query_all(self, questions: Sequence[Question]) -> tuple[DnsAnswer, ...]:
        return tuple(self.query(one.name, one.rdtype) for one in questions)


def judge(
    message: Message,
    *,
    policy: UriblPolicy = POLICY,
    transaction: Transaction | None = None,
    zone: Zone = ZONE,
) -> tuple[CheckResult[UriblEvidence], list[str]]:
    listener = Listener(zone)
    result = uribl.evaluate(
        transaction or make_transaction(helo="mx.sender.biz", mail_from="ann@sender.biz"),
        policy=policy,
        required=Required({}),
        resolver=listener,
        message=message,
    )
    return result, listener.asked


@pytest.mark.parametrize(
    ("link", "word", "findings"),
    [
        ("http://fine.biz/", ResultWord.PASS, []),
        ("http://shop.bad-links.biz/x", ResultWord.FAIL, [("URIBL_LINK_LISTED", 400), ("URIBL_LINK_LISTED", 300)]),
        ("https://www.grey.biz/", ResultWord.FAIL, [("URIBL_LINK_LISTED", 50)]),
        ("http://undeclared.biz/", ResultWord.PASS, []),
        ("http://192.0.2.1/login", ResultWord.FAIL, [("URIBL_LINK_LISTED", 300)]),
        ("http://stranger.github.io/", ResultWord.FAIL, [("URIBL_LINK_LISTED", 300)]),
        ("http://strange.biz/", ResultWord.PASS, [("URIBL_BROKEN", None)]),
        ("http://refused.biz/", ResultWord.TEMPERROR, [("URIBL_REFUSES_US", None), ("URIBL_REFUSES_US", None)]),
    ],
)
def test_what_a_link_comes_to(link: str, word: ResultWord, findings: list[tuple[str, int | None]]) -> None:
    result, _ = judge(letter(link))
    assert result.result is word
    assert [(one.symbol, one.score) for one in result.findings] == findings


def test_silence_of_all_lists_is_our_trouble() -> None:
    result, _ = judge(letter("http://slow.biz/", author="a@slow.biz"), transaction=transaction_from_file())
    assert result.result is ResultWord.TEMPERROR
    assert {one.symbol for one in result.findings} == {"URIBL_TEMPERROR"}


def test_the_author_counts_before_the_link_and_a_list_counts_once() -> None:
    result, _ = judge(letter("http://bad-author.biz/", "http://shop.bad-links.biz/", author="x@bad-author.biz"))
    (first, second) = result.findings
    assert (first.symbol, first.score) == ("URIBL_AUTHOR_LISTED", 400)
    assert second.symbol == "URIBL_LINK_LISTED"
    assert result.evidence is not None
    assert result.evidence.names == ("bad-author.biz", "shop.bad-links.biz", "bad-links.biz")
    assert result.evidence.listed_by == ("dbl.example.net", "uribl.example.net")


def test_the_helo_identity_and_the_reverse_path_are_asked_for() -> None:
    _, asked = judge(letter(), transaction=make_transaction(helo="mx.client.biz", mail_from="bob@bounces.biz"))
    assert {"mx.client.biz.dbl.example.net", "bounces.biz.dbl.example.net"} <= set(asked)
    assert not [name for name in asked if name.endswith("uribl.example.net")]


@pytest.mark.parametrize(
    "link",
    [
        "http://www.receiver.example/",
        "http://localhost/",
        "http://printer.lan/",
        "http://intranet.corp/",
        "http://10.1.2.3/",
        "http://127.0.0.1:8080/",
        "http://[2001:db8::1]/",
        "http://www.paypal.com/",
        "cid:part1",
    ],
)
def test_own_private_and_well_known_names_are_never_asked_for(link: str) -> None:
    result, asked = judge(letter(link, author="ann@receiver.example"), transaction=transaction_from_file())
    assert asked == []
    assert result.result is ResultWord.NONE


def test_few_names_are_asked_for_however_many_links_there_are() -> None:
    message = letter(*(f"http://link-{number}.biz/" for number in range(150)))
    result, asked = judge(message, policy=UriblPolicy(shipped=(), lists=(DOMAINS, LINKS), max_names=7))
    assert len(asked) <= 14
    assert "URIBL_MANY_NAMES" in {one.symbol for one in result.findings}


def test_a_list_that_lists_everything_is_broken() -> None:
    zone: Zone = {**ZONE, "invalid.uribl.example.net": {"A": ["127.0.0.2"]}}
    result, _ = judge(letter("http://bad-links.biz/"), zone=zone)
    assert [(one.symbol, one.score) for one in result.findings] == [("URIBL_BROKEN", None)]
    assert result.result is ResultWord.PASS


def test_a_listing_is_refused_where_policy_says_so_and_is_never_final() -> None:
    (proposal,) = judge(letter("http://shop.bad-links.biz/"))[0].proposals
    assert (proposal.disposition, proposal.final) == (Disposition.REJECT, False)
    assert proposal.reply is not None
    assert "bad-links" not in proposal.reply.encode().decode()


def test_the_key_of_a_list_is_asked_and_never_shown() -> None:
    policy = UriblPolicy(shipped=(), spamhaus_dqs_key="secretkey")
    zone: Zone = {"bad-links.biz.secretkey.dbl.dq.spamhaus.net": {"A": ["127.0.1.4"]}}
    makers = GivenStores().makers(lambda: ZoneResolver(zone), lambda: letter("http://bad-links.biz/"))
    effects = Effects(makers, lambda: 0.0, lambda check_id, trouble: pytest.fail(repr(trouble)))
    book = PolicyBook(scopes={GLOBAL_SCOPE: {"dnsbl": {"spamhaus_dqs_key": "secretkey"}, "uribl": {"shipped": []}}})
    resolved = book.resolve(())
    assert resolved.section("uribl", UriblPolicy) == policy
    result = run_check(uribl, transaction_from_file(), resolved, {}, effects)  # type: ignore[arg-type]
    assert [(one.symbol, one.score) for one in result.findings] == [("URIBL_LINK_LISTED", 500)]
    assert result.lookups
    assert "secretkey" not in repr(result)


def test_what_is_recorded_of_a_question_is_what_may_be_shown() -> None:
    recording = RecordingResolver(ZoneResolver({}))
    recording.query_all((Question("x.key.list.example", "A", shown="x.list.example"),))
    assert [one.name for one in recording.lookups] == ["x.list.example"]


def test_lists_of_names_give_no_credit() -> None:
    stored = {"lists": [{"name": "a", "zone": "a.example", "codes": {"127.0.0.2": -1}}]}
    with pytest.raises(PolicyError, match="no negative points"):
        read_section(UriblPolicy, stored, "uribl")


def test_unknown_lists_are_refused() -> None:
    with pytest.raises(PolicyError, match="there is no list 'nope'"):
        UriblPolicy(shipped=("nope",))


def test_every_shipped_list_says_its_terms_and_has_test_points() -> None:
    for one in SHIPPED.values():
        assert one.terms
        assert one.listed_test != one.unlisted_test


def test_a_list_that_is_only_observed_is_told_about_and_counts_nothing() -> None:
    names = tuple(one.name for one in POLICY.every_list())
    result, _ = judge(letter("http://shop.bad-links.biz/x"), policy=replace(POLICY, observed=names))
    assert {one.symbol for one in result.findings} == {"URIBL_OBSERVED"}
    assert (result.result, result.proposals, result.evidence) == (ResultWord.NONE, (), UriblEvidence())
    assert result.properties["observed"]
