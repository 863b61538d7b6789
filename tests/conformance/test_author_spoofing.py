"""Spoofed authors, through the whole filter: no form of From makes DMARC pass for whom the message is not from.

The attacker owns evil.example, whose SPF, DKIM and DMARC all pass, and wants mail to be shown as from good.example,
which asks for refusal. Forms follow the grammar of RFC 5322, its obsolete part included, and what has been published on
readers that disagree with filters: Chen, Paxson and Jiang, "Composition Kills" (USENIX Security 2020); Shen and others,
"Weak Links in Authentication Chains" (USENIX Security 2021); "Mailsploit" (2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.utils import getaddresses

import pytest

from postern.authres.reading import AuthenticationResults, read_results
from postern.authres.writing import FIELD_NAME
from postern.line_ends import normalise_line_ends
from postern.model import CheckResult, ResultWord
from postern.policy_book import PolicyBook
from postern.stamping import stamp
from postern.zone import Zone, ZoneResolver
from postern_cli.scan.case import ScanCase
from postern_cli.scan.judging import HOSTNAME, Verdict, judge_case
from tests.signing import signature_of, signing_key, zone_of

GOOD, EVIL = "good.example", "evil.example"
RECIPIENT = "ann@receiver.example"
CLIENT = "192.0.2.66"
KEY = signing_key("s1", EVIL, ed25519=True)
ZONE: dict[str, Mapping[str, Sequence[str] | str]] = {
    **zone_of(KEY),
    EVIL: {"TXT": ["v=spf1 ip4:192.0.2.66 -all"], "MX": ["10 mail.evil.example"]},
    f"_dmarc.{EVIL}": {"TXT": ["v=DMARC1; p=reject"]},
    "mail.evil.example": {"A": [CLIENT], "TXT": ["v=spf1 a -all"]},
    GOOD: {"TXT": ["v=spf1 -all"], "MX": ["10 mail.good.example"]},
    f"_dmarc.{GOOD}": {"TXT": ["v=DMARC1; p=reject"]},
}
REST = b"To: ann@receiver.example\r\nSubject: invoice\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
BODY = b"\r\nPlease pay.\r\n"


@dataclass(frozen=True, slots=True)
class Form:
    """A way to write the author. `shows` are domains that some reader may show; `passes` when only evil.example is."""

    name: str
    header: bytes
    shows: frozenset[str] = frozenset({GOOD, EVIL})
    passes: bool = False
    body: bytes = BODY


def both(name: str, header: bytes | str, body: bytes = BODY) -> Form:
    """A form that one reader shows as good.example, another as evil.example."""
    return Form(name, _octets(header), body=body)


def only_good(name: str, header: bytes | str) -> Form:
    """A form in which every reader that shows a domain shows good.example."""
    return Form(name, _octets(header), frozenset({GOOD}))


def nobody(name: str, header: bytes | str) -> Form:
    """A form in which there is no domain that could be asked, though a reader may show something like one."""
    return Form(name, _octets(header), frozenset())


def evil(name: str, header: bytes | str) -> Form:
    """A form whose only author is at evil.example, whatever its name or other fields pretend."""
    return Form(name, _octets(header), frozenset({EVIL}), passes=True)


def _octets(header: bytes | str) -> bytes:
    return header if isinstance(header, bytes) else header.encode()


FORMS = (
    # --- several From fields, and fields that only some readers see ---
    both("two fields, victim first", b"From: ceo@good.example\r\nFrom: x@evil.example"),
    both("two fields, attacker first", b"From: x@evil.example\r\nFrom: ceo@good.example"),
    both("two fields apart", b"From: x@evil.example\r\nReply-To: y@z.example\r\nX: y\r\nFrom: ceo@good.example"),
    both("names in other cases", b"from: x@evil.example\r\nFROM: ceo@good.example"),
    both("blank before the colon", b"From : ceo@good.example\r\nFrom: x@evil.example"),
    both("tab before the colon", b"From: x@evil.example\r\nFrom\t: ceo@good.example"),
    both("many blanks before the colon", b"From: x@evil.example\r\nFrom" + b" " * 30 + b": ceo@good.example"),
    both("NUL in the field's name", b"From: x@evil.example\r\nFr\0om: ceo@good.example"),
    both("control character in the field's name", b"From: x@evil.example\r\nFrom\x01: ceo@good.example"),
    both("vertical tab before the name", b"From: x@evil.example\r\n\x0bFrom: ceo@good.example"),
    both("form feed before the name", b"From: x@evil.example\r\n\x0cFrom: ceo@good.example"),
    both("delete before the name", b"From: x@evil.example\r\n\x7fFrom: ceo@good.example"),
    both("a bare carriage return begins the field", b"From: x@evil.example\r\nX: y\rFrom: ceo@good.example"),
    both("a bare carriage return within From", b"From: x@evil.example\rFrom: ceo@good.example"),
    both("a bare line feed begins the field", b"From: x@evil.example\r\nX: y\nFrom: ceo@good.example"),
    both("a line that is no field before it", b"From: x@evil.example\r\njunk\r\nFrom: ceo@good.example"),
    both("after a line of blanks", b"From: x@evil.example\r\n \r\nFrom: ceo@good.example"),
    both("after a line of a tab", b"From: x@evil.example\r\n\t\r\nFrom: ceo@good.example"),
    both("as a fold that begins the header", b" From: ceo@good.example\r\nFrom: x@evil.example"),
    both("an mbox line first", b"From x Sun Nov 22 10:00:00 2026\r\nFrom: x@evil.example\r\nFrom: ceo@good.example"),
    both("field name without a colon, then a fold", b"From: x@evil.example\r\nFrom\r\n : ceo@good.example"),
    both("three fields", b"From: ceo@good.example\r\nFrom: x@evil.example\r\nFrom: ceo@good.example"),
    both("an empty first field", b"From:\r\nFrom: x@evil.example\r\nFrom: ceo@good.example"),
    # --- several addresses ---
    both("two addresses", b"From: ceo@good.example, x@evil.example"),
    both("two addresses, attacker first", b"From: x@evil.example, ceo@good.example"),
    both("two in brackets", b"From: <ceo@good.example>, <x@evil.example>"),
    both("two in brackets without a comma", b"From: <ceo@good.example> <x@evil.example>"),
    both("a semicolon between", b"From: ceo@good.example; x@evil.example"),
    both("an empty member between", b"From: ceo@good.example,,x@evil.example"),
    both("an address as the name", b"From: ceo@good.example <x@evil.example>"),
    both("an address after the brackets", b"From: <x@evil.example> ceo@good.example"),
    both("an address with blanks as the name", b"From: ceo @ good.example <x@evil.example>"),
    both("an empty address first", b"From: <>, <ceo@good.example>, <x@evil.example>"),
    both("folded between the addresses", b"From: ceo@good.example,\r\n x@evil.example"),
    both("nested brackets", b"From: <<ceo@good.example>x@evil.example>"),
    both("brackets within brackets", b"From: <ceo@good.example<x@evil.example>>"),
    both("a bracket that is never closed", b"From: <ceo@good.example <x@evil.example>"),
    both("a bracket that is never opened", b"From: ceo@good.example> <x@evil.example>"),
    both("two at signs", b"From: ceo@good.example@evil.example"),
    both("two at signs, attacker first", b"From: x@evil.example@good.example"),
    # --- routes and groups ---
    both("a source route", b"From: <@evil.example:ceo@good.example>"),
    both("a source route of the victim", b"From: <@good.example:x@evil.example>"),
    both("a source route of two", b"From: <@a.example,@good.example:x@evil.example>"),
    both("a source route without brackets", b"From: @good.example:x@evil.example"),
    only_good("a group", b"From: Board: ceo@good.example;"),
    both("a group of two", b"From: Board: ceo@good.example, x@evil.example;"),
    both("two groups", b"From: A: ceo@good.example;, B: x@evil.example;"),
    both("a group beside an address", b"From: Board: ceo@good.example;, x@evil.example"),
    both("a group's name is an address", b"From: ceo@good.example: x@evil.example;"),
    nobody("an empty group", b"From: undisclosed:;"),
    # --- quoted strings, quoted pairs and comments ---
    both("an address as quoted local part", b'From: "ceo@good.example"@evil.example'),
    both("a quoted local part that closes a bracket", b'From: <"ceo@good.example>"@evil.example>'),
    both("a quoted pair before the at sign", b"From: ceo\\@good.example@evil.example"),
    both("a quoted pair closes the quotes for some", b'From: "x\\" <ceo@good.example>, " <x@evil.example>'),
    both("a quoted pair in the local part", b"From: ceo@good.example\\, x@evil.example"),
    both("an open quote", b'From: "ceo@good.example <x@evil.example>, ceo@good.example'),
    only_good("a comment within the domain", b"From: ceo@(evil.example)good.example"),
    only_good("a comment before the domain", b"From: <ceo@(x)good.example>"),
    only_good("a comment in the local part", b"From: <ceo(x@evil.example)@good.example>"),
    both("a comment that is never closed", b"From: ceo@good.example (x@evil.example"),
    both("a comment with an escaped parenthesis", b"From: (\\) <ceo@good.example> (x) <x@evil.example>"),
    both("a nested comment", b"From: (a(b) <ceo@good.example>) <x@evil.example>, ceo@good.example"),
    # --- encoded words ---
    only_good("an encoded address", b"From: =?utf-8?q?ceo=40good=2Eexample?="),
    only_good("an encoded address in base64", b"From: =?utf-8?b?Y2VvQGdvb2QuZXhhbXBsZQ==?="),
    both("an encoded address with brackets", b"From: =?utf-8?q?=3Cceo=40good.example=3E?= <x@evil.example>"),
    both("an encoded address and a comma", b"From: =?utf-8?q?ceo=40good.example=2C?= x@evil.example"),
    both("an encoded local part", b"From: =?utf-8?q?ceo=40good.example?=@evil.example"),
    both("an encoded NUL behind the address", b"From: =?utf-8?q?ceo=40good.example=00?=@evil.example"),
    both("an encoded line end behind the address", b"From: =?utf-8?q?ceo=40good.example=0A?= <x@evil.example>"),
    both("Mailsploit", b"From: =?utf-8?b?Y2VvQGdvb2QuZXhhbXBsZQ==?==?utf-8?Q?=00?=@evil.example"),
    both("an encoded word within brackets", b"From: <=?utf-8?q?ceo=40good.example?=@evil.example>"),
    both("encoded words and a fold", b"From: =?utf-8?q?=3Cceo=40?=\r\n =?utf-8?q?good.example=3E?= <x@evil.example>"),
    # --- NUL, invisible and look-alike characters ---
    both("a NUL behind the address", b"From: ceo@good.example\0@evil.example"),
    both("a NUL between addresses", b"From: ceo@good.example\0,x@evil.example"),
    both("a NUL before the bracket", b"From: ceo@good.example\0<x@evil.example>"),
    only_good("a NUL within the domain", b"From: ceo@go\0od.example"),
    only_good("a zero-width space in the domain", "From: ceo@good.example\u200b"),
    nobody("a text-direction mark in the domain", "From: ceo@\u202egood.example"),
    only_good("a soft hyphen in the domain", "From: ceo@go\u00adod.example"),
    both("a full-width at sign", "From: ceo\uff20good.example <x@evil.example>"),
    both("a small at sign", "From: ceo\ufe6bgood.example <x@evil.example>"),
    only_good("an ideographic full stop", "From: ceo@good\u3002example"),
    only_good("full-width letters", "From: ceo@\uff47\uff4f\uff4f\uff44.example"),
    both("a line separator between", "From: ceo@good.example\u2028 <x@evil.example>"),
    both("a next-line character between", "From: ceo@good.example\u0085 <x@evil.example>"),
    Form("an octet that is no UTF-8 behind", b"From: ceo@good.example\xff <x@evil.example>", frozenset({EVIL})),
    # --- folds ---
    only_good("a fold within the domain", b"From: <ceo@go\r\n od.example>"),
    only_good("a fold within a bare domain", b"From: ceo@go\r\n\tod.example"),
    only_good("a fold before the domain", b"From: ceo@\r\n good.example"),
    both("folds of blanks alone", b"From: x@evil.example\r\n \r\n , ceo@good.example"),
    # --- the victim as the only author: no trick, and no pass ---
    only_good("the plain forgery", b"From: CEO <ceo@good.example>"),
    only_good("a trailing dot", b"From: ceo@good.example."),
    only_good("capitals", b"From: CEO@GOOD.EXAMPLE"),
    Form("a subdomain of the victim", b"From: ceo@mail.good.example", frozenset({"mail.good.example"})),
    Form("a name that ends in the attacker's", b"From: ceo@notevil.example", frozenset({"notevil.example"})),
    # --- who really wrote it is the attacker, and that is what is said ---
    evil("the attacker's own mail", b"From: x@evil.example"),
    evil("the victim in quotes as the name", b'From: "ceo@good.example" <x@evil.example>'),
    evil("the victim in an encoded name", b"From: =?utf-8?q?ceo=40good=2Eexample?= <x@evil.example>"),
    evil("the victim in a comment", b"From: x@evil.example (ceo@good.example)"),
    evil("the victim as Sender", b"From: x@evil.example\r\nSender: ceo@good.example"),
    evil("the victim as Resent-From", b"Resent-From: ceo@good.example\r\nResent-Sender: a@b.c\r\nFrom: x@evil.example"),
    evil("the victim as Reply-To", b"From: x@evil.example\r\nReply-To: ceo@good.example"),
    evil("names that hold From", b"From: x@evil.example\r\nFrom-Old: ceo@good.example\r\nX-From: a@good.example"),
    evil("the attacker's trailing dot", b"From: x@evil.example."),
    evil("the attacker in capitals", b"From: x@EVIL.EXAMPLE"),
    # --- no author at all ---
    nobody("no From field", b"Sender: ceo@good.example"),
    nobody("an empty field", b"From:"),
    nobody("no address", b"From: The Chief"),
    nobody("an empty address", b"From: <>"),
    nobody("an address literal", b"From: ceo@[192.0.2.66]"),
    nobody("no domain", b"From: ceo@"),
)  # fmt: skip

HOMOGRAPHS = ("g\u043e\u043ed.example", "go\u03bfd.example", "\u0261ood.example", "good.ex\u0430mple")
"""Names that look like the victim's: each is another domain, and is named as what it is."""


