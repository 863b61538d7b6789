from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from postern import replies
from postern.model import Recipient, Route
from postern.recipients import (
    MAX_EXPANDED_RECIPIENTS,
    DomainEntry,
    MailPath,
    RecipientCheck,
    is_known_reverse_path,
    resolve,
)

HOSTED, RELAYED = "example.com", "relayed.example"


@dataclass(frozen=True)
class Tables:
    """The directory as data."""

    domains: Mapping[str, DomainEntry] = field(default_factory=dict)
    accounts: frozenset[str] = frozenset()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def domain(self, name: str) -> DomainEntry | None:
        return self.domains.get(name)

    def has_account(self, address: str) -> bool:
        return address in self.accounts

    def alias(self, address: str) -> tuple[str, ...]:
        return self.aliases.get(address, ())


TABLES = Tables(
    domains={
        entry.name: entry
        for entry in (
            DomainEntry(HOSTED),
            DomainEntry("example.net"),
            DomainEntry("catch.example"),
            DomainEntry("xn--bcher-kva.example"),
            DomainEntry(RELAYED, Route.RELAY),
            DomainEntry("any.example", Route.RELAY, RecipientCheck.PATTERN, ("*",)),
            DomainEntry("old.example", Route.RELAY, RecipientCheck.PATTERN, ("*",), takes_smtputf8=False),
            DomainEntry("some.example", Route.RELAY, RecipientCheck.PATTERN, ("sales-*", "info")),
        )
    },
    accounts=frozenset(
        {
            "ann@example.com",
            "bob@example.com",
            "c+sharp@example.com",
            "odd%name@example.com",
            "carl@relayed.example",
            "ann@xn--bcher-kva.example",
        }
    ),
    aliases={
        "info@example.com": ("ann@example.com",),
        "team@example.com": ("ann@example.com", "bob@example.com", "info@example.com", "carl@relayed.example"),
        "chat@example.com": ("chat@example.com", "bob@example.com"),
        "ring1@example.com": ("ring2@example.com",),
        "ring2@example.com": ("ring1@example.com",),
        "dangling@example.com": ("gone@example.com", "someone@foreign.example"),
        "tagged@example.com": ("ann+list@example.com",),
        "@example.net": ("@example.com",),
        "@catch.example": ("bob@example.com",),
        **{f"level{n}@example.com": (f"level{n + 1}@example.com",) for n in range(12)},
        "level12@example.com": ("ann@example.com",),
    },
)


def path(text: str) -> MailPath:
    local_part, at, domain = text.rpartition("@")
    return MailPath(local_part, domain) if at else MailPath(text, None)


def addresses(text: str, *, may_relay: bool = False) -> list[str]:
    found = resolve(path(text), TABLES, default_domain=HOSTED, may_relay=may_relay)
    assert found.refusal is None
    assert {recipient.forward_path for recipient in found.recipients} == {str(path(text))}
    return [recipient.address for recipient in found.recipients]


def refusal(text: str, *, may_relay: bool = False) -> replies.Reply | None:
    found = resolve(path(text), TABLES, default_domain=HOSTED, may_relay=may_relay)
    assert found.recipients == ()
    return found.refusal


@pytest.mark.parametrize(
    ("forward_path", "delivered_to"),
    [
        ("ann@example.com", ["ann@example.com"]),
        ("Ann@EXAMPLE.com", ["ann@example.com"]),
        ("prvs=0786d6aa1a=Ann@example.com", ["ann@example.com"]),
        ("PRVS=0786D6AA1A=ANN+NEWS@EXAMPLE.COM", ["ann@example.com"]),
        ("prvs=0786d6aa1a=team@example.com", ["ann@example.com", "bob@example.com", "carl@relayed.example"]),
        ("prvs=0786d6aa1a=Carl@relayed.example", ["Carl@relayed.example"]),
        ("prvs=0786d6aa1a=Whoever@any.example", ["Whoever@any.example"]),
        ("prvs=0786d6aa1a=whoever@catch.example", ["bob@example.com"]),
        ("prvs=0786d6aa1a=postmaster@example.com", ["postmaster@example.com"]),
        ("ann+news@example.com", ["ann@example.com"]),
        ("c+sharp@example.com", ["c+sharp@example.com"]),
        ("odd%name@example.com", ["odd%name@example.com"]),
        ("info@example.com", ["ann@example.com"]),
        ("info+tag@example.com", ["ann@example.com"]),
        ("team@example.com", ["ann@example.com", "bob@example.com", "carl@relayed.example"]),
        ("chat@example.com", ["bob@example.com"]),
        ("level3@example.com", ["ann@example.com"]),
        ("bob@example.net", ["bob@example.com"]),
        ("anything@catch.example", ["bob@example.com"]),
        ("carl@relayed.example", ["carl@relayed.example"]),
        ("Carl+Tag@relayed.example", ["Carl+Tag@relayed.example"]),
        ("Whoever@any.example", ["Whoever@any.example"]),
        ("Sales-East@some.example", ["Sales-East@some.example"]),
        ("ann@bücher.example", ["ann@xn--bcher-kva.example"]),
    ],
)
def test_finds_the_recipients(forward_path: str, delivered_to: list[str]) -> None:
    assert addresses(forward_path) == delivered_to


