"""Who a message claims to be from: one author, or doubt; never somebody else than a mail reader might show."""

from __future__ import annotations

from email.utils import getaddresses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postern.author import MAX_CANDIDATES, Author, AuthorProblem, extract_author
from postern.message import MessageLimits, parse_message
from postern.mime.domain_labels import to_ascii_domain
from postern.mime.limits import MAX_AUTHOR_CHARACTERS


def _author(header: bytes) -> Author:
    return extract_author(parse_message(header + b"\r\n\r\nbody\r\n"))


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (b"From: ann@example.com", "ann@example.com"),
        (b"From: Ann <Ann@Example.COM>", "Ann@example.com"),
        (b"From: ann@example.com (Ann)", "ann@example.com"),
        (b'From: "Lee, Ann" <ann@example.com>', "ann@example.com"),
        (b'From: "Big \\"Box\\" Inc." <ann@example.com>', "ann@example.com"),
        (b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.com>", "j@example.com"),
        (b"From: Ann\r\n\t<ann@example.com>", "ann@example.com"),
        (b"From:ann@example.com.", "ann@example.com"),
        (b"From: ann@m\xc3\xbcller.example", "ann@xn--mller-kva.example"),
        (b"From: ann@MULLER.example", "ann@muller.example"),
        (b'From: "ann.lee"@example.com', '"ann.lee"@example.com'),
        (b"From: John @ Work <john@example.com>", "john@example.com"),
        (b"From: ann@example.com <ann@example.com>", "ann@example.com"),
        (b"FROM: ann@localhost", "ann@localhost"),
    ],
)
def test_one_author(header: bytes, address: str) -> None:
    author = _author(header)
    assert (author.address, author.problems) == (address, ())
    assert author.candidate_domains == (author.domain,) == (address.rpartition("@")[2],)


@pytest.mark.parametrize(
    ("header", "address", "problem"),
    [
        (b'From: "ceo@good.example" <x@evil.example>', "x@evil.example", AuthorProblem.DISPLAY_NAME_ADDRESS),
        (
            b"From: =?utf-8?q?ceo=40good=2Eexample?= <x@evil.example>",
            "x@evil.example",
            AuthorProblem.DISPLAY_NAME_ADDRESS,
        ),
        (b"From: x@evil.example (ceo@good.example)", "x@evil.example", AuthorProblem.DISPLAY_NAME_ADDRESS),
        (b"From: Lee, Ann <ann@example.com>", "ann@example.com", AuthorProblem.LOOSE_SYNTAX),
        (b"From: Ann <ann@example.com", "ann@example.com", AuthorProblem.LOOSE_SYNTAX),
        (b'From: "Ann <ann@example.com>', "ann@example.com", AuthorProblem.LOOSE_SYNTAX),
        (b"From: <ann@example.com> Ann", "ann@example.com", AuthorProblem.LOOSE_SYNTAX),
        (b"From: Ann Lee ann@example.com", "ann@example.com", AuthorProblem.LOOSE_SYNTAX),
        (b"From : ann@example.com", "ann@example.com", AuthorProblem.BLANK_BEFORE_COLON),
    ],
)
def test_harmless_oddities_leave_one_author(header: bytes, address: str, problem: AuthorProblem) -> None:
    author = _author(header)
    assert (author.address, author.problems) == (address, (problem,))


GOOD, EVIL = "good.example", "evil.example"