def judged(form: Form, *, mail_from: str = f"x@{EVIL}", helo: str = "mail.evil.example") -> Verdict:
    raw = normalise_line_ends(form.header + b"\r\n" + REST + form.body)
    signature = signature_of(raw, KEY, signed_fields=("From", "Subject", "Date"))
    return judge(raw.replace(REST, signature + REST), mail_from=mail_from, helo=helo)


def judge(
    raw: bytes, *, mail_from: str = f"x@{EVIL}", helo: str = "mail.evil.example", zone: Zone | None = None
) -> Verdict:
    case = ScanCase(
        raw=raw,
        client_ip=CLIENT,
        helo=helo,
        mail_from=mail_from,
        rcpt_to=(RECIPIENT,),
        policy={name: {"mode": "off"} for name in ("dnsbl", "rules")},
    )
    verdict = judge_case(case, PolicyBook(), ZoneResolver(zone or ZONE))
    assert not verdict.troubles
    return verdict


def dmarc_of(verdict: Verdict) -> CheckResult[object]:
    return verdict.judgement.results["dmarc"]


def shown_domains(verdict: Verdict) -> list[str]:
    shown = dmarc_of(verdict).properties["shown_domains"]
    assert isinstance(shown, list)
    return shown


def written_results(verdict: Verdict) -> AuthenticationResults:
    """Our Authentication-Results, read by the reader that other servers' fields are read with."""
    (value,) = [field.value for field in verdict.decision.headers if field.name == FIELD_NAME]
    read = read_results(value)
    assert read is not None
    return read


