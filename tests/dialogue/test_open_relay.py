"""No form of address makes this host pass mail on for strangers: each is tried on every listener over a socket.

Foreign mail goes to `foreign.example`. Ours are `example.com` (accounts), `example.net` (its alias) and
`relayed.example` (a domain whose own server takes every address).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from postern.recipients import DomainEntry
from postern_frontend.listener import Endpoint
from tests.dialogue.harness import TABLES, Facts, Tables, World, running
from tests.dialogue.submitting import Office, ask, hear_reply, submitting, under_tls
from tests.dialogue.transcript import connected

OUTSIDER = "ben@sender.example"
LONG = "a" * 64


@dataclass(frozen=True)
class Form:
    """An address in RCPT, whose mail some server would pass on, and the reverse-path it is tried with."""

    why: str
    forward_path: str
    reverse_path: str = OUTSIDER
    parameters: str = ""

    @property
    def mail(self) -> str:
        return f"MAIL FROM:<{self.reverse_path}>{self.parameters}"


FORMS = (
    Form("a plain foreign address", "<victim@foreign.example>"),
    Form("the null reverse-path, as a bounce has it", "<victim@foreign.example>", ""),
    Form("a local reverse-path that exists, forged", "<victim@foreign.example>", "ann@example.com"),
    Form("a local reverse-path in other case", "<victim@foreign.example>", "ANN@EXAMPLE.COM"),
    Form("the postmaster's reverse-path, forged", "<victim@foreign.example>", "postmaster@example.com"),
    Form("a reverse-path of a relayed domain", "<victim@foreign.example>", "ann@relayed.example"),
    Form("the victim's own reverse-path", "<victim@foreign.example>", "victim@foreign.example"),
    Form("our host name as reverse-path domain", "<victim@foreign.example>", "spam@mx.example.com"),
    Form("an address literal of ours as reverse-path domain", "<victim@foreign.example>", "spam@[127.0.0.1]"),
    Form("a claim in AUTH= to have been submitted", "<victim@foreign.example>", parameters=" AUTH=ann@example.com"),
    Form("a percent hack at a hosted domain", "<victim%foreign.example@example.com>"),
    Form("a percent hack at a relayed domain, which takes every address", "<victim%foreign.example@relayed.example>"),
    Form("a percent hack at our host name", "<victim%foreign.example@mx.example.com>"),
    Form("a percent hack at our address", "<victim%foreign.example@[127.0.0.1]>"),
    Form("a percent hack at our alias domain", "<victim%foreign.example@example.net>"),
    Form("a percent hack without a domain", "<victim%foreign.example>"),
    Form("two percent hacks", "<victim%foreign.example%example.com@example.com>"),
    Form("a percent hack within quotes", '<"victim%foreign.example"@example.com>'),
    Form("a bang path at a hosted domain", "<foreign.example!victim@example.com>"),
    Form("a bang path at a relayed domain", "<foreign.example!victim@relayed.example>"),
    Form("a bang path by itself", "<foreign.example!victim>"),
    Form("a bang path over us", "<example.com!foreign.example!victim>"),
    Form("bang and percent together", "<foreign.example!victim%foreign.example@example.com>"),
    Form("a quoted address at a hosted domain", '<"victim@foreign.example"@example.com>'),
    Form("a quoted address at a relayed domain", '<"victim@foreign.example"@relayed.example>'),
    Form("a quoted address without a domain", '<"victim@foreign.example">'),
    Form("a quoted address with quoted pairs", r'<"victim\@foreign.example"@example.com>'),
    Form("a source route over us", "<@example.com:victim@foreign.example>"),
    Form("a source route over two of ours", "<@example.com,@example.net:victim@foreign.example>"),
    Form("a source route over our address", "<@[127.0.0.1]:victim@foreign.example>"),
    Form("a source route over a foreign host", "<@foreign.example:victim@foreign.example>"),
    Form("a source route and a percent hack", "<@example.com:victim%foreign.example@example.com>"),
    Form("two at signs", "<victim@foreign.example@example.com>"),
    Form("two at signs, the other way round", "<victim@example.com@foreign.example>"),
    Form("an address literal", "<victim@[192.0.2.1]>"),
    Form("an address literal of this host", "<victim@[127.0.0.1]>"),
    Form("an IPv6 literal", "<victim@[IPv6:2001:db8::1]>"),
    Form("an IPv6 literal of this host", "<victim@[IPv6:::1]>"),
    Form("an IPv4-mapped IPv6 literal", "<victim@[IPv6:::ffff:192.0.2.1]>"),
    Form("an address as domain, without brackets", "<victim@192.0.2.1>"),
    Form("an address written as one number", "<victim@3221225985>"),
    Form("a subdomain of a hosted domain", "<victim@sub.example.com>"),
    Form("a subdomain of a relayed domain", "<victim@sub.relayed.example>"),
    Form("a domain that ends like ours", "<victim@notexample.com>"),
    Form("a domain that begins like ours", "<victim@example.com.foreign.example>"),
    Form("a trailing dot on a foreign domain", "<victim@foreign.example.>"),
    Form("a trailing dot on ours", "<victim@example.com.>"),
    Form("two dots within the domain", "<victim@example..com>"),
    Form("an empty domain", "<victim@>"),
    Form("an empty local part", "<@foreign.example>"),
    Form("a comment in the domain", "<victim@foreign.example(example.com)>"),
    Form("a comment in the local part", "<victim(@example.com)@foreign.example>"),
    Form("a blank before the at sign", "<victim @foreign.example>"),
    Form("a tab within the address", "<victim\t@foreign.example>"),
    Form("no angle brackets", "victim@foreign.example"),
    Form("two paths in one command", "<ann@example.com>,<victim@foreign.example>"),
    Form("two addresses in one path", "<ann@example.com,victim@foreign.example>"),
    Form("a display name before the path", "Ann <victim@foreign.example>"),
    Form("an encoded word as local part", "<=?utf-8?q?victim=40foreign.example?=@example.com>"),
    Form("an at sign as a percent code", "<victim%40foreign.example@example.com>"),
    Form("xtext", "<victim+40foreign.example@foreign.example>"),
    Form("UTF-8 in a foreign address", "<opfer\u00fc@foreign.example>", parameters=" SMTPUTF8"),
    Form("UTF-8 in a foreign domain", "<victim@f\u00f6reign.example>", parameters=" SMTPUTF8"),
    Form("a full-width at sign", "<victim\uff20foreign.example@example.com>", parameters=" SMTPUTF8"),
    Form("a full-width percent sign", "<victim\uff05foreign.example@example.com>", parameters=" SMTPUTF8"),
    Form("full-width dots in a foreign domain", "<victim@foreign\uff0eexample>", parameters=" SMTPUTF8"),
    Form("a domain like ours with a Cyrillic letter", "<victim@ex\u0430mple.com>", parameters=" SMTPUTF8"),
    Form("upper case", "<VICTIM@FOREIGN.EXAMPLE>"),
    Form("a tag that is an address", "<ann+victim@foreign.example@example.com>"),
    Form("a VERP form of a foreign address at ours", "<bounce+victim=foreign.example@example.com>"),
    Form("SRS0 of a foreign address, which nobody here has made", "<SRS0=HHH=TT=foreign.example=victim@example.com>"),
    Form("the postmaster of somebody else", "<postmaster@foreign.example>"),
    Form("a parameter that says where to", "<ann@example.com> ORCPT=rfc822;victim@foreign.example"),
    Form("a local part of 64 octets", f"<{LONG}@foreign.example>"),
    Form("a local part that is too long", f"<{LONG * 5}@foreign.example>"),
    Form("a NUL within the address", "<ann@example.com\0@foreign.example>"),
    Form("a line end within the address", "<ann@example.com\r@foreign.example>"),
    Form("a literal with a tag nobody knows", "<victim@[x400:c=us;a=foreign]>"),
    Form("a hash path", "<#victim@foreign.example>"),
    Form("a colon path, as DECnet had it", "<foreign::victim@example.com>"),
)


@asynccontextmanager
async def listeners() -> AsyncIterator[tuple[World, dict[str, int]]]:
    """A world and its ports: 25 first, then those of submission."""
    office = Office()
    async with submitting(office) as ports:
        yield office.world, {"25": ports.receiver.port, "587": ports.starttls, "465": ports.implicit}


async def tried(port: int, form: Form, *, implicit_tls: bool = False) -> tuple[str, str]:
    """The replies to RCPT and to DATA."""
    if implicit_tls:
        async with under_tls(port) as streams:
            return await _tried(streams, form)
    async with connected(port) as streams:
        return await _tried(streams, form)


async def _tried(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], form: Form) -> tuple[str, str]:
    await hear_reply(streams[0])
    _, _, recipient, data = await ask(streams, "EHLO x.example", form.mail, f"RCPT TO:{form.forward_path}", "DATA")
    return recipient, data


def test_there_are_many_forms_and_each_has_its_reason() -> None:
    assert len(FORMS) >= 70
    assert len({form.why for form in FORMS}) == len(FORMS)
    assert len({(form.forward_path, form.reverse_path, form.parameters) for form in FORMS}) == len(FORMS)


def test_no_form_is_relayed_by_port_25() -> None:
    async def run() -> None:
        async with listeners() as (world, ports):
            passed = {}
            for form in FORMS:
                recipient, data = await tried(ports["25"], form)
                if recipient[0] not in "5" or data[0] not in "5":
                    passed[form.why] = (recipient, data)
            assert passed == {}
            assert world.ledger.transactions == []
            assert world.judge.seen == []

    asyncio.run(run())


@pytest.mark.parametrize("name", ["587", "465"])
def test_submission_takes_no_form_from_who_has_not_logged_in(name: str) -> None:
    async def run() -> None:
        async with listeners() as (world, ports):
            for form in FORMS:
                recipient, data = await tried(ports[name], form, implicit_tls=name == "465")
                assert recipient[0] == data[0] == "5", (form.why, recipient, data)
            assert world.ledger.transactions == []

    asyncio.run(run())


def test_a_form_among_good_recipients_gets_no_copy() -> None:
    """Some recipients of a transaction are ours: the message is taken for them, and for nobody else."""

    async def run() -> None:
        async with listeners() as (world, ports):
            for start in range(0, len(FORMS), 8):
                async with connected(ports["25"]) as streams:
                    await hear_reply(streams[0])
                    forms = [form for form in FORMS[start : start + 8] if form.forward_path.isascii()]
                    commands = [f"RCPT TO:{form.forward_path}" for form in forms]
                    await ask(streams, "EHLO x.example", f"MAIL FROM:<{OUTSIDER}>", "RCPT TO:<bob@example.com>")
                    heard = await ask(streams, *commands, "DATA", f"Subject: {start}\r\n\r\ntext\r\n.")
                    assert heard[-1].startswith("250"), heard
            taken = [one.address for transaction in world.ledger.transactions for one in transaction.recipients]
            assert taken == ["bob@example.com"] * len(range(0, len(FORMS), 8))

    asyncio.run(run())


# --- the rules, one by one ------------------------------------------------------------------------------------

CHAIN = {f"a{level}@example.com": (f"a{level + 1}@example.com",) for level in range(12)}
RULES = Tables(
    domains={**TABLES.domains, "caught.example": DomainEntry("caught.example")},
    accounts=TABLES.accounts | {"a10@example.com", "a12@example.com"},
    aliases={
        **TABLES.aliases,
        **{name: targets for name, targets in CHAIN.items() if name != "a10@example.com"},
        "@caught.example": ("ann@example.com",),
        "all@example.com": ("team@example.com", "ann@example.com", "bob@example.com"),
        "ping@example.com": ("pong@example.com",),
        "pong@example.com": ("ping@example.com",),
        "out@example.com": ("victim@foreign.example",),
    },
)
DENIED, UNKNOWN, TAKEN = "550 5.7.1 Relaying denied", "550 5.1.1 No such recipient here", "250 2.1.5 Recipient accepted"
BROKEN = "451 4.3.5 The address is ours, but its alias leads nowhere; try again later"


@dataclass(frozen=True)
class Rule:
    """A recipient, the reply to it, and who gets the message then."""

    why: str
    forward_path: str
    reply: str
    mailboxes: tuple[str, ...] = ()
    reverse_path: str = OUTSIDER
    trusted: bool = False


ANN, BOB = "ann@example.com", "bob@example.com"
RULE_SET = (
    Rule("a hosted recipient", ANN, TAKEN, (ANN,)),
    Rule("a relayed recipient", "anybody@relayed.example", TAKEN, ("anybody@relayed.example",)),
    Rule("anything else, from a stranger", "victim@foreign.example", DENIED),
    Rule("anything else, from the null reverse-path", "victim@foreign.example", DENIED, reverse_path=""),
    Rule("anything else, from a reverse-path of ours", "victim@foreign.example", DENIED, reverse_path=ANN),
    Rule("anything else, from a trusted client", "victim@else.example", TAKEN, ("victim@else.example",), trusted=True),
    Rule("an unknown local recipient", "nobody@example.com", UNKNOWN),
    Rule("an unknown local recipient, from a trusted client", "nobody@example.com", UNKNOWN, trusted=True),
    Rule("a percent hack, from a trusted client", "victim%foreign.example@example.com", DENIED, trusted=True),
    Rule("a bang path, from a trusted client", "foreign.example!victim@example.com", DENIED, trusted=True),
    Rule("a tag delivers to its owner", "ann+shop@example.com", TAKEN, (ANN,)),
    Rule("an alias", "team@example.com", TAKEN, (ANN, BOB)),
    Rule("a list of an alias and its members, each once", "all@example.com", TAKEN, (ANN, BOB)),
    Rule("a domain alias", "ann@example.net", TAKEN, (ANN,)),
    Rule("a domain alias takes no strangers", "nobody@example.net", UNKNOWN),
    Rule("a catch-all", "whoever@caught.example", TAKEN, (ANN,)),
    Rule("a catch-all is for no percent hack", "victim%foreign.example@caught.example", DENIED),
    Rule("ten levels of aliases", "a0@example.com", TAKEN, ("a10@example.com",)),
    Rule("a cycle of aliases leads nowhere", "ping@example.com", BROKEN),
    Rule("an alias to a foreign address is not followed", "out@example.com", BROKEN),
    Rule("the postmaster always", "postmaster@example.com", TAKEN, ("postmaster@example.com",)),
    Rule("the postmaster without a domain", "postmaster", TAKEN, ("postmaster@example.com",)),
    Rule("abuse always", "abuse@example.com", TAKEN, ("abuse@example.com",)),
)


@pytest.mark.parametrize("rule", RULE_SET, ids=lambda rule: rule.why)
def test_relay_control(rule: Rule) -> None:
    world = World(tables=RULES, facts=Facts(("127.0.0.0/8",) if rule.trusted else ()))

    async def run() -> None:
        async with running(world, Endpoint(0, "127.0.0.1")) as receiver, connected(receiver.port) as streams:
            await hear_reply(streams[0])
            commands = ("EHLO x.example", f"MAIL FROM:<{rule.reverse_path}>", f"RCPT TO:<{rule.forward_path}>")
            assert (await ask(streams, *commands))[-1] == rule.reply
            if rule.reply == TAKEN:
                assert (await ask(streams, "DATA", "Subject: x\r\n\r\ntext\r\n."))[-1].startswith("250")

    asyncio.run(run())
    found = [one.address for transaction in world.ledger.transactions for one in transaction.recipients]
    assert sorted(found) == sorted(rule.mailboxes)


@pytest.mark.parametrize(
    ("reverse_path", "trusted", "reply"),
    [
        (ANN, False, "250 2.1.0 Reverse-path accepted"),
        ("nobody@example.com", False, "550 5.1.0 No such address here to send from"),
        ("nobody@example.net", False, "550 5.1.0 No such address here to send from"),
        ("Nobody@EXAMPLE.com", False, "550 5.1.0 No such address here to send from"),
        ("nobody@example.com", True, "250 2.1.0 Reverse-path accepted"),
        ("nobody@elsewhere.example", False, "250 2.1.0 Reverse-path accepted"),
        ("", False, "250 2.1.0 Reverse-path accepted"),
    ],
)
def test_a_local_reverse_path_exists_unless_a_trusted_client_uses_it(
    reverse_path: str, trusted: bool, reply: str
) -> None:
    world = World(facts=Facts(("127.0.0.0/8",) if trusted else ()))

    async def run() -> None:
        async with running(world) as receiver, connected(receiver.port) as streams:
            await hear_reply(streams[0])
            assert (await ask(streams, "EHLO x.example", f"MAIL FROM:<{reverse_path}>"))[-1] == reply

    asyncio.run(run())