AMBIGUOUS = [
    (b"From: a@good.example\r\nFrom: b@evil.example", AuthorProblem.SEVERAL_FIELDS, {GOOD, EVIL}),
    (b"From: a@good.example\r\nfrom : b@evil.example", AuthorProblem.SEVERAL_FIELDS, {GOOD, EVIL}),
    (b"From: a@good.example, b@evil.example", AuthorProblem.SEVERAL_ADDRESSES, {GOOD, EVIL}),
    (b"From: a@good.example; b@evil.example", AuthorProblem.SEVERAL_ADDRESSES, {GOOD, EVIL}),
    (b"From: <a@good.example> <b@evil.example>", AuthorProblem.SEVERAL_ADDRESSES, {GOOD, EVIL}),
    (b"From: a@good.example <b@evil.example>", AuthorProblem.SEVERAL_ADDRESSES, {GOOD, EVIL}),
    (b"From: a @ good.example <b@evil.example>", AuthorProblem.SEVERAL_ADDRESSES, {GOOD, EVIL}),
    (b"From: <b@evil.example> a@good.example", AuthorProblem.SEVERAL_ADDRESSES, {GOOD, EVIL}),
    (b"From: <@evil.example:a@good.example>", AuthorProblem.ROUTE, {GOOD, EVIL}),
    (b"From: <@a.example,@evil.example:a@good.example>", AuthorProblem.ROUTE, {GOOD, EVIL}),
    (b'From: "a@good.example"@evil.example', AuthorProblem.QUOTED_LOCAL_PART, {GOOD, EVIL}),
    (b'From: <"a@good.example>"@evil.example>', AuthorProblem.QUOTED_LOCAL_PART, {GOOD, EVIL}),
    (b"From: a@good.example@evil.example", AuthorProblem.UNPARSABLE, {GOOD, EVIL}),
    (b"From: a@good.example\0@evil.example", AuthorProblem.NUL, {GOOD, EVIL}),
    (b"From: =?utf-8?q?a=40good.example=00?= <b@evil.example>", AuthorProblem.NUL, {GOOD, EVIL}),
    (b"From: =?utf-8?q?a=40good.example=0A?= <b@evil.example>", AuthorProblem.NUL, {GOOD, EVIL}),
    (b"From: =?utf-8?q?a=40good.example?=@evil.example", AuthorProblem.ENCODED_ADDRESS, {GOOD, EVIL}),
    (b"From: =?utf-8?q?=3Ca=40good.example=3E?= <b@evil.example>", AuthorProblem.ENCODED_ADDRESS, {GOOD, EVIL}),
    (b"From: =?utf-8?q?a=40good.example?=", AuthorProblem.ENCODED_ADDRESS, {GOOD}),
    (b'From: "x\\" <a@good.example>," <b@evil.example>', AuthorProblem.QUOTED_PAIR, {GOOD, EVIL}),
    (b"From: a\\@good.example@evil.example", AuthorProblem.QUOTED_PAIR, {GOOD, EVIL}),
    (b"From: Team: a@good.example;", AuthorProblem.GROUP, {GOOD}),
    (b"From: a@good.example\r\n .evil.example", AuthorProblem.UNPARSABLE, {"good.example.evil.example"}),
    (b"From: <a@go\r\n od.example>", AuthorProblem.FOLDED_ADDRESS, {GOOD}),
    (b"From: a@go\r\n od.example", AuthorProblem.FOLDED_ADDRESS, {GOOD}),
    (b"From: a@(evil.example)good.example", AuthorProblem.COMMENT_IN_ADDRESS, {GOOD}),
    (b"From: <a(x)@good.example>", AuthorProblem.COMMENT_IN_ADDRESS, {GOOD}),
    (b"From: a@good.example (b@evil.example", AuthorProblem.SEVERAL_ADDRESSES, {GOOD, EVIL}),
    ("From: a\uff20good.example <b@evil.example>".encode(), AuthorProblem.LOOKALIKE_AT_SIGN, {GOOD, EVIL}),
    ("From: a@good.example\u200b".encode(), AuthorProblem.INVISIBLE_CHARACTER, {GOOD}),
    ("From: a@\u202egood.example".encode(), AuthorProblem.INVISIBLE_CHARACTER, set()),
    (b"From: a@[192.0.2.1]", AuthorProblem.ADDRESS_LITERAL, set()),
    (b"From: a@-bad-.example", AuthorProblem.INVALID_DOMAIN, set()),
    (b"Subject: x\rFrom: a@good.example\r\nFrom: b@evil.example", AuthorProblem.HIDDEN_FIELD, {GOOD, EVIL}),
    (b"Fr\0om: a@good.example\r\nFrom: b@evil.example", AuthorProblem.HIDDEN_FIELD, {GOOD, EVIL}),
    (b"From: b@evil.example\r\n\x0bFrom: a@good.example", AuthorProblem.HIDDEN_FIELD, {GOOD, EVIL}),
    (b"From: b@evil.example\r\nfree text\r\n--x\r\nFrom: a@good.example", AuthorProblem.HIDDEN_FIELD, {GOOD, EVIL}),
    (b" From: a@good.example\r\nFrom: b@evil.example", AuthorProblem.HIDDEN_FIELD, {GOOD, EVIL}),
    (b"From: b@evil.example\r\nFrom\r\n : a@good.example", AuthorProblem.HIDDEN_FIELD, {GOOD, EVIL}),
    (b"To: b", AuthorProblem.NO_FIELD, set()),
    (b"From:", AuthorProblem.NO_ADDRESS, set()),
    (b"From: Ann", AuthorProblem.NO_ADDRESS, set()),
    (b"From: <>", AuthorProblem.NO_ADDRESS, set()),
    (b"From: " + b"x" * MAX_AUTHOR_CHARACTERS + b" <a@good.example>", AuthorProblem.UNPARSABLE, set()),
]