def what_we_said(verdict: Verdict) -> Iterator[tuple[str, str]]:
    for result in verdict.judgement.results.values():
        yield from ((method.method, method.result.value) for method in result.methods)


def test_there_are_enough_forms() -> None:
    assert len(FORMS) >= 60
    assert len({form.name for form in FORMS}) == len(FORMS)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_dmarc_passes_for_nobody_but_the_only_author_shown(form: Form) -> None:
    verdict = judged(form)
    result = dmarc_of(verdict)
    assert (result.result is ResultWord.PASS) is form.passes
    if form.passes:
        assert shown_domains(verdict) == [EVIL]
        assert result.properties["header.from"] == EVIL


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_the_receipt_names_every_domain_that_may_be_shown(form: Form) -> None:
    verdict = judged(form)
    assert form.shows <= set(shown_domains(verdict))
    if len(shown_domains(verdict)) > 1:
        assert dmarc_of(verdict).properties["author_problems"]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_authentication_results_say_what_was_found_and_no_more(form: Form) -> None:
    verdict = judged(form)
    read = written_results(verdict)
    assert read.authserv_id == HOSTNAME
    assert [(one.method, one.result) for one in read.results] == list(what_we_said(verdict))
    passed = {one.value("header", "from") for one in read.results if (one.method, one.result) == ("dmarc", "pass")}
    assert passed == ({EVIL} if form.passes else set())