def test_keeps_the_tag_of_a_mailbox_beside_it() -> None:
    found = resolve(path("ann+news@example.com"), TABLES, default_domain=HOSTED)
    assert found.recipients == (Recipient("ann@example.com", "ann+news@example.com", Route.MAILBOX, "news"),)
    found = resolve(path("tagged@example.com"), TABLES, default_domain=HOSTED)
    assert found.recipients == (Recipient("ann@example.com", "tagged@example.com", Route.MAILBOX, "list"),)


@pytest.mark.parametrize(
    ("forward_path", "delivered_to"),
    [
        ("postmaster", ["postmaster@example.com"]),
        ("PostMaster", ["postmaster@example.com"]),
        ("postmaster@example.com", ["postmaster@example.com"]),
        ("abuse@example.com", ["abuse@example.com"]),
        ("abuse+x@example.com", ["abuse@example.com"]),
        ("postmaster@example.net", ["postmaster@example.com"]),
        ("abuse@catch.example", ["abuse@catch.example"]),
        ("postmaster@relayed.example", ["postmaster@relayed.example"]),
    ],
)
def test_postmaster_and_abuse_always_resolve(forward_path: str, delivered_to: list[str]) -> None:
    assert addresses(forward_path) == delivered_to


@pytest.mark.parametrize("text", ["nobody@example.com", "nobody@example.net", "ann@relayed.example", "x@some.example"])
def test_an_unknown_recipient_is_refused_for_good(text: str) -> None:
    assert refusal(text) == replies.RECIPIENT_UNKNOWN


@pytest.mark.parametrize("text", ["ring1@example.com", "dangling@example.com", "level2@example.com"])
def test_an_alias_that_leads_nowhere_is_our_fault(text: str) -> None:
    assert refusal(text) == replies.ALIAS_BROKEN


@pytest.mark.parametrize(
    "text",
    [
        "someone@foreign.example",
        "someone@sub.example.com",
        "someone@example.com.",
        "someone@[192.0.2.1]",
        "someone@[IPv6:2001:db8::1]",
        "someone%foreign.example@example.com",
        "foreign.example!someone@example.com",
        "someone@foreign.example@example.com",
        "someone%foreign.example@any.example",
        "foreign.example!someone@any.example",
        "someone@foreign.example@any.example",
        "someone%foreign.example@catch.example",
        "someone%foreign.example@example.net",
        "a!b%c@relayed.example",
        "someone@bad\u2028name",
    ],
)
def test_nothing_names_another_host_through_us(text: str) -> None:
    assert refusal(text) == replies.RELAYING_DENIED


def test_a_trusted_client_may_relay() -> None:
    found = resolve(path("someone@foreign.example"), TABLES, default_domain=HOSTED, may_relay=True)
    assert found.recipients == (Recipient("someone@foreign.example", "someone@foreign.example", Route.REMOTE),)
    assert refusal("nobody@example.com", may_relay=True) == replies.RECIPIENT_UNKNOWN
    assert refusal("someone@[192.0.2.1]", may_relay=True) == replies.RELAYING_DENIED


def test_a_target_without_smtputf8_is_spared_such_mail() -> None:
    found = resolve(path("x@old.example"), TABLES, default_domain=HOSTED, smtputf8=True)
    assert found.refusal == replies.TARGET_WITHOUT_SMTPUTF8
    assert resolve(path("x@old.example"), TABLES, default_domain=HOSTED).refusal is None
    assert resolve(path("x@any.example"), TABLES, default_domain=HOSTED, smtputf8=True).refusal is None


def test_a_list_without_end_is_cut() -> None:
    members = tuple(f"m{n}@example.com" for n in range(MAX_EXPANDED_RECIPIENTS + 50))
    tables = Tables({HOSTED: DomainEntry(HOSTED)}, frozenset(members), {"all@example.com": members})
    found = resolve(path("all@example.com"), tables, default_domain=HOSTED)
    assert len(found.recipients) == MAX_EXPANDED_RECIPIENTS


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("ann@example.com", True),
        ("team@example.com", True),
        ("postmaster@example.com", True),
        ("nobody@example.com", False),
        ("anyone@foreign.example", True),
        ("anyone@[192.0.2.1]", True),
        ("anyone@catch.example", True),
    ],
)
def test_a_reverse_path_of_ours_must_exist(text: str, known: bool) -> None:
    assert is_known_reverse_path(path(text), TABLES) is known


@pytest.mark.parametrize(
    ("mail_path", "text"),
    [
        (MailPath("ann", "example.com"), "ann@example.com"),
        (MailPath("ann smith", "example.com"), '"ann smith"@example.com'),
        (MailPath('a"b\\c', "example.com"), '"a\\"b\\\\c"@example.com'),
        (MailPath("", "example.com"), '""@example.com'),
        (MailPath("a..b", "example.com"), '"a..b"@example.com'),
        (MailPath("postmaster", None), "postmaster"),
        (MailPath("žofie", "example.com"), "žofie@example.com"),
    ],
)
def test_a_path_is_quoted_only_where_it_must_be(mail_path: MailPath, text: str) -> None:
    assert str(mail_path) == text