@pytest.mark.parametrize(("header", "problem", "domains"), AMBIGUOUS)
def test_in_doubt_there_is_no_author_but_every_candidate(
    header: bytes, problem: AuthorProblem, domains: set[str]
) -> None:
    author = _author(header)
    assert (author.address, author.domain) == ("", "")
    assert problem in author.problems
    assert domains <= set(author.candidate_domains)


def test_a_header_that_was_not_read_to_its_end_has_no_author() -> None:
    raw = b"From: a@good.example\r\n" + b"X: y\r\n" * 20 + b"From: b@evil.example\r\n\r\n"
    assert AuthorProblem.UNREAD_HEADER in extract_author(parse_message(raw, MessageLimits(header_fields=10))).problems
    assert AuthorProblem.UNREAD_HEADER in extract_author(parse_message(raw, MessageLimits(header_bytes=50))).problems


def test_defects_of_a_part_are_none_of_the_header() -> None:
    part = b"--b\r\nnot a field\r\nFrom: x@other.example\r\n\r\nx\r\n--b--\r\n"
    raw = b"From: a@good.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + part
    assert extract_author(parse_message(raw)).address == "a@good.example"


def test_candidates_are_bounded() -> None:
    many = b",".join(b"a@d%d.com" % number for number in range(1000))
    assert len(_author(b"From: " + many).candidate_domains) <= MAX_CANDIDATES
    assert len(_author(b"\r\n".join([b"From: " + many[:4000]] * 50)).candidate_domains) <= MAX_CANDIDATES


def test_the_display_name_is_what_a_reader_shows() -> None:
    assert _author(b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.com>").display_name == "Jürgen"
    assert _author(b"To: x").display_name == ""


PIECES = st.sampled_from(
    ["a@good.example", "b@evil.example", "<", ">", '"', "\\", "(", ")", ",", ";", ":", "@", " ", "\r\n ", ".", "x",
     "=?utf-8?q?", "=40", "?=", "\0", "\u200b", "\uff20", "[1.2.3.4]", "ü"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(PIECES, max_size=12))
def test_a_single_author_is_the_one_that_other_parsers_see(pieces: list[str]) -> None:
    value = "".join(pieces)
    author = _author(b"From: " + value.encode())
    if author.address:
        seen = {to_ascii_domain(address.rpartition("@")[2]) for _, address in getaddresses([value]) if "@" in address}
        assert seen <= {author.domain, ""}