@pytest.mark.parametrize("form", [form for form in FORMS if form.passes], ids=lambda form: form.name)
def test_other_readers_agree_on_the_author_that_passed(form: Form) -> None:
    values = message_from_bytes(form.header + b"\r\n\r\n").get_all("From", [])
    addresses = [address for _, address in getaddresses([str(value) for value in values]) if "@" in address]
    assert {address.rpartition("@")[2].rstrip(".").lower() for address in addresses} == {EVIL}


@pytest.mark.parametrize("name", HOMOGRAPHS)
def test_a_homograph_is_another_domain_and_named_as_what_it_is(name: str) -> None:
    verdict = judged(Form(name, f"From: CEO <ceo@{name}>".encode()))
    (shown,) = shown_domains(verdict)
    assert dmarc_of(verdict).result is not ResultWord.PASS
    assert "xn--" in shown
    assert shown.isascii()


@pytest.mark.parametrize("name", [b'"ceo@good.example"', b"=?utf-8?q?ceo=40good=2Eexample?=", b"(ceo@good.example)"])
def test_an_address_shown_as_the_name_is_told(name: bytes) -> None:
    result = dmarc_of(judged(Form("name", b"From: " + name + b" <x@evil.example>", passes=True)))
    assert result.properties["author_problems"] == ["display_name_address"]


# --- nobody adds a word to our Authentication-Results --------------------------------------------------------

INJECTIONS = (
    "evil.example; dmarc=pass header.from=good.example",
    "evil.example;dmarc=pass",
    "evil.example\r\n dmarc=pass header.from=good.example",
    "evil.example\r\nAuthentication-Results: postern.localhost; dmarc=pass",
    'evil.example"; dmarc=pass header.from="good.example',
    "evil.example\\",
    'evil.example\\"; dmarc=pass',
    "evil.example (comment",
    "evil.example) dmarc=pass (",
    "evil.example dmarc=pass header.from=good.example",
    "evil.example\0; dmarc=pass",
    "evil.example\u2028; dmarc=pass",
    "evil.example=?utf-8?q?=3B_dmarc=3Dpass?=",
    "evil.example; none",
    "x" * 400 + "; dmarc=pass",
)


def said_nothing_more(verdict: Verdict) -> None:
    """Every result is one of ours, and no value of ours reads as a pass of the victim."""
    read = written_results(verdict)
    assert [(one.method, one.result) for one in read.results] == list(what_we_said(verdict))
    passed = {one.value("header", "from") for one in read.results if (one.method, one.result) == ("dmarc", "pass")}
    assert passed <= {EVIL}
    assert all(field.value.isprintable() for field in verdict.decision.headers)


FORGERY = b"From: CEO <ceo@good.example>\r\n" + REST + BODY


@pytest.mark.parametrize("text", INJECTIONS)
def test_the_envelope_cannot_inject_results(text: str) -> None:
    said_nothing_more(judge(FORGERY, mail_from=f"x@{text}"))
    said_nothing_more(judge(FORGERY, mail_from=f'"{text}"@evil.example'))
    said_nothing_more(judge(FORGERY, mail_from=f"{text}@evil.example"))
    said_nothing_more(judge(FORGERY, helo=text))
    said_nothing_more(judge(FORGERY, mail_from="", helo=text))


@pytest.mark.parametrize("tag", ["d", "s", "i", "a", "c", "b", "bh", "t", "x", "v", "q", "h"])
@pytest.mark.parametrize("text", INJECTIONS)
def test_a_signature_cannot_inject_results(text: str, tag: str) -> None:
    tags = {"v": "1", "a": "rsa-sha256", "d": EVIL, "s": "s1", "h": "from", "bh": "YQ==", "b": "YQ=="}
    signature = "; ".join(f"{name}={value}" for name, value in {**tags, tag: text}.items())
    said_nothing_more(judge(f"DKIM-Signature: {signature}\r\n".encode() + FORGERY))


@pytest.mark.parametrize("text", INJECTIONS)
def test_the_author_cannot_inject_results(text: str) -> None:
    said_nothing_more(judge(f"From: CEO <ceo@{text}>\r\n".encode() + REST + BODY))
    said_nothing_more(judge(f'From: "{text}" <ceo@good.example>\r\n'.encode() + REST + BODY))


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_record_cannot_inject_results(text: str) -> None:
    """SPF explains failures, and keys and policies hold words: reasons are written from none of them unquoted."""
    zone: Zone = {
        **ZONE,
        GOOD: {"TXT": [f"v=spf1 exp=why.{GOOD} -all", f"v=spf1 include:{text} -all"]},
        f"why.{GOOD}": {"TXT": [text]},
        f"_dmarc.{GOOD}": {"TXT": [f"v=DMARC1; p=reject; fo={text}; rua=mailto:{text}"]},
        f"s1._domainkey.{EVIL}": {"TXT": [f"v=DKIM1; k={text}; n={text}; p={text}"]},
    }
    raw = b"DKIM-Signature: v=1; a=rsa-sha256; d=evil.example; s=s1; h=from; bh=YQ==; b=YQ==\r\n" + FORGERY
    said_nothing_more(judge(raw, mail_from=f"x@{GOOD}", zone=zone))
    said_nothing_more(judge(raw, zone=zone))


def test_results_that_came_with_the_message_are_not_ours() -> None:
    forged = (
        b"Authentication-Results: postern.localhost; dmarc=pass header.from=good.example\r\n"
        b'authentication-results : "postern.localhost"; dmarc=pass header.from=good.example\r\n'
        b"Authentication-Results:\r\n (x) POSTERN.localhost. 1; dmarc=pass\r\n"
    )
    raw = forged + FORGERY
    verdict = judge(raw)
    said_nothing_more(verdict)
    stamped = stamp(raw, verdict.decision.headers, authserv_id=HOSTNAME)
    assert [field.name.lower() for field in stamped.removed] == ["authentication-results"] * 3
    assert b"dmarc=pass" not in stamped.message
